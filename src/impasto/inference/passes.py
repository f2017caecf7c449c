"""A network cut at its instance normalizations: who has the statistics of one can compute the next.

Every normalization needs mean and variance of a whole picture. A pass computes what one of them
takes, from what passes before it left; in strips, since all that lies between is local.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from impasto.inference.graph import (
    FLOAT,
    FLOAT16,
    INT64,
    Graph,
    Node,
    attribute,
    cast,
    node,
    value,
    whole_numbers,
    with_strides,
)

MEAN, VARIANCE, KEPT, THIN = "/mean", "/variance", "/kept", "/thin"  # after a tensor's name
MARGIN = "/margin"  # input for the pads of the picture
POINTWISE = {"Cast", "Mul", "Sub", "Add", "Div", "Identity"}
FEW = 2, 3  # rows and columns of which one is computed where only statistics are needed: no
# multiples of what pictures are often enlarged by, which would be waves in step with them


class Pass(NamedTuple):
    """A part of a network as a file of its own, and what goes in and comes out."""

    model: bytes
    nodes: list[Node]  # of the network
    content: str  # the input that takes the picture, "" if it does not go in
    margin: int  # rows around the picture that the input MARGIN pads, 0 if it has none
    inputs: list[str]  # tensors that were kept
    outputs: list[str]  # tensors in float32
    kept: list[str]  # those of them that later passes need, under NAME/kept in float16
    norms: list[str]  # whose statistics go in, as NAME/mean and NAME/variance, (C,) each
    sizes: list[tuple[str, int, int]]  # from where to where in the picture's N×3×H×W
    norm: str | None  # whose statistics follow from the output `source`
    source: str


def norms_of(graph: Graph) -> list[Node]:
    """The instance normalizations, in the order in which they run."""
    return [each for each in graph.nodes if each.operator == "InstanceNormalization"]


def tensors_of(graph: Graph) -> set[str]:
    """The names of what depends on pixels, and not on the size of a picture alone."""
    found = {graph.content}
    for each in graph.nodes:
        size = each.operator == "Shape" and each.inputs == [graph.content]
        if not size and found & set(each.inputs):
            found |= set(each.outputs)
    return found


def frontier(graph: Graph, norm: Node) -> list[str]:
    """What the work after a normalization needs of the work that can be done before it."""
    later = set(norm.outputs)
    needed: dict[str, None] = {}
    tensors = tensors_of(graph) - {graph.content}
    for each in graph.nodes:
        if each is norm or later & set(each.inputs):
            later |= set(each.outputs)
            needed |= dict.fromkeys(each.inputs)
    names = [source_of(graph, name) for name in needed if name in tensors and name not in later]
    return list(dict.fromkeys(names))


def source_of(graph: Graph, name: str) -> str:
    """A tensor before it was reshaped, which may mix rows and channels."""
    makers = {output: each for each in graph.nodes for output in each.outputs}
    while name in makers and makers[name].operator == "Reshape":
        name = makers[name].inputs[0]
    return name


def cut(
    graph: Graph,
    *,
    keeps: Callable[[Sequence[str]], bool],
    channels: Callable[[str], int],
) -> list[Pass]:
    """A pass for each normalization, and one for the picture.

    Args:
        graph: the network.
        keeps: whether these tensors, a `frontier`, are to be kept, or else computed again.
        channels: of a tensor.
    """
    graph, margin = _with_margin(graph)
    kept: list[str] = []
    passes = []
    for norm in norms_of(graph):
        source = source_of(graph, norm.inputs[0])
        needed = frontier(graph, norm)
        keep = keeps(needed)
        new = [name for name in needed if name not in kept] if keep else []
        if keep:
            thin, outputs = graph, [*(name for name in new if name != source), source]
        else:
            thin, outputs = _thinned(graph, source)
        passes.append(_pass(thin, outputs, kept, new, norm=norm, channels=channels, margin=margin))
        kept = needed if keep else kept
    last = _pass(graph, [graph.stylized], kept, [], norm=None, channels=channels, margin=margin)
    return [*passes, last]


def _pass(
    graph: Graph,
    outputs: list[str],
    available: list[str],
    new: list[str],
    *,
    norm: Node | None,
    channels: Callable[[str], int],
    margin: int,
) -> Pass:
    nodes = _needed(graph, outputs, given=set(available))
    used = {name for each in nodes for name in each.inputs} | set(outputs)
    inputs = [name for name in available if name in used]
    readers = [each for each in nodes if graph.content in each.inputs]
    pixel_tensors = tensors_of(graph)
    shapes = [each for each in readers if not pixel_tensors & set(each.outputs)]
    pixels = len(readers) > len(shapes)
    nodes = [each for each in nodes if each not in shapes]
    norms = [each for each in nodes if each.operator == "InstanceNormalization"]
    given = [graph.content_raw] if pixels else []
    given += [value(MARGIN, INT64, [8])] if MARGIN in used else []
    given += [_kept(name, channels(name)) for name in inputs]
    given += [value(each.outputs[0], INT64, [_length(each)]) for each in shapes]
    given += [one for each in norms for one in _told(each, channels(each.inputs[0]))]
    made = [cast(name + KEPT, name, to=FLOAT) for name in inputs]
    made += [_applied(each) if each in norms else each for each in nodes]
    made += [cast(name, name + KEPT, to=FLOAT16) for name in new]
    return Pass(
        model=graph.saved(made, inputs=given, outputs=[*outputs, *(name + KEPT for name in new)]),
        nodes=nodes,
        content=graph.content if pixels else "",
        margin=margin if MARGIN in used else 0,
        inputs=inputs,
        outputs=outputs,
        kept=new,
        norms=[each.outputs[0] for each in norms],
        sizes=[(each.outputs[0], *_range(each)) for each in shapes],
        norm=norm.outputs[0] if norm else None,
        source=outputs[-1],
    )


def _thinned(graph: Graph, name: str) -> tuple[Graph, list[str]]:
    """The graph with a convolution at fewer places, if that is where a tensor is from."""
    for each in graph.nodes:
        if each.outputs == [name] and (fewer := with_strides(each, f"{name}{THIN}", factors=FEW)):
            return graph._replace(nodes=[*graph.nodes, fewer]), fewer.outputs
    return graph, [name]


def _needed(graph: Graph, outputs: Sequence[str], *, given: set[str]) -> list[Node]:
    """The nodes that lead from what is `given` to `outputs`."""
    wanted = set(outputs) - given
    nodes = []
    for each in reversed(graph.nodes):
        if wanted & set(each.outputs):
            nodes.append(each)
            wanted |= set(each.inputs) - given
    return nodes[::-1]


def _applied(norm: Node) -> Node:
    """A normalization that is told its statistics."""
    told = [norm.outputs[0] + end for end in (MEAN, VARIANCE)]
    return node("BatchNormalization", [*norm.inputs, *told], norm.outputs[0], like=norm)


def _with_margin(graph: Graph) -> tuple[Graph, int]:
    """The graph with its padding of the whole picture as an input, and by how many rows that is.

    Strips that are not at an edge have real rows there.
    """
    name = graph.content
    while True:
        users = [n for n in graph.nodes if name in n.inputs and n.operator != "Shape"]
        if len(users) != 1 or users[0].operator not in POINTWISE:
            break
        name = users[0].outputs[0]
    pad = users[0] if len(users) == 1 else None
    if pad is None or pad.operator != "Pad" or len(pad.inputs) < 2:
        return graph, 0
    pads = whole_numbers(graph.constants.get(pad.inputs[1], b""))
    if len(pads) != 8 or len(set(pads[2:4] + pads[6:])) > 1:
        return graph, 0
    told = node("Pad", [pad.inputs[0], MARGIN, *pad.inputs[2:]], pad.outputs[0], like=pad)
    return graph._replace(nodes=[told if n is pad else n for n in graph.nodes]), pads[2]


def _told(norm: Node, channels: int) -> list[bytes]:
    return [value(norm.outputs[0] + end, FLOAT, [channels]) for end in (MEAN, VARIANCE)]


def _kept(name: str, channels: int) -> bytes:
    return value(name + KEPT, FLOAT16, [1, channels, f"{name}/rows", f"{name}/columns"])


def _range(shape: Node) -> tuple[int, int]:
    start, end = attribute(shape, "start") or 0, attribute(shape, "end")
    return int(start), 4 if end is None else int(end)


def _length(shape: Node) -> int:
    start, end = _range(shape)
    return len(range(4)[start:end])
