"""Weights that an .onnx file keeps in a file beside it, put inside: today's torch.onnx.export.

The data comes as `candy.onnx.data` with `candy.onnx`, whose tensors say where in it they lie.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from impasto.errors import InputError
from impasto.inference.protobuf import (
    DATA_LOCATION,
    EXTERNAL_DATA,
    GRAPH,
    INITIALIZER,
    RAW_DATA,
    field,
    fields,
)

INITIALIZERS = (GRAPH, INITIALIZER)  # lead to the tensors
MOVED = {EXTERNAL_DATA, DATA_LOCATION}  # say that the data of a tensor is elsewhere
KEY, VALUE = 1, 2  # fields of an entry of EXTERNAL_DATA


def joined(path: Path, data: bytes, *, most: int) -> bytes:
    """A model's bytes with the weights inside that lie in files beside it, called like it.

    Other files it may not name: what a stranger's model reads could be seen in its pictures.

    Args:
        path: where the model lies.
        data: its bytes, which make sense to `survey`.
        most: bytes of all weights.

    Raises:
        InputError: a file of another name, one that is not there or too short, or too much data.
        OSError: it cannot be read.
    """
    files: dict[str, bytes] = {}
    room = most

    def put_inside(tensor: memoryview) -> bytes:
        nonlocal room
        where = _where(tensor)
        if not where:
            return bytes(tensor)
        name = where.get("location", "")
        if name not in files:
            files[name] = _read(path, name, most=most)
        start = int(where.get("offset", 0))
        content = files[name][start : start + int(where.get("length", most))] if start >= 0 else b""
        room -= len(content)
        if room < 0 or len(content) != int(where.get("length", len(content))):
            raise InputError(f"{path} does not fit {name} beside it: download both again")
        kept = [bytes(raw) for number, _, raw in fields(tensor) if number not in MOVED]
        return b"".join(kept) + field(RAW_DATA, content)

    try:
        return _changed(memoryview(data), INITIALIZERS, put_inside)
    except ValueError as error:  # an offset that is no number
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} does not say where its weights are: download it again") from error


def _changed(
    message: memoryview, route: Sequence[int], change: Callable[[memoryview], bytes]
) -> bytes:
    """A message in which those at the end of the `route`, a field a level, are changed."""
    if not route:
        return change(message)
    return b"".join(
        field(number, _changed(value, route[1:], change))
        if number == route[0] and isinstance(value, memoryview)
        else bytes(raw)
        for number, value, raw in fields(message)
    )


def _where(tensor: memoryview) -> dict[str, str]:
    """Of a tensor whose data is elsewhere: location, offset, length."""
    found = {}
    for number, entry, _ in fields(tensor):
        if number == EXTERNAL_DATA and isinstance(entry, memoryview):
            parts = {n: bytes(v).decode() for n, v, _ in fields(entry) if isinstance(v, memoryview)}
            found[parts.get(KEY, "")] = parts.get(VALUE, "")
    return found


def _read(path: Path, name: str, *, most: int) -> bytes:
    beside = path.with_name(f"{path.name}.data")
    if name not in (beside.name, f"{path.name}_data"):
        raise InputError(
            f"{path} keeps its weights in {name[:80]!r}, and only {beside.name} beside it is read: "
            f'join them with python -c "import onnx; '
            f"onnx.save(onnx.load({str(path)!r}), 'joined.onnx')\""
        )
    file = path.with_name(name)
    if not file.is_file():
        raise InputError(f"{path} keeps its weights in {name}, which is missing: download it too")
    if file.stat().st_size > most:
        raise InputError(f"{file} has {file.stat().st_size:,} bytes: a style has at most {most:,}")
    return file.read_bytes()
