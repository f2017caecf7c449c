"""Where a network's parameters come from when they do not begin at random."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from impasto.errors import InputError
from impasto.export.any_export import parameters_of_any
from impasto.export.onnx_export import parameters_from_onnx
from impasto.images.io import RGB
from impasto.inference.any_style import SIDE, AnyStyle, draws_any
from impasto.inference.hub import find_model
from impasto.models.any_style import AnyStyleNet, StyleSlots
from impasto.models.designs import Net

LARGEST = 1 << 30  # bytes of a checkpoint; that of the default network has 60 million


def initialise(net: Net, init: str, *, painting: RGB, short_side: int) -> None:
    """Load the parameters of a .ckpt of ours, an .onnx, or a style's name, into `net`.

    Where they are those of a network for any painting, the style is read from the painting.

    Args:
        net: takes them over.
        init: what they are those of.
        painting: H×W×3 in [0,1].
        short_side: pixels that the painting has for the loss.

    Raises:
        InputError: no such file or style, or parameters of another shape.
    """
    path = find_parameters(init)
    if path.suffix == ".ckpt":
        state = load_checkpoint(path)["state_dict"]
        parameters = {key.removeprefix("net."): value for key, value in state.items()}
    else:
        parameters = parameters_from_onnx(path)
        if draws_any(path):
            strokes = short_side / (2 * SIDE)
            vector = torch.from_numpy(AnyStyle(path).vector(painting, stroke_size=strokes))
            parameters |= StyleSlots(net).split(vector)
    try:
        net.load_state_dict(parameters)
    except RuntimeError as error:
        raise InputError(
            f"--init {init} is a network of another shape: set its --width and --design"
        ) from error


def initialise_any(model: AnyStyleNet, init: str) -> None:
    """Load what a run of `impasto train-any` has learned into `model`.

    Args:
        model: takes it over; from an .onnx all but what is usual in paintings, see `settle`.
        init: a run's name or .ckpt, or a network's name or .onnx.

    Raises:
        InputError: there is none, or it holds other networks.
    """
    path = find_any(init)
    if path.suffix == ".ckpt":
        state = load_checkpoint(path)["state_dict"]
        parameters = {key.removeprefix("model."): value for key, value in state.items()}
    else:
        parameters = {name: value for name, value in model.named_buffers() if "." not in name}
        found = parameters_of_any(path, model.slots)
        parameters |= {f"net.{name}": value for name, value in found.items()}
    try:
        model.load_state_dict(parameters)
    except RuntimeError as error:
        raise InputError(
            f"--init {init} holds other networks than this run's: "
            "name a run of impasto train-any of the same --width"
        ) from error


def find_any(init: str) -> Path:
    """The file that `init` means: itself, the last checkpoint of that name, or its network.

    Raises:
        InputError: there is none, or it is a network of one style.
    """
    last = Path("checkpoints") / init / "last.ckpt"
    if init.endswith(".ckpt") or last.is_file():
        return Path(init) if init.endswith(".ckpt") else last
    path = find_model(init)
    if not draws_any(path):
        raise InputError(f"--init {init} has one style: name a network of impasto train-any")
    return path


def find_parameters(init: str) -> Path:
    """The file that `init` means: itself, the last checkpoint of that name, or its style.

    Raises:
        InputError: there is none.
    """
    path, last = Path(init), Path("checkpoints") / init / "last.ckpt"
    if path.is_file() or not last.is_file() or draws_any(last.with_name(f"{init}.onnx")):
        return path if path.suffix == ".ckpt" else find_model(init)
    return last


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint of train.py, tensors and plain values only.

    Raises:
        InputError: missing or unreadable, or more than a checkpoint ever needs.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # as torch writes it: not packed, so as large inside
            sizes = [item.file_size for item in archive.infolist()]
            packed = any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist())
        if packed or sum(sizes) > LARGEST:
            raise ValueError(f"packed, or more than {LARGEST:,} bytes")
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        state = checkpoint["state_dict"]
        if not all(map(torch.is_tensor, state.values())) or not all(map(str.isprintable, state)):
            raise ValueError("its state_dict holds something else than tensors by their names")
        int(checkpoint["global_step"])
    except Exception as error:  # torch.load raises whatever unpickling raises
        why = " ".join(str(error).split())[:120]
        raise InputError(f"{path} is not a readable checkpoint ({why}): name another") from error
    return dict(checkpoint)
