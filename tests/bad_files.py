"""Files as they are found in the wild: photographs, models, encoders that are not what they seem.

Every entry writes one file; beside it stands what the refusal has to say.
"""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import torch
from graphs import save_graph
from onnx import TensorProto, helper
from PIL import Image
from safetensors.torch import save_file

from impasto.inference.model_check import LARGEST
from impasto.models.pretrained import LARGEST as LARGEST_ENCODER

Write = Callable[[Path], object]
COLOUR = (200, 100, 50)


def good(path: Path, *, size: tuple[int, int] = (40, 32)) -> Path:
    """A photograph with nothing wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, COLOUR).save(path)
    return path


def encoded(kind: str) -> bytes:
    """A valid file that is too large for its loss to go unnoticed."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


def content(data: bytes) -> Write:
    return lambda path: path.write_bytes(data)


def half(kind: str) -> Write:
    return content(encoded(kind)[: len(encoded(kind)) // 2])


def flipped(kind: str) -> Write:
    """One byte in the middle changed, and the checksum wrong."""
    data = bytearray(encoded(kind))
    data[len(data) // 2] ^= 255
    return content(bytes(data))


def bomb(path: Path) -> None:
    """A PNG of 100 bytes that says that it has 3.6 billion pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    parts = [
        chunk(b"IHDR", header),
        chunk(b"IDAT", zlib.compress(b"\0" * 100)),
        chunk(b"IEND", b""),
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def circle(path: Path) -> None:
    """Two links that point to each other."""
    other = path.with_name(f".{path.name}")
    path.symlink_to(other)
    other.symlink_to(path)


UNKNOWN, DAMAGED = "it is not an image of a supported format", "it is damaged"
HAS_HEIF = find_spec("pillow_heif") is not None
NO_HEIC = "it is a HEIC file, which needs one more package: pip install 'impasto[heif]'"
NO_HEIC = DAMAGED if HAS_HEIF else NO_HEIC
HEIC = content(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
PHOTOGRAPHS: dict[str, tuple[Write, str]] = {  # name: how to make it, what must be said
    "zero.jpg": (content(b""), "it is empty"),
    "text.jpg": (content(b"not an image\nat all\n"), UNKNOWN),
    "page.jpg": (content(b"<!DOCTYPE html><html>404</html>"), UNKNOWN),
    "noise.jpg": (content(np.random.default_rng(0).bytes(5000)), UNKNOWN),
    "nulls.png": (content(bytes(5000)), UNKNOWN),
    "movie.gif": (content(b"\0\0\0\x18ftypmp42" + bytes(100)), UNKNOWN),
    "half.jpg": (half("JPEG"), DAMAGED),
    "half.png": (half("PNG"), DAMAGED),
    "half.webp": (half("WEBP"), DAMAGED),
    "half.tif": (half("TIFF"), "it is"),
    "half.gif": (half("GIF"), DAMAGED),
    "flipped.png": (flipped("PNG"), DAMAGED),
    "header.jpg": (content(encoded("JPEG")[:30]), "it is"),
    "header.png": (content(encoded("PNG")[:20]), "it is"),
    "phone.heic": (HEIC, NO_HEIC),
    "phone.jpg": (HEIC, NO_HEIC),
    "bomb.png": (bomb, "it has more than 268,435,456 pixels"),
    "dot.png": (lambda path: good(path, size=(1, 1)), "shorter than 16 pixels"),
    "strip.png": (lambda path: good(path, size=(300, 15)), "shorter than 16 pixels"),
    "circle.jpg": (circle, "Too many levels of symbolic links"),
    "dangling.jpg": (lambda path: path.symlink_to("nowhere"), "there is no such file"),
    "pipe.jpg": (os.mkfifo, "it is a pipe or a device"),
}
SMALL = {"dot.png", "strip.png"}  # fit to be stylized with --size, but nothing to learn from


def sixteen(path: Path) -> None:
    Image.fromarray(np.full((32, 40), 32768, np.uint16)).save(path)


def animated(path: Path) -> None:
    frames = [Image.new("RGB", (40, 32), colour) for colour in (COLOUR, (0, 0, 255))]
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)


def palette(path: Path) -> None:
    image = Image.new("P", (40, 32))
    image.putpalette([*COLOUR, 0, 0, 255])
    image.save(path, transparency=1)


READABLE: dict[str, tuple[Write, tuple[int, int, int]]] = {  # odd, but right: and its colour
    "cmyk.jpg": (lambda p: Image.new("CMYK", (40, 32), (0, 255, 0, 0)).save(p), (255, 0, 255)),
    "grey.jpg": (lambda p: Image.new("L", (40, 32), 77).save(p), (77, 77, 77)),
    "bits.png": (lambda p: Image.new("1", (40, 32), 1).save(p), (255, 255, 255)),
    "clear.png": (lambda p: Image.new("RGBA", (40, 32), (0, 0, 0, 0)).save(p), (255, 255, 255)),
    "sixteen.png": (sixteen, (128, 128, 128)),
    "sixteen.tif": (sixteen, (128, 128, 128)),
    "palette.png": (palette, COLOUR),
    "animated.gif": (animated, COLOUR),
    "animated.webp": (animated, COLOUR),
    "animated.png": (animated, COLOUR),
    "edge.png": (lambda path: good(path, size=(16, 16)), COLOUR),
}


def graph(*nodes: onnx.NodeProto, **changes: object) -> Write:
    """A network, by default one that makes `stylized` from `content` and does nothing."""
    node = helper.make_node("Identity", ["content"], ["stylized"])
    return lambda path: save_graph(path, nodes or [node], constants={}, **changes)  # type: ignore[arg-type]


def plain(*, start: str = "input", end: str = "output") -> Write:
    """A network as pytorch/examples exports it: no metadata, names of its own."""
    node = helper.make_node("Identity", [start], [end])
    return graph(node, inputs=[start], outputs=[end], metadata={})


def elsewhere(*, location: str) -> Write:
    """A graph whose weights lie in another file."""

    def write(path: Path) -> None:
        node = helper.make_node("Add", ["content", "secret"], ["stylized"])
        model = onnx.load(
            save_graph(path, [node], constants={"secret": np.zeros((4,), np.float32)})
        )
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        path.write_bytes(model.SerializeToString())

    return write


def loop(path: Path) -> None:
    """Says that it counts to 2^62 before it draws."""
    count = helper.make_node("Identity", ["going"], ["still"])
    inner = helper.make_graph(
        [count],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("still", TensorProto.BOOL, [])],
    )
    nodes = [
        helper.make_node("Loop", ["many", ""], [], body=inner),
        helper.make_node("Identity", ["content"], ["stylized"]),
    ]
    save_graph(path, nodes, constants={"many": np.int64(1 << 62)})


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02.")


def sparse(size: int) -> Write:
    """Takes no space on the disk, though."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(size)

    return write


NO_ONNX = "is not an ONNX file, it is "
NO_STYLE = "is not an impasto style: it "
FAST = helper.make_node("FastGelu", ["content"], ["stylized"], domain="com.microsoft")
DICE = helper.make_node("RandomNormalLike", ["content"], ["stylized"])
MODELS: dict[str, tuple[Write, str]] = {
    "zero": (content(b""), NO_ONNX + "empty"),
    "text": (content(b"not a model\nat all\n"), NO_ONNX + "text"),
    "page": (content(b"<html>404</html>"), NO_ONNX + "HTML"),
    "noise": (content(np.random.default_rng(1).bytes(3000)), NO_ONNX + "damaged"),
    "pointer": (content(b"version https://git-lfs.github.com/spec/v1\n"), "`git lfs pull`"),
    "image": (content(encoded("PNG")), NO_ONNX + "a PNG image"),
    "checkpoint": (archive, NO_ONNX + "a zip archive, such as a PyTorch checkpoint"),
    "pickle": (content(b"\x80\x04N."), NO_ONNX + "a Python pickle"),
    "ort": (content(b"\x1c\0\0\0ORTM" + bytes(100)), NO_ONNX),
    "half": (
        lambda path: content(graph()(path).read_bytes()[:-40])(path),  # type: ignore[attr-defined]
        NO_ONNX + "damaged",
    ),
    "huge": (sparse(LARGEST + 1), "has 268,435,457 bytes: a style has at most 268,435,456"),
    "elsewhere": (
        elsewhere(location="weights.bin"),
        "keeps its weights in 'weights.bin', and only",
    ),
    "thief": (elsewhere(location="../../../etc/passwd"), "in '../../../etc/passwd', and only"),
    "alone": (elsewhere(location="bad.onnx.data"), "bad.onnx.data, which is missing: download"),
    "loop": (loop, "uses Loop: "),
    "chance": (graph(DICE), "uses RandomNormalLike: "),
    "extension": (graph(FAST), "uses FastGelu, the domain com.microsoft: "),
    "no such op": (graph(helper.make_node("Draw", ["content"], ["stylized"])), "uses Draw: "),
    "unsound": (
        graph(helper.make_node("Conv", ["content", "lost"], ["stylized"])),
        "is not an ONNX file that can be run: ",
    ),
    "two inputs": (graph(inputs=["content", "style"]), NO_STYLE + "maps content tensor(float), "),
    "bytes": (graph(kind=TensorProto.UINT8), NO_STYLE + "maps content tensor(uint8) to "),
    "vector": (graph(shape=("batch", 3)), NO_STYLE + "takes ['batch', 3], not N×3×H×W"),
    "grey": (graph(shape=("batch", 1, "h", "w")), NO_STYLE + "takes ['batch', 1, 'h', 'w'], not"),
    "three at once": (graph(shape=(3, 3, 64, 64)), NO_STYLE + "takes 3 images at once"),
    "no size": (graph(shape=(1, 3, 0, 64)), "bad.onnx"),
    "plain": (plain(), NO_STYLE + "maps 'input' to 'output' and has no metadata of impasto; "),
    "unlabelled": (graph(metadata={}), "add --range 255 if it takes"),
}


class Malicious:
    """A pickle that makes a file when it is loaded."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("hacked",)


def checkpoint(value: object) -> Write:
    return lambda path: torch.save(value, path)


def encoder(**changes: torch.Tensor | None) -> Write:
    """Two convolutions, with `.` written as `__`, some of their parameters changed or left out."""
    parameters: dict[str, torch.Tensor | None] = {
        "features__0__weight": torch.ones(4, 3, 3, 3),
        "features__0__bias": torch.zeros(4),
        "features__2__weight": torch.ones(5, 4, 3, 3),
        "features__2__bias": torch.zeros(5),
        **changes,
    }
    kept = {key.replace("__", "."): value for key, value in parameters.items() if value is not None}
    return lambda path: save_file(kept, path)


def cut(write: Write, *, keep: float) -> Write:
    def short(path: Path) -> None:
        write(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])

    return short


def laughs(path: Path) -> None:
    """Lists that hold the one before twice: 2^40 numbers, once they are printed."""
    lists = ["&a0 [1, 1]", *(f"&a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
    path.write_text(f"seed: [{', '.join(lists)}]\n")


NO_VGG = "is not a VGG-shaped encoder"
ENCODERS: dict[str, tuple[Write, str]] = {
    "zero": (content(b""), "is not a readable safetensors file"),
    "text": (content(b"not an encoder\n"), "is not a readable safetensors file"),
    "image": (content(encoded("JPEG")), "is not a readable safetensors file"),
    "half": (cut(encoder(), keep=0.5), "is not a readable safetensors file"),
    "header": (cut(encoder(), keep=0.05), "is not a readable safetensors file"),
    "checkpoint": (checkpoint({"a": torch.zeros(3)}), "is not a readable safetensors file"),
    "another net": (lambda p: save_file({"fc.weight": torch.zeros(3)}, p), NO_VGG),
    "batch norm": (encoder(features__1__running_mean=torch.zeros(4)), NO_VGG),
    "grey": (encoder(features__0__weight=torch.ones(4, 1, 3, 3)), "conv1_1 has the wrong shape"),
    "no bias": (encoder(features__2__bias=None), "conv1_2 has the wrong shape"),
    "scalar bias": (encoder(features__0__bias=torch.tensor(1.0)), "conv1_1 has the wrong shape"),
    "scalar": (encoder(features__0__weight=torch.tensor(1.0)), "conv1_1 has the wrong shape ()"),
    "no channels": (encoder(features__0__weight=torch.ones(0, 3, 3, 3)), "conv1_1 has the wrong"),
    "large": (sparse(LARGEST_ENCODER + 1), "is too large: an encoder needs"),
    "nan": (
        encoder(features__2__bias=torch.full((5,), torch.nan)),
        "features.2.bias has values that are not finite",
    ),
}


def endless(path: Path) -> None:
    """Lists in lists."""
    opcodes = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", opcodes)
        file.writestr("archive/version", "3")


def packed(path: Path) -> None:
    """64 megabytes of zeros in 64 kilobytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data.pkl", b"\x80\x02N.")
        with file.open("archive/data/0", "w") as entry:
            for _ in range(64):
                entry.write(bytes(1 << 20))


def of_old(path: Path) -> None:
    """A format that says how much memory it wants before what it is."""
    torch.save({"state_dict": {}, "global_step": 0}, path, _use_new_zipfile_serialization=False)


NO_CHECKPOINT = "is not a readable checkpoint"
CHECKPOINTS: dict[str, tuple[Write, str]] = {
    "zero": (content(b""), NO_CHECKPOINT),
    "text": (content(b"not a checkpoint\n"), NO_CHECKPOINT),
    "half": (cut(checkpoint({"state_dict": {}, "global_step": 0}), keep=0.5), NO_CHECKPOINT),
    "bare": (checkpoint([1, 2, 3]), NO_CHECKPOINT),
    "other": (checkpoint({"model": {}}), NO_CHECKPOINT),
    "malicious": (checkpoint({"state_dict": Malicious(), "global_step": 0}), NO_CHECKPOINT),
    "another net": (checkpoint({"state_dict": {}, "global_step": 0}), "network of another shape"),
    "a list": (checkpoint({"state_dict": [1], "global_step": 0}), NO_CHECKPOINT),
    "numbers": (checkpoint({"state_dict": {"a": 1}, "global_step": 0}), NO_CHECKPOINT),
    "no names": (checkpoint({"state_dict": {1: torch.ones(1)}, "global_step": 0}), NO_CHECKPOINT),
    "no step": (checkpoint({"state_dict": {}, "global_step": "many"}), NO_CHECKPOINT),
    "endless": (endless, NO_CHECKPOINT),
    "packed": (packed, "packed, or more than 1,073,741,824 bytes"),
    "as of old": (of_old, NO_CHECKPOINT),
}
CONFIGS: dict[str, tuple[Write, str]] = {
    "unknown key": (content(b"stepps: 5\n"), "there is no setting 'stepps'"),
    "wrong type": (
        content(b"threads: many\nworkers: many\n"),
        "must be a whole number (got 'many')",
    ),
    "half": (content(b"photos: [a, b\n"), "give a YAML file"),
    "binary": (content(bytes(range(256))), "give a YAML file"),
    "list": (content(b"- a\n- b\n"), "holds no settings"),
    "laughs": (laughs, "references like *a are not read"),
    "a circle": (content(b"seed: &a [*a]\n"), "references like *a are not read"),
    "deep": (content(b"seed: " + b"[" * 5000 + b"]" * 5000), "nested too deeply"),
    "deep names": (content(b"seed: " + b"{a: " * 3000 + b"1" + b"}" * 3000), "nested too deeply"),
    "many digits": (content(b"seed: 0x" + b"f" * 100_000), "seed is neither a number nor a word"),
    "large": (content(b"seed: 1\n" * 200_000), "more than 1,048,576 bytes"),
    "a class": (
        content(b"seed: {class_path: os.mkdir, init_args: {path: hacked}}\n"),
        "seed is neither a number nor a word",
    ),
    "escapes": (content(b'"\\e[2J": 1\n'), "there is no setting '\\x1b[2J'"),
    "tag": (content(b"seed: !!python/object/apply:os.mkdir [hacked]\n"), "give a YAML file"),
    "folder": (Path.mkdir, "Is a directory"),
}
TABLES: Sequence[dict[str, tuple[Write, str]]] = (
    *(PHOTOGRAPHS, MODELS, ENCODERS, CHECKPOINTS, CONFIGS),
)
