"""The ONNX file is the product: one graph, any batch and size, checked before it gets its name."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

from impasto.errors import InputError
from impasto.export.float16 import halve
from impasto.export.inference_net import InferenceNet, network_parameters
from impasto.export.phases import made_when_loaded
from impasto.files import write_atomically
from impasto.inference.model_check import BYTES, CONTENT, PIXELS, STYLIZED, read_model
from impasto.inference.stylizer import Stylizer
from impasto.models.designs import Net
from impasto.models.transform_net import MIN_SIDE, stylize

TRACED_SIZE = (1, 3, 64, 72)
PARITY_SIZES = ((96, 96), (101, 67), (33, 130))  # none is the traced one; odd sides included
TOLERANCE = 1e-3  # of [0,1]
HALF_TOLERANCE = 2 / 255
ROUNDING = 0.5 / 255  # more, where pixels are bytes


class ExportError(RuntimeError):
    """The exported graph does not do what the network does; nothing was written."""


def export_onnx(
    net: Net,
    path: Path,
    *,
    metadata: Mapping[str, str],
    uint8: bool = False,
    half: bool = False,
) -> float:
    """Write `net` as a self-contained ONNX file, or nothing at all.

    The graph maps `content` (N, 3, H, W), float32 RGB in [0,1], to `stylized` of the same shape,
    every one of N, H >= 16, W >= 16 free; with `uint8` both are bytes, 0..255, and the metadata
    says `pixels: uint8`; padding, cropping and the bound to [0,1] (the net's sigmoid) are inside.
    It is written beside `path`, checked by onnx, compared with `net` through ONNX Runtime at
    `PARITY_SIZES`, and only then moved into place.

    Args:
        net: any device; left as it was.
        path: where the file goes; its folder exists.
        metadata: becomes the file's metadata_props; `name` and `steps` must be among them.
        uint8: pixels are bytes.
        half: parameters are stored in float16, compared with HALF_TOLERANCE.

    Returns:
        The largest absolute difference seen, in units of [0,1].

    Raises:
        ExportError: the check or the comparison failed; a file already at `path` is intact.
        OSError: the folder cannot be written.
    """
    model = trace(net, uint8=uint8)
    if half:
        halve(model)
    onnx.helper.set_model_props(model, {**metadata, PIXELS: BYTES} if uint8 else dict(metadata))
    tolerance = (HALF_TOLERANCE if half else TOLERANCE) + ROUNDING * uint8
    return save_checked(model, path, net, tolerance=tolerance)


def trace(net: Net, *, uint8: bool = False) -> onnx.ModelProto:
    """The graph of `export_onnx`, with dynamic axes on both ends, without metadata."""
    sizes = {
        0: torch.export.Dim("batch"),
        2: torch.export.Dim("height", min=MIN_SIDE, max=1 << 15),
        3: torch.export.Dim("width", min=MIN_SIDE, max=1 << 15),
    }
    exported = InferenceNet(net, uint8=uint8)
    example = torch.rand(TRACED_SIZE).to(torch.uint8 if uint8 else torch.float32)
    model = graph_of(exported, example, sizes=sizes, ends=(CONTENT, STYLIZED))
    axes = zip((2, 3), ("height", "width"), strict=True)
    for axis, label in axes:  # the exporter writes a formula that equals the input's side
        model.graph.output[0].type.tensor_type.shape.dim[axis].dim_param = label
    for buffer, name, doubled in exported.phased():
        weight = exported.get_parameter(name).detach()
        made_when_loaded(model.graph, buffer, name, weight, doubled=doubled)
    return model


def graph_of(
    module: torch.nn.Module,
    example: Tensor,
    *,
    sizes: Mapping[int, torch.export.Dim],
    ends: tuple[str, str],
) -> onnx.ModelProto:
    """The graph of a module of one input and one output, without the exporter's notes.

    Args:
        module: frozen; its `forward` takes `images`.
        example: of its input.
        sizes: the axes of the input that are free.
        ends: what input and output are called.

    Raises:
        ExportError: the exporter makes nothing of it.
    """
    with _quiet_exporter():
        program = torch.onnx.export(
            module,
            (example,),
            input_names=[ends[0]],
            output_names=[ends[1]],
            dynamic_shapes={"images": dict(sizes)},
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ExportError("torch.onnx.export returned nothing")
    model = program.model_proto
    for part in (*model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]  # the exporter's debugging notes
    del model.graph.value_info[:]
    model.producer_name = "impasto"
    return model


def save_checked(model: onnx.ModelProto, path: Path, net: Net, *, tolerance: float) -> float:
    """Write a graph beside `path`, compare it with `net`, and move it into place if it is right.

    Returns:
        The largest absolute difference seen, in units of [0,1].

    Raises:
        ExportError: it is no valid graph, or differs by more than `tolerance`.
        OSError: the folder cannot be written.
    """
    differences = []

    def write(temporary: Path) -> None:
        temporary.write_bytes(model.SerializeToString())
        differences.append(_verify(temporary, copy_of(net), tolerance=tolerance))

    write_atomically(path, write)
    return differences[0]


def parameters_from_onnx(path: Path) -> dict[str, Tensor]:
    """The parameters of an exported network under their names in it.

    The exporter stores equal tensors once, so that of an untrained network, whose norms are all
    alike, some are missing.

    Raises:
        InputError: it cannot be read, or is no ONNX file.
    """
    return named_parameters(read_arrays(path))


def named_parameters(arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of the constants of a graph, from `read_arrays`, that are a network's parameters."""
    return network_parameters(
        {name: value for name, value in arrays.items() if name.endswith((".weight", ".bias"))}
    )


def read_arrays(path: Path) -> dict[str, Tensor]:
    """All constants of a graph as float32, by their names.

    Raises:
        InputError: it cannot be read, or is no ONNX file.
    """
    data = read_model(path)
    try:
        return {
            item.name: torch.from_numpy(onnx.numpy_helper.to_array(item).astype(np.float32))
            for item in onnx.load_model_from_string(data).graph.initializer
        }
    except Exception as error:  # protobuf's own, or numpy's
        why = " ".join(str(error).split())[:120]
        raise InputError(f"{path} is a damaged ONNX file ({why}): name another") from error


def copy_of(net: Net) -> Net:
    """Another of the same parameters, on the CPU, in eval mode."""
    copy: Net = type(net)(**net.config)
    copy.load_state_dict({key: value.detach().cpu() for key, value in net.state_dict().items()})
    return copy.eval()


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter logs and warns about its own internals; none of it concerns the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def check_graph(path: Path) -> None:
    """Have onnx check a file; raises ExportError if it finds a fault."""
    try:
        onnx.checker.check_model(str(path), full_check=True)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the exported graph is not valid ONNX: {error}") from error


def _verify(path: Path, net: Net, *, tolerance: float) -> float:
    check_graph(path)
    stylizer = Stylizer(path, backend="onnxruntime")
    generator = torch.Generator().manual_seed(0)
    uint8 = stylizer.metadata.get(PIXELS) == BYTES
    worst = 0.0
    for batch, (height, width) in enumerate(PARITY_SIZES, start=1):
        content = torch.rand((batch, 3, height, width), generator=generator)
        content = (content * 255).round() / 255 if uint8 else content
        with torch.no_grad():
            expected = stylize(net, content).numpy()
        got = stylizer.run(content.numpy())
        if got.shape != expected.shape:
            raise ExportError(f"ONNX gives {got.shape} where the network gives {expected.shape}")
        difference = float(np.abs(got - expected).max())
        if not difference <= tolerance:  # this way round NaN fails too
            raise ExportError(
                f"ONNX and the network differ by {difference:.2g}, more than {tolerance:.2g}, "
                f"at {height}x{width}"
            )
        worst = max(worst, difference)
    return worst
