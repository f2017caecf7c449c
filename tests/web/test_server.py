"""The server on this machine: who may ask, what it answers, and that it withstands bad clients."""

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from any_styles import exported_any
from graphs import save_graph, save_negative
from onnx import helper
from PIL import Image

from impasto.cli import serve, stylize
from impasto.images.io import sample_photos
from impasto.inference import stylizer as runtime
from impasto.web import painter, server
from impasto.web.catalog import Style
from impasto.web.server import PageServer

PHOTO = next(path for path in sample_photos() if path.stem == "chelsea")
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageServer]:
    """A running server with one style, whose picture is the photograph's negative."""
    path = save_negative(tmp_path / "negative.onnx")
    style = Style(name="negative", title="Negative", credit="", path=path)
    monkeypatch.setattr(painter, "find_styles", lambda: [style])
    with PageServer(backend="onnxruntime", threads=1) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(
    page: PageServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", page.server_port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, f"/{page.token}/{path}", body, named)
    answer: HTTPResponse = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def png(height: int, width: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)))


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_page_comes_with_a_strict_policy_and_knows_its_engine(page: PageServer) -> None:
    status, headers, body = ask(page, "GET", "")
    assert status == 200
    assert b'name="impasto-engine" content="server"' in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Python" not in headers["Server"]


def test_every_file_of_the_page_is_served(page: PageServer) -> None:
    folder = Path(server.__file__).parent / "page"
    names = sorted(path.name for path in folder.iterdir())
    assert {name: ask(page, "GET", name)[0] for name in names} == dict.fromkeys(names, 200)


def test_only_this_machine_is_listened_to(page: PageServer) -> None:
    assert page.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_strangers_are_refused(page: PageServer, method: str, headers: dict[str, str]) -> None:
    status, _, body = ask(page, method, "styles.json", b"" if method == "POST" else None, **headers)
    assert (status, json.loads(body)["kind"]) == (403, "sender")


def test_localhost_and_its_own_origin_are_no_strangers(page: PageServer) -> None:
    host = f"localhost:{page.server_port}"
    assert ask(page, "GET", "", Host=host, Origin=f"http://{host}")[0] == 200


@pytest.mark.parametrize("address", ["/", "//", "/wrong/", "/%00/", "/styles.json", "/\xe9/"])
def test_without_the_secret_there_is_nothing(page: PageServer, address: str) -> None:
    connection = socket.create_connection(("127.0.0.1", page.server_port), timeout=20)
    with connection as client:
        head = f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{page.server_port}\r\n\r\n"
        client.sendall(head.encode("latin-1"))
        assert client.recv(100).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "path",
    [
        "../server.py",
        "%2e%2e/server.py",
        "..%2f..%2fserver.py",
        "styles/../../../../../etc/passwd",
        "styles/..%2f..%2fbase.jpg",
        "styles/negative.onnx/../negative.jpg.jpg",
        "/etc/passwd",
        "index.html%00.js",
        "styles/nobody.jpg",
    ],
)
def test_no_path_leads_out_of_the_page(page: PageServer, path: str) -> None:
    assert ask(page, "GET", path)[0] == 404


def test_the_styles_are_listed_with_previews(page: PageServer) -> None:
    [entry] = json.loads(ask(page, "GET", "styles.json")[2])
    assert (entry["name"], entry["title"]) == ("negative", "Negative")
    assert entry["metadata"] == {"name": "negative", "steps": "7"}
    status, headers, body = ask(page, "GET", entry["preview"])
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert pixels(body).shape == (192, 192, 3)


@pytest.mark.parametrize("size", [None, 64])
def test_pixels_are_those_of_the_command(
    page: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int | None
) -> None:
    model, made = str(tmp_path / "negative.onnx"), tmp_path / "made.png"
    sized = ["--size", str(size)] if size else []
    assert stylize.main([str(PHOTO), "--model", model, "-o", str(made), *sized]) == 0
    query = "stylize?style=negative" + (f"&size={size}" if size else "")
    status, headers, body = ask(page, "POST", query, PHOTO.read_bytes())
    assert (status, headers["Content-Type"]) == (200, "image/png")
    np.testing.assert_array_equal(pixels(body), pixels(made.read_bytes()))


def test_a_jpeg_is_the_one_that_the_command_writes(page: PageServer, tmp_path: Path) -> None:
    model, made = str(tmp_path / "negative.onnx"), tmp_path / "made.jpg"
    assert stylize.main([str(PHOTO), "--model", model, "-o", str(made), "--size", "64"]) == 0
    query = "stylize?style=negative&size=64&format=jpeg"
    assert ask(page, "POST", query, PHOTO.read_bytes())[2] == made.read_bytes()


def test_the_photograph_comes_back_scaled_with_its_own_size(page: PageServer) -> None:
    status, headers, body = ask(page, "POST", "photo?size=20", png(40, 60))
    assert (status, headers["X-Photo-Size"]) == (200, "60x40")
    assert pixels(body).shape == (20, 30, 3)


@pytest.mark.parametrize(
    ("query", "body", "status", "kind"),
    [
        ("stylize?style=negative", b"no picture", 422, "picture"),
        ("stylize?style=negative", b"", 422, "picture"),
        ("stylize?style=nobody", png(20, 20), 422, "style"),
        ("stylize?style=negative&size=9", png(20, 20), 400, "size"),
        ("stylize?style=negative&size=99999", png(20, 20), 400, "size"),
        ("stylize?style=negative&size=-1", png(20, 20), 400, "size"),
        ("stylize?style=negative&size=1e2", png(20, 20), 400, "size"),
        ("models", b"no model", 422, "style"),
        ("models", png(20, 20), 422, "style"),
        ("nothing", b"", 404, "address"),
    ],
)
def test_bad_requests_get_a_sentence(
    page: PageServer, query: str, body: bytes, status: int, kind: str
) -> None:
    found, _, answer = ask(page, "POST", query, body)
    told = json.loads(answer)
    assert (found, told["kind"]) == (status, kind)
    assert len(told["error"]) > 10
    assert "Traceback" not in told["error"]


def test_too_little_memory_has_a_kind_of_its_own(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 9 GiB of memory")

    monkeypatch.setattr(runtime.Stylizer, "run", full)
    status, _, body = ask(page, "POST", "stylize?style=negative", png(20, 20))
    assert (status, json.loads(body)["kind"]) == (422, "memory")


def test_a_bug_of_ours_is_logged_and_answered(
    page: PageServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(page.painter, "paint", lambda *_, **__: 1 / 0)
    status, _, body = ask(page, "POST", "stylize?style=negative", png(20, 20))
    assert (status, json.loads(body)["kind"]) == (500, "engine")
    assert "ZeroDivisionError" in caplog.text


def test_a_style_of_ones_own_is_used_and_the_oldest_forgotten(
    page: PageServer, tmp_path: Path
) -> None:
    names = []
    for number in range(painter.GIVEN + 1):
        model = save_negative(tmp_path / f"own{number}.onnx").read_bytes()
        answer = json.loads(ask(page, "POST", "models", model)[2])
        assert answer["metadata"]["name"] == f"own{number}"
        names.append(answer["name"])
    photo = png(20, 20)
    body = ask(page, "POST", f"stylize?style={names[-1]}", photo)[2]
    np.testing.assert_array_equal(pixels(body), 255 - pixels(photo))
    assert ask(page, "POST", f"stylize?style={names[0]}", photo)[0] == 422


@pytest.fixture(scope="module")
def folder_of_any(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("any")
    (folder / "checkpoints").mkdir()
    exported_any(folder / "checkpoints")
    return folder


@pytest.fixture
def any_style(folder_of_any: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small network for any painting, found as `any` in the working folder."""
    monkeypatch.chdir(folder_of_any)


@pytest.mark.usefixtures("any_style")
def test_pixels_in_the_style_of_a_painting_are_those_of_the_command(
    page: PageServer, tmp_path: Path
) -> None:
    painting, made = tmp_path / "painting.png", tmp_path / "made.png"
    painting.write_bytes(png(90, 70))
    words = ["--painting", str(painting), "--backend", "onnxruntime", "--size", "64"]
    assert stylize.main([str(PHOTO), *words, "-o", str(made)]) == 0
    status, _, answer = ask(page, "POST", "paintings", painting.read_bytes())
    assert (status, json.loads(answer)["metadata"]["steps"]) == (200, "3")
    query = f"stylize?style={json.loads(answer)['name']}&size=64"
    body = ask(page, "POST", query, PHOTO.read_bytes())[2]
    np.testing.assert_array_equal(pixels(body), pixels(made.read_bytes()))


@pytest.mark.usefixtures("any_style")
def test_paintings_are_known_when_other_styles_have_taken_their_place(page: PageServer) -> None:
    photo, names = png(20, 20), []
    for side in range(30, 30 + painter.GIVEN + 1):
        names.append(json.loads(ask(page, "POST", "paintings", png(side, 30))[2])["name"])
    assert len(set(names)) == painter.GIVEN + 1
    statuses = {ask(page, "POST", f"stylize?style={name}", photo)[0] for name in names}
    assert statuses == {200}


@pytest.mark.usefixtures("any_style")
def test_bad_paintings_get_a_sentence(page: PageServer) -> None:
    status, _, answer = ask(page, "POST", "paintings", b"no picture")
    assert (status, json.loads(answer)["kind"]) == (422, "picture")


def test_a_style_that_keeps_its_weights_elsewhere_reads_no_file(
    page: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx

    model = onnx.load(save_negative(tmp_path / "a.onnx"))
    onnx.save_model(model, tmp_path / "b.onnx", save_as_external_data=True, size_threshold=0)
    tensor = onnx.load(tmp_path / "b.onnx", load_external_data=False)
    monkeypatch.chdir(tmp_path)
    if not any(item.external_data for item in tensor.graph.initializer):
        item = tensor.graph.initializer[0]
        item.ClearField("raw_data")
        item.data_location = onnx.TensorProto.EXTERNAL
        entry = item.external_data.add()
        entry.key, entry.value = "location", "the file.data"
        (tmp_path / "the file.data").write_bytes(bytes(64))
    status, _, body = ask(page, "POST", "models", tensor.SerializeToString())
    assert status == 422
    assert "other files" in json.loads(body)["error"]


def test_a_body_that_is_too_large_is_not_read(page: PageServer) -> None:
    with socket.create_connection(("127.0.0.1", page.server_port), timeout=20) as client:
        head = f"POST /{page.token}/photo HTTP/1.1\r\nHost: 127.0.0.1:{page.server_port}\r\n"
        client.sendall(f"{head}Content-Length: {server.LARGEST + 1}\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}, {"Content-Length": "x"}])
def test_a_body_of_unknown_length_is_refused(page: PageServer, headers: dict[str, str]) -> None:
    with socket.create_connection(("127.0.0.1", page.server_port), timeout=20) as client:
        given = {"Host": f"127.0.0.1:{page.server_port}", **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        client.sendall(f"POST /{page.token}/photo HTTP/1.1\r\n{lines}\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 411")


def test_slow_clients_are_let_go_and_hold_up_nobody(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    head = f"POST /{page.token}/photo HTTP/1.1\r\nHost: 127.0.0.1:{page.server_port}\r\n"
    with socket.create_connection(("127.0.0.1", page.server_port), timeout=20) as client:
        client.sendall(f"{head}Content-Length: 1000\r\n\r\nabc".encode())
        assert ask(page, "POST", "stylize?style=negative", png(20, 20))[0] == 200
        assert client.recv(100) == b""


def test_a_client_that_drips_has_a_deadline(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "DEADLINE", 0.5)
    head = f"POST /{page.token}/photo HTTP/1.1\r\nHost: 127.0.0.1:{page.server_port}\r\n"
    with socket.create_connection(("127.0.0.1", page.server_port), timeout=20) as client:
        client.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode())
        client.setblocking(False)
        ended = threading.Event()

        def drip() -> bool:
            try:
                client.send(b"a")
                return client.recv(1) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True

        wait_until(lambda: drip() or ended.wait(0.05))


def hold(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[int]]:
    """Have every picture wait for an event; the list has how many are in work at each start."""
    free, working = threading.Event(), []
    busy = 0

    def whole(_: object, image: Any) -> Any:
        nonlocal busy
        busy += 1
        working.append(busy)
        free.wait(10)
        busy -= 1
        return 1 - image

    monkeypatch.setattr(runtime.Stylizer, "_whole", whole)
    return free, working


def test_one_picture_at_a_time_in_order(page: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    free, working = hold(monkeypatch)
    found: list[int] = []
    photo, threads = png(20, 20), []
    for number in range(3):
        query = f"stylize?style=negative&job=j{number}"
        thread = threading.Thread(
            target=lambda query=query: found.append(ask(page, "POST", query, photo)[0])
        )
        thread.start()
        threads.append(thread)
        wait_until(lambda number=number: len(page.painter._queue) == number + 1)
    assert json.loads(ask(page, "GET", "jobs/j2")[2]) == {"before": 2, "done": 0, "tiles": 1}
    assert json.loads(ask(page, "GET", "jobs/j0")[2])["before"] == 0
    free.set()
    for thread in threads:
        thread.join()
    assert found == [200, 200, 200]
    assert working == [1, 1, 1]


def test_a_full_queue_says_so(page: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter, "WAITING", 1)
    free, _ = hold(monkeypatch)
    query, photo = "stylize?style=negative", png(20, 20)
    thread = threading.Thread(target=ask, args=(page, "POST", query, photo))
    thread.start()
    wait_until(lambda: len(page.painter._queue) == 1)
    status, _, body = ask(page, "POST", query, photo)
    free.set()
    thread.join()
    assert (status, json.loads(body)["kind"]) == (503, "busy")


def send(page: PageServer, query: str, body: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", page.server_port), timeout=20)
    head = f"POST /{page.token}/{query} HTTP/1.1\r\nHost: 127.0.0.1:{page.server_port}\r\n"
    client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return client


def test_who_leaves_the_queue_gets_no_picture(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, working = hold(monkeypatch)
    first = send(page, "stylize?style=negative", png(20, 20))
    wait_until(lambda: len(working) == 1)
    second = send(page, "stylize?style=negative", png(20, 20))
    wait_until(lambda: len(page.painter._queue) == 2)
    second.close()
    wait_until(lambda: len(page.painter._queue) == 1)
    free.set()
    assert first.recv(100).startswith(b"HTTP/1.1 200")
    first.close()
    assert working == [1]


def test_leaving_ends_a_picture_after_its_tile(
    page: PageServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fixed = save_graph(
        tmp_path / "fixed.onnx",
        [helper.make_node("Sub", ["one", "content"], ["stylized"])],
        constants={"one": np.float32(1)},
        shape=(1, 3, 32, 32),
    )
    page.painter._open["negative"] = runtime.Stylizer(fixed)
    free, working = hold(monkeypatch)
    client = send(page, "stylize?style=negative&job=big", png(100, 100))
    wait_until(lambda: len(working) == 1)
    assert json.loads(ask(page, "GET", "jobs/big")[2])["tiles"] == 16
    client.close()
    free.set()
    wait_until(lambda: not page.painter._queue)
    assert working == [1]


@pytest.mark.usefixtures("any_style")
def test_nothing_is_written_to_disk(page: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    watching = True

    def audit(event: str, given: tuple[Any, ...]) -> None:
        flags = os.O_WRONLY | os.O_RDWR | os.O_CREAT
        if watching and event == "open" and isinstance(given[2], int) and given[2] & flags:
            written.append(given[0])

    sys.addaudithook(audit)
    assert ask(page, "POST", "stylize?style=negative", PHOTO.read_bytes())[0] == 200
    assert ask(page, "POST", "photo?size=32", PHOTO.read_bytes())[0] == 200
    assert ask(page, "POST", "paintings", PHOTO.read_bytes())[0] == 200
    watching = False
    assert written == []


def test_a_port_that_is_taken_is_named(
    page: PageServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve.main(["--port", str(page.server_port), "--no-browser"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"impasto serve: port {page.server_port} cannot be used")


START = """
import sys, time, webbrowser
from impasto.cli import main
from impasto.inference.stylizer import Stylizer

def whole(self, image):
    print("painting", flush=True)
    time.sleep(1)
    return image

Stylizer._whole = whole
webbrowser.open = lambda address: print(f"opened {address}", flush=True)
sys.exit(main.main(["serve", "--backend", "onnxruntime"]))
"""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("painting", [False, True])
def test_the_browser_is_opened_and_ctrl_c_ends_it(stop: signal.Signals, painting: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    address = process.stdout.readline().removeprefix("the page is at ").strip()
    assert process.stdout.readline() == "Ctrl-C ends it\n"
    assert process.stdout.readline() == f"opened {address}\n"
    _, _, host, token, _ = address.split("/")
    if painting:
        client = socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2])), timeout=20)
        body = png(100, 100)
        head = f"POST /{token}/stylize?style=starry HTTP/1.1\r\nHost: {host}\r\n"
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert process.stdout.readline() == "painting\n"
    time.sleep(0.2)
    process.send_signal(stop)
    rest, _ = process.communicate(timeout=20)
    assert (process.returncode, rest) == (0, "\nimpasto serve: ended\n")
