"""The graph of an ONNX file in parts, and other graphs made of them, without the onnx package."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from impasto.inference.protobuf import (
    GRAPH,
    INITIALIZER,
    NAME,
    OP_TYPE,
    field,
    fields,
    packed,
    varint,
)

OPSETS, IR_VERSION = 8, 1  # fields of Model
NODE, INPUT, OUTPUT = 1, 11, 12  # of Graph
ATTRIBUTE = 5  # of Node
FLOAT, INT64, FLOAT16 = 1, 7, 10  # types of numbers


class Node(NamedTuple):
    """An operator with the names of what goes in and comes out."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    raw: bytes  # of its message


class Graph(NamedTuple):
    """What is needed of a file to make others that do a part of it."""

    nodes: list[Node]  # in the order in which they can run
    constants: dict[str, bytes]  # initializers by name
    content: str  # name of the input
    content_raw: bytes  # its message, with type and shape
    stylized: str  # name of the output
    head: bytes  # what else the model has: versions and opsets

    def saved(
        self, nodes: Iterable[Node], *, inputs: Sequence[bytes], outputs: Sequence[str]
    ) -> bytes:
        """A file of these nodes, with the constants that they use.

        Args:
            nodes: in the order in which they run.
            inputs: from `value`, or `content_raw`.
            outputs: names; who loads the file finds out their types.
        """
        nodes = list(nodes)
        used = {name for node in nodes for name in node.inputs}
        parts = [field(NODE, node.raw) for node in nodes]
        parts += [field(INITIALIZER, raw) for name, raw in self.constants.items() if name in used]
        parts += [field(INPUT, raw) for raw in inputs]
        parts += [field(OUTPUT, text(1, name)) for name in outputs]
        return self.head + field(GRAPH, text(2, "part") + b"".join(parts))


def with_outputs(data: bytes, names: Iterable[str]) -> bytes:
    """A file with more outputs: of parts that come twice the contents are put together."""
    return data + field(GRAPH, b"".join(field(OUTPUT, text(1, name)) for name in names))


def read_graph(data: bytes) -> Graph:
    """The parts of a file that was checked, see `model_check`."""
    head, graph = b"", memoryview(b"")
    for number, value, raw in fields(memoryview(data)):
        if number == GRAPH and isinstance(value, memoryview):
            graph = value
        elif number in (IR_VERSION, OPSETS):
            head += bytes(raw)
    nodes: list[Node] = []
    constants: dict[str, bytes] = {}
    ends: dict[int, list[bytes]] = {INPUT: [], OUTPUT: []}
    for number, value, _ in fields(graph):
        if not isinstance(value, memoryview):
            continue
        if number == NODE:
            nodes.append(_node(value))
        elif number == INITIALIZER:
            constants[_text(value, NAME)] = bytes(value)
        elif number in ends:
            ends[number].append(bytes(value))
    given = [raw for raw in ends[INPUT] if _text(memoryview(raw), 1) not in constants]
    return Graph(
        nodes=nodes,
        constants=constants,
        content=_text(memoryview(given[0]), 1),
        content_raw=given[0],
        stylized=_text(memoryview(ends[OUTPUT][0]), 1),
        head=head,
    )


def node(operator: str, inputs: Sequence[str], output: str, *, like: Node | None = None) -> Node:
    """An operator, with the attributes of another one."""
    raw = b"".join(text(1, name) for name in inputs) + text(2, output) + text(OP_TYPE, operator)
    if like is not None:
        attributes = (
            part for number, _, part in fields(memoryview(like.raw)) if number == ATTRIBUTE
        )
        raw += b"".join(attributes)
    return Node(operator, list(inputs), [output], raw)


def cast(name: str, output: str, *, to: int) -> Node:
    """A tensor in another type of numbers."""
    made = node("Cast", [name], output)
    attribute = text(1, "to") + whole(3, to) + whole(20, 2)
    return made._replace(raw=made.raw + field(ATTRIBUTE, attribute))


def value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """An input: a side that is a word is free."""
    sides = (whole(1, side) if isinstance(side, int) else text(2, side) for side in shape)
    tensor = whole(1, kind) + field(2, b"".join(field(1, side) for side in sides))
    return text(1, name) + field(2, field(1, tensor))


def whole_numbers(tensor: bytes) -> list[int]:
    """What a constant of 64-bit numbers holds; nothing if it is another."""
    numbers, kind = [], 0
    for number, found, _ in fields(memoryview(tensor)):
        if number == 2:
            kind = found if isinstance(found, int) else 0
        elif number == 9 and isinstance(found, memoryview) and len(found) % 8 == 0:
            numbers = list(struct.unpack(f"<{len(found) // 8}q", found))
    return numbers if kind == INT64 else []


def attribute(of: Node, name: str) -> int | None:
    """A whole number among the attributes of a node, None if it has none of that name."""
    for number, message, _ in fields(memoryview(of.raw)):
        if number == ATTRIBUTE and isinstance(message, memoryview) and _text(message, 1) == name:
            for kind, found, _raw in fields(message):
                if kind == 3 and isinstance(found, int):
                    return found
    return None


def with_strides(of: Node, output: str, *, factors: Sequence[int]) -> Node | None:
    """A convolution at fewer places, None if it is none or pads itself by its stride."""
    if of.operator != "Conv" or len(of.outputs) != 1:
        return None
    raw, strides = b"", [1, 1]
    for number, message, part in fields(memoryview(of.raw)):
        if number == ATTRIBUTE and isinstance(message, memoryview):
            name = _text(message, 1)
            if name == "auto_pad" and _text(message, 4) not in ("", "NOTSET", "VALID"):
                return None
            if name == "strides":
                strides = _whole_numbers(message)
                continue
        if number != 2:
            raw += bytes(part)
    longer = (stride * factor for stride, factor in zip(strides, factors, strict=True))
    more = b"".join(whole(8, stride) for stride in longer)
    raw += text(2, output) + field(ATTRIBUTE, text(1, "strides") + more + whole(20, 7))
    return Node(of.operator, of.inputs, [output], raw)


def text(number: int, words: str) -> bytes:
    """A field of text."""
    return field(number, words.encode())


def whole(number: int, count: int) -> bytes:
    """A field of a whole number, 0 or more."""
    return varint(number << 3) + varint(count)


def _whole_numbers(message: memoryview) -> list[int]:
    """The `ints` of an attribute, which may be packed."""
    numbers: list[int] = []
    for number, found, _ in fields(message):
        if number == 8 and isinstance(found, memoryview):
            numbers += packed(found)
        elif number == 8 and isinstance(found, int):
            numbers.append(found)
    return numbers


def _node(message: memoryview) -> Node:
    names: dict[int, list[str]] = {1: [], 2: [], OP_TYPE: []}
    for number, found, _ in fields(message):
        if number in names and isinstance(found, memoryview):
            names[number].append(bytes(found).decode())
    return Node(names[OP_TYPE][0], names[1], names[2], bytes(message))


def _text(message: memoryview, number: int) -> str:
    for found, content, _ in fields(message):
        if found == number and isinstance(content, memoryview):
            return bytes(content).decode()
    return ""
