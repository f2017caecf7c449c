"""What an ONNX file is made of, read from its bytes without loading it.

ONNX Runtime has no setting that forbids external data, loops or its own extra operators, and the
onnx package is no part of a light installation. Protocol buffers are simple enough to look for the
few fields that matter; who looks and then uses the same bytes cannot be deceived in between.
"""

from collections.abc import Iterable, Iterator

PARTS: dict[str, dict[int, str]] = {  # message of onnx.proto: {field: the message it holds}
    "Model": {7: "Graph", 20: "TrainingInfo", 25: "Function"},
    "TrainingInfo": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph"}
    | {22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
FIXED = {1: 8, 5: 4}  # bytes of the kinds of fields that have no length
OP_TYPE, DOMAIN, EXTERNAL_DATA, DATA_LOCATION = 4, 7, 13, 14  # two of Node, two of Tensor
GRAPH, INITIALIZER, NAME, RAW_DATA = 7, 5, 8, 9  # of Model, of Graph, two of Tensor


class NotProtobufError(ValueError):
    """The bytes end early or make no sense."""


def survey(data: bytes) -> tuple[int, set[str], bool]:
    """How many graphs a file has, all their operators, and whether any tensor lies elsewhere.

    An operator outside the standard domain counts as "the domain ..." as well.

    Raises:
        NotProtobufError: the bytes end early or make no sense.
    """
    graphs, external = 0, False
    operators: set[str] = set()
    todo = [("Model", memoryview(data))]
    while todo:
        message, part = todo.pop()
        graphs += message == "Graph"
        for number, value, _ in fields(part):
            if isinstance(value, memoryview) and number in PARTS[message]:
                todo.append((PARTS[message][number], value))
            elif message == "Tensor" and number == EXTERNAL_DATA:
                external = True
            elif message == "Tensor" and number == DATA_LOCATION:
                external |= value != 0
            elif message == "Node" and isinstance(value, memoryview):
                text = bytes(value).decode("utf-8", errors="replace")
                if number == OP_TYPE:
                    operators.add(text)
                elif number == DOMAIN and text not in ("", "ai.onnx"):
                    operators.add(f"the domain {text}")
    return graphs, operators, external


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview | None, memoryview]]:
    """Number, value and bytes of every field; no value for what lies in fixed 4 or 8 bytes.

    Raises:
        NotProtobufError: the bytes end early or make no sense.
    """
    position = 0
    while position < len(data):
        start = position
        value: int | memoryview | None = None
        key, position = _varint(data, position)
        kind = key & 7
        if kind not in (0, 1, 2, 5) or key >= 1 << 32:  # groups are no part of onnx.proto
            raise NotProtobufError
        if kind == 0:
            value, position = _varint(data, position)
        else:
            length, position = _varint(data, position) if kind == 2 else (FIXED[kind], position)
            if position + length > len(data):
                raise NotProtobufError
            value = data[position : position + length] if kind == 2 else None
            position += length
        yield key >> 3, value, data[start:position]


def replace_numbers(data: bytes, name: str, values: bytes) -> bytes:
    """The file with other numbers in an initializer of its graph.

    Args:
        data: a model.
        name: of the initializer.
        values: as they lie in the file, as many as there are.

    Raises:
        NotProtobufError: the bytes make no sense, or there is no such initializer of that size.
    """
    copy = bytearray(data)
    for tensor in _inside(_inside([memoryview(copy)], GRAPH), INITIALIZER):
        if not _is_named(tensor, name):
            continue
        raw = {number: value for number, value, _ in fields(tensor)}.get(RAW_DATA)
        if not isinstance(raw, memoryview) or len(raw) != len(values):
            break
        raw[:] = values
        return bytes(copy)
    raise NotProtobufError


def without_numbers(data: bytes, name: str) -> bytes:
    """The file without an initializer of its graph, which is then given as an input.

    Raises:
        NotProtobufError: the bytes make no sense.
    """
    parts = []
    for number, graph, raw in fields(memoryview(data)):
        if number == GRAPH and isinstance(graph, memoryview):
            kept = (
                part
                for kind, tensor, part in fields(graph)
                if not (kind == INITIALIZER and isinstance(tensor, memoryview))
                or not _is_named(tensor, name)
            )
            parts.append(field(GRAPH, b"".join(kept)))
        else:
            parts.append(bytes(raw))
    return b"".join(parts)


def _is_named(tensor: memoryview, name: str) -> bool:
    return any(
        number == NAME and isinstance(value, memoryview) and bytes(value) == name.encode()
        for number, value, _ in fields(tensor)
    )


def _inside(messages: Iterable[memoryview], wanted: int) -> Iterator[memoryview]:
    for message in messages:
        for number, value, _ in fields(message):
            if number == wanted and isinstance(value, memoryview):
                yield value


def packed(data: memoryview) -> list[int]:
    """Whole numbers that lie together in one field."""
    numbers, position = [], 0
    while position < len(data):
        number, position = _varint(data, position)
        numbers.append(number)
    return numbers


def field(number: int, content: bytes) -> bytes:
    """A field that has a length, the inverse of `fields`."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(count: int) -> bytes:
    """A whole number, 0 or more."""
    digits = bytearray()
    while count > 127:
        digits.append(count & 127 | 128)
        count >>= 7
    return bytes([*digits, count])


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise NotProtobufError
