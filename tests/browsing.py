"""What the tests of the page do in a browser: wait, look at what was made, let files fall."""

import io
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

BYTES = """
    const bytes = (text) => Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0));
    const text = (data) => btoa(Array.from(data, (value) => String.fromCharCode(value)).join(''));
"""


def finished(page: Any, words: str = "finished") -> None:
    page.locator("#status", has_text=words).wait_for()


def saved(page: Any) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.click("#download")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def hand_over(page: Any, path: Path, how: str, *, on: str = "body") -> None:
    """Let a file fall on a part of the page, or paste it."""
    code = """([data, name, how, on]) => {
        BYTES
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes(data)], name));
        const given = { bubbles: true, cancelable: true };
        const event = how === 'drop' ? new DragEvent('drop', { ...given, dataTransfer: transfer })
            : new ClipboardEvent('paste', { ...given, clipboardData: transfer });
        document.querySelector(on).dispatchEvent(event);
    }""".replace("BYTES", BYTES)
    page.evaluate("document.getElementById('status').textContent = ''")
    page.evaluate(code, [b64encode(path.read_bytes()).decode(), path.name, how, on])
