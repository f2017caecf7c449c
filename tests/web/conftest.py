"""A browser, and the page by both engines. Run with `make web-test`, which finds a Chromium."""

import functools
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image

from impasto.images.io import sample_photos
from impasto.web.server import PageServer

BUILT = Path(__file__).parents[2] / "build/web"
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser; IMPASTO_CHROMIUM is its path, or `playwright` for the one that brings."""
    where = os.environ.get("IMPASTO_CHROMIUM")
    if not where:
        pytest.skip("needs IMPASTO_CHROMIUM, the path of a browser: `make web-test` sets it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = None if where == "playwright" else where
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph without loss, which all decoders read alike."""
    sample = next(path for path in sample_photos() if path.stem == "chelsea")
    path = tmp_path_factory.mktemp("photo") / "my cat.png"
    Image.open(sample).resize((640, 426)).save(path)
    return path


class Files(http.server.SimpleHTTPRequestHandler):
    """A plain host for files."""

    headers_too: ClassVar[dict[str, str]] = {}

    def end_headers(self) -> None:
        """With what isolates a page, if that is wanted."""
        for name, value in self.headers_too.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def host(handler: type[Files]) -> Iterator[str]:
    if not BUILT.is_dir():
        pytest.skip("needs build/web: `make web` makes it")
    make = functools.partial(handler, directory=str(BUILT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def plain() -> Iterator[str]:
    """The static page on a host that sends no headers, such as GitHub Pages: one thread."""
    yield from host(type("Plain", (Files,), {}))


@pytest.fixture(scope="session")
def isolated() -> Iterator[str]:
    """The static page on a host that isolates it: threads."""
    yield from host(type("Isolated", (Files,), {"headers_too": ISOLATION}))


@pytest.fixture(scope="session")
def served() -> Iterator[str]:
    """The page of `impasto serve`."""
    with PageServer(backend="onnxruntime") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.address
        server.shutdown()


@pytest.fixture(params=["served", "plain", "isolated"])
def address(request: pytest.FixtureRequest) -> str:
    """The page by every engine."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a new window; what the console complains of fails the test."""
    contexts, complaints = [], []

    def open_page(address: str, *, quiet: bool = True, **options: object) -> Any:
        context = chromium.new_context(**{"service_workers": "block", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(90_000)
        if quiet:
            page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.locator("html[data-ready]").wait_for(state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
