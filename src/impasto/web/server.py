"""The page and its painter over HTTP, for this machine alone.

Only 127.0.0.1 is listened on. Every address begins with a secret that only the browser window that
was opened knows; requests that come from other pages are refused by Host, Origin and
Sec-Fetch-Site. Photographs stay in memory, nothing is written to disk.
"""

import contextlib
import hmac
import json
import logging
import secrets
import select
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from impasto.errors import InputError
from impasto.images.io import sample_photos, to_pil
from impasto.inference.session import Backend
from impasto.inference.stylizer import MIN_SIDE
from impasto.web.catalog import encode, jpeg
from impasto.web.painter import BusyError, GoneError, Job, Painter

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
LARGEST = 128 << 20  # bytes of a photograph or style
LONGEST = 8192  # pixels of the short side of a picture
PATIENCE = 15.0  # seconds without a byte until a connection is closed
DEADLINE = 120.0  # seconds for a whole photograph to arrive
LINGER = 2.0  # seconds in which the rest of a refused request may come
CONNECTIONS = 32
SAMPLE = "astronaut"  # the photograph for visitors who have none at hand
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "jpg": "image/jpeg",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
JSON = "application/json"


class RefusedRequestError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: HTTPStatus, kind: str, sentence: str) -> None:
        """`kind` is a word by which the page chooses what to offer."""
        super().__init__(sentence)
        self.status, self.kind = status, kind


class PageServer(ThreadingHTTPServer):
    """Serves the page at `address` until `shutdown` or Ctrl-C."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = CONNECTIONS

    def __init__(
        self, *, port: int = 0, threads: int | None = None, backend: Backend = "auto"
    ) -> None:
        """Listen on a port of 127.0.0.1, 0 for a free one.

        Raises:
            InputError: the port is taken or not allowed.
        """
        self.token = secrets.token_urlsafe(24)
        self.painter = Painter(threads=threads, backend=backend)
        self.page = _page()
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        try:
            super().__init__((HOST, port), Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(
                f"port {port} cannot be used ({why}): give another --port, 0 takes a free one"
            ) from error
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    @property
    def address(self) -> str:
        """Of the page, with the secret."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a connection, or close it where there are too many."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that closes its connection is no news; a bug of ours is."""
        logger.debug("a connection ended with an error", exc_info=True)

    def server_close(self) -> None:
        """Stop listening and end the picture in work."""
        super().server_close()
        self.painter.close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    server_version, sys_version = "impasto", ""
    POSTS: ClassVar = {
        "stylize": "_stylize",
        "photo": "_photo",
        "models": "_model",
        "paintings": "_painting",
    }

    def do_GET(self) -> None:
        """The page, its styles, and how far a picture is."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """A photograph, a painting or a style comes in."""
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: addresses have the secret in them."""

    def _answer(self, act: Any) -> None:
        # Whatever was not read of a refused body would be taken for the next request.
        self.close_connection |= self.command != "GET"
        try:
            self._check_sender()
            kind, body, more = act()
            self._send(HTTPStatus.OK, kind, body, more)
        except RefusedRequestError as error:
            self._send_error(error.status, error.kind, str(error))
            self._drain()
        except BusyError:
            sentence = "Too many pictures are waiting: try again in a moment."
            self._send_error(HTTPStatus.SERVICE_UNAVAILABLE, "busy", sentence)
        except (InputError, MemoryError) as error:
            self._send_error(HTTPStatus.UNPROCESSABLE_ENTITY, _kind(error), str(error))
        except (GoneError, ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            logger.exception("the server has a bug, please report it")
            sentence = "This did not work: the terminal says why."
            self._send_error(HTTPStatus.INTERNAL_SERVER_ERROR, "engine", sentence)

    def _check_sender(self) -> None:
        refused = RefusedRequestError(HTTPStatus.FORBIDDEN, "sender", "This page may not ask here.")
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if host not in self.server.hosts or origin not in (None, f"http://{host}"):
            raise refused
        if self.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            raise refused
        token, slash, rest = urlsplit(self.path).path.removeprefix("/").partition("/")
        if not (hmac.compare_digest(token.encode(), self.server.token.encode()) and slash):
            raise RefusedRequestError(HTTPStatus.NOT_FOUND, "address", "There is nothing here.")
        self.rest = unquote(rest)
        self.query = {
            key: values[-1] for key, values in parse_qs(urlsplit(self.path).query).items()
        }

    def _get(self) -> tuple[str, bytes, dict[str, str]]:
        if (name := self.rest or "index.html") in self.server.page:
            return KINDS[name.rpartition(".")[2]], self.server.page[name], {}
        if name == "styles.json":
            return JSON, json.dumps(self.server.painter.entries).encode(), {}
        folder, _, style = name.removesuffix(".jpg").partition("/")
        if folder == "styles" and name.endswith(".jpg") and style in self.server.painter.styles:
            return "image/jpeg", self.server.painter.preview(style), {}
        if folder == "jobs":
            return JSON, json.dumps(self.server.painter.place(style)).encode(), {}
        raise RefusedRequestError(HTTPStatus.NOT_FOUND, "address", "There is nothing here.")

    def _post(self) -> tuple[str, bytes, dict[str, str]]:
        if self.rest not in self.POSTS:
            raise RefusedRequestError(HTTPStatus.NOT_FOUND, "address", "There is nothing here.")
        size = self._size()
        body = self._body()
        answer: tuple[str, bytes, dict[str, str]]
        answer = getattr(self, self.POSTS[self.rest])(body, size)
        return answer

    def _stylize(self, body: bytes, size: int | None) -> tuple[str, bytes, dict[str, str]]:
        style, job = self.query.get("style", ""), self._job()
        picture = self.server.painter.paint(body, style=style, size=size, job=job)
        more = {"X-Seconds": f"{job.seconds:.3f}"}
        if self.query.get("format") == "jpeg":
            return "image/jpeg", jpeg(picture), more
        return "image/png", encode(to_pil(picture), "PNG", compress_level=1), more

    def _photo(self, body: bytes, size: int | None) -> tuple[str, bytes, dict[str, str]]:
        image, whole = self.server.painter.photo(body, size=size, job=self._job())
        more = {"X-Photo-Size": "{}x{}".format(*whole)}
        return "image/png", encode(image, "PNG", compress_level=1), more

    def _model(self, body: bytes, _size: int | None) -> tuple[str, bytes, dict[str, str]]:
        return self._given(self.server.painter.add(body))

    def _painting(self, body: bytes, _size: int | None) -> tuple[str, bytes, dict[str, str]]:
        return self._given(self.server.painter.look(body, job=self._job()))

    def _given(self, name: str) -> tuple[str, bytes, dict[str, str]]:
        metadata = self.server.painter.stylizer(name).metadata
        return JSON, json.dumps({"name": name, "metadata": metadata}).encode(), {}

    def _job(self) -> Job:
        return Job(name=self.query.get("job", ""), gone=self._gone)

    def _gone(self) -> bool:
        """Whether the browser has closed the connection, which is how it cancels."""
        try:
            ready, _, _ = select.select([self.connection], [], [], 0)
            return bool(ready) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def _size(self) -> int | None:
        if (text := self.query.get("size")) is None:
            return None
        if not text.isascii() or not text.isdigit() or not MIN_SIDE <= int(text[:9]) <= LONGEST:
            sentence = f"The size must be {MIN_SIDE} to {LONGEST} pixels."
            raise RefusedRequestError(HTTPStatus.BAD_REQUEST, "size", sentence)
        return int(text)

    def _body(self) -> bytes:
        """All of it, within DEADLINE seconds; memory grows with what really comes."""
        given = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not given.isascii() or not given.isdigit():
            sentence = "The request must say how long it is."
            raise RefusedRequestError(HTTPStatus.LENGTH_REQUIRED, "length", sentence)
        if (left := int(given[:20])) > LARGEST:
            sentence = f"The file is too large: at most {LARGEST >> 20} MB are taken."
            raise RefusedRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "large", sentence)
        body, end = bytearray(), time.monotonic() + DEADLINE
        while left:
            self.connection.settimeout(max(0.01, min(PATIENCE, end - time.monotonic())))
            part = self.rfile.read1(min(left, 1 << 20))
            if not part:
                raise GoneError
            body += part
            left -= len(part)
        self.connection.settimeout(PATIENCE)
        return bytes(body)

    def _drain(self) -> None:
        """Let a refused body come for a while: closing at once would cut off the answer too."""
        end = time.monotonic() + LINGER
        self.wfile.flush()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(LINGER)
            while time.monotonic() < end and self.connection.recv(1 << 20):
                pass

    def _send_error(self, status: HTTPStatus, kind: str, sentence: str) -> None:
        body = json.dumps({"kind": kind, "error": sentence}).encode()
        self.close_connection = True
        self._send(status, JSON, body, {})

    def _send(self, status: HTTPStatus, kind: str, body: bytes, more: dict[str, str]) -> None:
        self.send_response(status)
        closing = {"Connection": "close"} if self.close_connection else {}
        length = {"Content-Type": kind, "Content-Length": str(len(body))}
        for name, value in {**HEADERS, **length, **more, **closing}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _kind(error: Exception) -> str:
    sentence = str(error)
    if isinstance(error, MemoryError) or "memory" in sentence:
        return "memory"
    return "picture" if sentence.startswith("cannot read the picture") else "style"


def _page() -> dict[str, bytes]:
    """The page's files by name; it is told that Python paints."""
    folder = resources.files("impasto.web") / "page"
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    files = {name: data for name, data in files.items() if name.rpartition(".")[2] in KINDS}
    told = (b'name="impasto-engine" content="browser"', b'name="impasto-engine" content="server"')
    [sample] = [path for path in sample_photos() if path.stem == SAMPLE]
    files |= {"sample.jpg": sample.read_bytes(), "index.html": files["index.html"].replace(*told)}
    return files
