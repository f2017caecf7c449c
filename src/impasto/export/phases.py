"""Convolutions at the size of a picture, computed at half its size: the same numbers, sooner.

Four pixels of a picture, two by two, are four channels at half its height and width ("phases", in
the order of `F.pixel_shuffle`). A convolution of pixels is a convolution of phases with more
channels and fewer taps. Doubling an image by `nearest` and convolving it costs ONNX Runtime mostly
memory: large padded copies, and 3 channels computed as 16. With phases both go away.

Files keep the plain weights: a few nodes make kernels of them, once, while the file is loaded.
"""

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor


def phase_taps(kernel_size: int, *, doubled: bool) -> Tensor:
    """How the taps of a convolution are spread over phases, along one side.

    Args:
        kernel_size: odd.
        doubled: the input is to be doubled by `nearest` first, so it has no phases of its own.

    Returns:
        (kernel_size, 2, 1 if doubled else 2, t): 1 where a tap, for a phase of the output, meets a
        phase of the input, at one of t taps.
    """
    radius = kernel_size // 2
    reach = (radius + 1) // 2
    taps = torch.zeros(kernel_size, 2, 1 if doubled else 2, 2 * reach + 1)
    for phase in (0, 1):
        for tap in range(kernel_size):
            place, from_phase = divmod(phase + tap - radius, 2)
            taps[tap, phase, 0 if doubled else from_phase, place + reach] = 1
    return taps


def phase_matrix(kernel_size: int, *, doubled: bool) -> Tensor:
    """(k * k, 4 * p * t * t), by which a kernel's flattened taps are multiplied; p is 1 or 4."""
    taps = phase_taps(kernel_size, doubled=doubled)
    both = torch.einsum("kabl,njcm->knajbclm", taps, taps)
    return both.reshape(kernel_size**2, -1)


def phase_shapes(shape: tuple[int, ...], *, doubled: bool) -> tuple[list[int], list[int]]:
    """Of a weight (O, I, k, k): [O, I, 4, p, t, t], and of its kernel, [4 O, p I, t, t]."""
    out_channels, in_channels, size, _ = shape
    phases, taps = (1 if doubled else 4), 2 * ((size // 2 + 1) // 2) + 1
    spread = [out_channels, in_channels, 4, phases, taps, taps]
    return spread, [out_channels * 4, in_channels * phases, taps, taps]


def phase_kernel(weight: Tensor, *, doubled: bool) -> Tensor:
    """The kernel that does to phases what `weight` does to pixels: (O, I, k, k) -> see above.

    With `doubled`, reflection by one pixel around the doubled image, for a 3×3 convolution, is
    replication by one pixel around the image.
    """
    spread, kernel = phase_shapes(tuple(weight.shape), doubled=doubled)
    flat = weight.flatten(0, 1).flatten(1) @ phase_matrix(weight.shape[2], doubled=doubled)
    return flat.reshape(spread).permute(0, 2, 1, 3, 4, 5).reshape(kernel)


def phases_of(parameter: Tensor, *, doubled: bool) -> Tensor:
    """`phase_kernel` of a weight; a bias, (O,), is given to the four phases: (4 O,)."""
    if parameter.ndim == 1:
        return parameter.repeat_interleave(4)
    return phase_kernel(parameter, doubled=doubled)


def made_when_loaded(
    graph: onnx.GraphProto, kernel: str, name: str, weight: Tensor, *, doubled: bool
) -> None:
    """Replace an initializer by nodes that make it of a weight, which the file holds instead.

    Args:
        graph: changed in place.
        kernel: name of the initializer: `phases_of(weight)`.
        name: what the weight is called.
        weight: (O, I, k, k), or a bias, (O,).
        doubled: as in `phase_kernel`.
    """
    old = next(item for item in graph.initializer if item.name == kernel)
    graph.initializer.remove(old)
    graph.initializer.append(numpy_helper.from_array(weight.numpy(), name))
    if weight.ndim == 1:
        made, constants = _bias_nodes(kernel, name, weight)
    else:
        made, constants = _kernel_nodes(kernel, name, weight, doubled=doubled)
    for suffix, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(value, f"{kernel}.{suffix}"))
    for node in reversed(made):
        graph.node.insert(0, node)


Made = tuple[list[onnx.NodeProto], dict[str, np.ndarray]]


def _kernel_nodes(kernel: str, name: str, weight: Tensor, *, doubled: bool) -> Made:
    spread, shape = phase_shapes(tuple(weight.shape), doubled=doubled)
    constants = {
        "rows": np.array([-1, weight.shape[2] ** 2]),
        "taps": phase_matrix(weight.shape[2], doubled=doubled).numpy(),
        "spread": np.array(spread),
        "shape": np.array(shape),
    }
    node = helper.make_node
    return [
        node("Reshape", [name, f"{kernel}.rows"], [f"{kernel}.1"]),
        node("MatMul", [f"{kernel}.1", f"{kernel}.taps"], [f"{kernel}.2"]),
        node("Reshape", [f"{kernel}.2", f"{kernel}.spread"], [f"{kernel}.3"]),
        node("Transpose", [f"{kernel}.3"], [f"{kernel}.4"], perm=[0, 2, 1, 3, 4, 5]),
        node("Reshape", [f"{kernel}.4", f"{kernel}.shape"], [kernel]),
    ], constants


def _bias_nodes(kernel: str, name: str, bias: Tensor) -> Made:
    four = np.repeat(np.eye(len(bias), dtype=np.float32), 4, axis=1)
    return [helper.make_node("MatMul", [name, f"{kernel}.four"], [kernel])], {"four": four}
