"""What an .onnx file may be, checked before any of it runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto.errors import InputError
from impasto.inference.external_data import joined
from impasto.inference.protobuf import NotProtobufError, survey

CONTENT, STYLIZED = "content", "stylized"
STYLE = "style"  # what a network for any painting may be given beside the content
OURS = {"name", "steps"}  # metadata that every file of train.py has
PIXELS, BYTES = "pixels", "uint8"  # in the metadata of a file that takes bytes
LARGEST = 1 << 28  # bytes; ours have 7 MB
_OPERATORS = """
    Abs Add And AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv
    ConvInteger ConvTranspose DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Elu
    Equal Erf Exp Expand Flatten Floor Gather Gelu Gemm GlobalAveragePool Greater GreaterOrEqual
    GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization LayerNormalization
    LeakyRelu Less LessOrEqual Log MatMul Max MaxPool Mean Min Mish Mod Mul Neg Not Or PRelu Pad Pow
    QLinearConv QuantizeLinear Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Sign Slice Softmax
    Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tanh Transpose Unsqueeze Upsample
    Where
"""
OPERATORS = frozenset(_OPERATORS.split())
_KINDS = {  # how files begin that are taken for models
    b"PK\x03\x04": "a zip archive, such as a PyTorch checkpoint",
    b"\x80": "a Python pickle, such as a PyTorch checkpoint",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89PNG": "a PNG image",
    b"\x89HDF": "an HDF5 file",
    b"version https://git-lfs": "a Git LFS pointer, `git lfs pull` fetches the file",
    b"<": "HTML or XML",
}
_EXPECTED = "give a style made by impasto train, or a network with one image in and one out"


def read_model(path: Path, given: bytes | None = None) -> bytes:
    """The bytes of a model that is made of plain, finite operators only, with all its weights.

    Args:
        path: the file; only a name for messages where its bytes are given.
        given: its bytes, for which no file is opened at all.

    Raises:
        InputError: it cannot be read, is too large or no ONNX, keeps data in files that are not
            beside it and called like it, or uses operators that are not among OPERATORS.
    """
    try:
        size = path.stat().st_size if given is None else len(given)
        if size > LARGEST:
            raise InputError(f"{path} has {size:,} bytes: a style has at most {LARGEST:,}")
        data = path.read_bytes() if given is None else given
        graphs, operators, external = survey(data)
        if external and given is None:
            data = joined(path, data, most=LARGEST)
            graphs, operators, external = survey(data)
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}): name another file") from error
    except NotProtobufError:
        graphs = 0
    if not graphs:
        raise InputError(f"{path} is not an ONNX file, it is {_kind(data)}: {_EXPECTED}")
    if external:
        raise InputError(f"{path} keeps constants in other files: save it as one file")
    if unknown := sorted(operators - OPERATORS):
        raise InputError(
            f"{path} uses {', '.join(unknown[:5])[:100]}: a style is made of the operators of "
            "convolutional networks, without loops, random numbers or custom operators"
        )
    return data


def check_interface(
    path: Path,
    *,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    metadata: Mapping[str, str],
    white: int | None,
) -> tuple[str, str]:
    """Refuse a graph that is neither a style of ours nor a plain network that was declared.

    Args:
        path: named in the messages.
        inputs: of a session, with name, type and shape as ONNX Runtime gives them.
        outputs: likewise.
        metadata: of the file.
        white: 1 or 255 as the user says, None for a style of ours.

    Returns:
        The names of the input and of the output.

    Raises:
        InputError: says what the file is and what was expected.
    """
    kind = "tensor(uint8)" if metadata.get(PIXELS) == BYTES else "tensor(float)"
    _check_shapes(path, inputs, outputs, kind=kind)
    ours = metadata.keys() >= OURS and [inputs[0].name, outputs[0].name] == [CONTENT, STYLIZED]
    if ours and white == 255:
        raise InputError(f"{path} is an impasto style, its pixels are 0..1: leave out --range")
    if not ours and white is None:
        raise InputError(
            f"{path} is not an impasto style: it maps {inputs[0].name!r} to {outputs[0].name!r} "
            "and has no metadata of impasto; add --range 255 if it takes and returns pixels of "
            "0..255, as networks of pytorch/examples do, or --range 1 for pixels of 0..1"
        )
    return inputs[0].name, outputs[0].name


def _kind(data: bytes) -> str:
    if not data:
        return "empty"
    kinds = (kind for start, kind in _KINDS.items() if data.startswith(start))
    text = all(byte >= 32 or byte in b"\t\n\r" for byte in data[:1000])
    return next(kinds, "text" if text else "damaged, or of another kind")


def _check_shapes(path: Path, inputs: Sequence[Any], outputs: Sequence[Any], *, kind: str) -> None:
    no_style = f"{path} is not an impasto style"
    ends = [*inputs, *outputs]
    if [len(inputs), len(outputs)] != [1, 1] or {end.type for end in ends} != {kind}:
        maps = [", ".join(f"{e.name} {e.type}" for e in side)[:80] for side in (inputs, outputs)]
        raise InputError(f"{no_style}: it maps {maps[0]} to {maps[1]}; {_EXPECTED}")
    shape = inputs[0].shape
    if len(shape) != 4 or (isinstance(shape[1], int) and shape[1] != 3):
        raise InputError(f"{no_style}: it takes {shape}, not N×3×H×W; {_EXPECTED}")
    if min([side for side in (shape[0], *shape[2:]) if isinstance(side, int)], default=1) < 1:
        raise InputError(f"{no_style}: it takes {shape}; {_EXPECTED}")
    if isinstance(shape[0], int) and shape[0] != 1:
        raise InputError(f"{no_style}: it takes {shape[0]} images at once; export it for one")
