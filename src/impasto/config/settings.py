"""Every setting of a run: one frozen dataclass a command, from which flags and YAML are made."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from impasto.config.parser import Settings, setting


@dataclass(frozen=True, kw_only=True)
class LossSettings(Settings):
    """What both methods minimize."""

    encoder: str | None = setting(
        None,
        "vgg16, vgg19, either with -features, lite or FILE.safetensors "
        "[vgg16-features if it can be had, else vgg19-features]",
        group="the loss",
    )
    content_layers: list[str] | None = setting(None, "layers of the content term [by encoder]")
    style_layers: list[str] | None = setting(None, "layers of the style term [by encoder]")
    content_layer_weights: list[float] | None = setting(None, "one number a content layer [1]")
    style_layer_weights: list[float] | None = setting(None, "one number a style layer [1]")
    content_weight: float = setting(1.0, "weight of the content term", least=0)
    style_weight: float = setting(1.5, "weight of the style term", least=0)
    tv_weight: float = setting(0.0, "weight of total variation", least=0)
    content_match: Literal["features", "structure"] = setting(
        "structure", "what the photo keeps; structure leaves contrast to the painting"
    )
    loss_scale: Literal["relative", "mean", "johnson", "gatys"] = setting(
        "relative", "how the terms are scaled before their weights, see impasto.losses.scaling"
    )


@dataclass(frozen=True, kw_only=True)
class RunSettings(LossSettings):
    """What every training has in common."""

    photos: str | None = setting(None, "a folder, or 'samples' [data/coco/train2014, else samples]")
    verify_photos: bool = setting(False, "read every file first, and name those that fail")
    name: str | None = setting(None, "what to call the style [the painting's file name]")
    output_dir: str | None = setting(None, "where everything goes [checkpoints/NAME]")
    init: str | None = setting(
        None, "network to start from: a style, .ckpt, .onnx, or none: random [base]"
    )

    minutes: float | None = setting(
        None,
        "training time [30 unless --steps is given]",
        group="how",
        least=0.01,
    )
    steps: int | None = setting(None, "optimizer steps, instead of --minutes", least=1)
    batch_size: int = setting(1, "photographs per step and device", least=1)
    image_size: int = setting(256, "side of the square crops, pixels", least=32)
    random_shift: int = setting(
        8, "shift pictures by up to so many pixels before the encoder, which avoids grids", least=0
    )
    optimizer: Literal["muon", "adam"] = setting("muon", "muon needs fewer steps")
    lr: float = setting(1e-3, "learning rate of Adam, 20 times that in muon", least=0)
    schedule: Literal["cosine", "constant"] = setting("cosine", "how the learning rate goes on")
    warmup: int = setting(50, "steps over which the learning rate rises", least=0)
    gradient_clip: float = setting(1.0, "largest norm of the gradient, 0 for no limit", least=0)
    seed: int = setting(0, "for weights, order and crops", least=0)

    accelerator: str = setting("auto", "cpu, gpu, mps, auto", group="hardware")
    devices: int = setting(1, "processes or GPUs on each machine", least=1)
    nodes: int = setting(1, "machines", least=1)
    precision: Literal["auto", "32", "bf16"] = setting("auto", "auto: bf16 where that is fast")
    workers: int | None = setting(None, "processes that load photographs [by cores]", least=0)

    checkpoint_every: int = setting(
        500, "steps between checkpoints, each with its .onnx", group="files", least=1
    )
    checkpoint_minutes: float = setting(10.0, "longest time between checkpoints, minutes", least=0)
    preview_every: int = setting(250, "steps between previews in TensorBoard", least=1)
    resume: Literal["auto", "none"] = setting("auto", "auto continues a run, none starts over")


@dataclass(frozen=True, kw_only=True)
class TrainSettings(RunSettings):
    """What `impasto train` takes."""

    everyday: ClassVar[tuple[str, ...]] = (
        *("style", "photos", "name", "output_dir", "minutes", "steps", "batch_size", "image_size"),
        *("style_weight", "init", "resume", "accelerator", "devices"),
    )
    presets: ClassVar[str | None] = "train"

    style: str = setting(
        "starry.jpg", "painting: a file, or a name in data/styles", group="what to learn"
    )
    style_size: int = setting(512, "the painting's short side, pixels", least=32)
    width: int = setting(16, "channels after the network's first layer", least=1)
    design: Literal["fast", "light", "johnson"] = setting(
        "light", "layers of the network; johnson, with width 32, is the paper's"
    )
    upsampling: Literal["nearest", "bilinear"] = setting(
        "nearest", "how the network enlarges before its last layers"
    )
    grid_weight: float = setting(
        1000.0, "weight of a term against a grid of the network's strides", least=0
    )
    stability_weight: float = setting(
        0.0, "weight of a term against flicker in films, such as 20", least=0
    )
    onnx_uint8: bool = setting(False, "write an .onnx for bytes, 0..255, instead of 0..1")
    onnx_float16: bool = setting(False, "store the weights of the .onnx as float16: half the size")


@dataclass(frozen=True, kw_only=True)
class TrainAnySettings(RunSettings):
    """What `impasto train-any` takes."""

    everyday: ClassVar[tuple[str, ...]] = (
        *("paintings", "photos", "hold_out", "name", "output_dir", "minutes", "steps"),
        *("batch_size", "image_size", "style_weight", "init", "resume", "accelerator", "devices"),
    )

    paintings: str | None = setting(None, "a folder of paintings", group="what to learn")
    hold_out: int | None = setting(
        None,
        "paintings never learned from, or artists where paintings.tsv tells them "
        "[60, at most a tenth]",
        least=0,
    )
    name: str = setting("any", "what to call the network")
    init: str | None = setting(
        None, "network to start from: a name, .ckpt, .onnx, or none: random [none]"
    )
    minutes: float | None = setting(
        None, "training time [480 unless --steps is given]", group="how", least=0.01
    )
    batch_size: int = setting(
        4, "pairs of a photograph and a painting per step and device", least=1
    )
    image_size: int = setting(192, "side of the square crops of both, pixels", least=32)
    style_weight: float = setting(3.0, "weight of the style term", least=0)
    width: int = setting(16, "a third of the channels of the network's first layer", least=1)


@dataclass(frozen=True, kw_only=True)
class ControlSettings(Settings):
    """What can be chosen after training, for whatever stylizes; see impasto.inference.controls."""

    strength: float = setting(
        1.0, "0 is the photograph, 1 the stylized picture", group="controls", least=0, most=1
    )
    keep_color: bool = setting(False, "keep the photograph's color, take only lightness")
    stroke_size: float = setting(
        1.0, "2: strokes twice as large, 0.5: half, in four times the time", least=0.25, most=16
    )
    mask: str | None = setting(None, "picture: stylize where it is white, not where it is black")
    feather: float | None = setting(
        None,
        "pixels over which the mask fades [a hundredth of the short side]",
        least=0,
        most=10_000,
    )


@dataclass(frozen=True, kw_only=True)
class PictureSettings(Settings):
    """Which photographs become which files, the same for both methods."""

    photos: list[str] = field(
        default_factory=list,
        metadata={
            "help": "photographs or folders of them, - for stdin [a sample]",
            "positional": True,
            "group": "pictures",
        },
    )
    output: str | None = setting(
        None, "file, or folder for several, - for stdout [beside each photo]", short=["-o"]
    )
    overwrite: bool = setting(False, "replace pictures that exist")
    size: int | None = setting(None, "short side of the result [the photo's]", least=16)
    quality: int = setting(95, "quality of JPEG, WebP and films, 1..100", least=1, most=100)
    threads: int | None = setting(None, "of the processor [one a core]", least=1)
    contact_sheet: str | None = setting(None, "FILE that shows all photographs and pictures")
    json: bool = setting(False, "print a line of JSON a picture, for scripts")
    format: Literal["jpg", "png", "webp", "tif"] | None = setting(
        None, "jpg, png, webp or tif, where -o names no file [the photo's, or png]"
    )
    depth: Literal[8, 16] = setting(8, "bits a color, 16 for PNG and TIFF only")
    keep_profile: bool = setting(False, "save in the photo's color profile, not in sRGB")
    keep_gps: bool = setting(False, "keep where the photo was taken")
    strip: bool = setting(False, "leave out when and with what it was taken, too")


@dataclass(frozen=True, kw_only=True)
class StylizeSettings(PictureSettings, ControlSettings):
    """What `impasto stylize` takes."""

    everyday: ClassVar[tuple[str, ...]] = (
        *("photos", "model", "painting", "mix", "output", "overwrite", "size", "format", "json"),
        *("strength", "keep_color", "stroke_size", "mask", "contact_sheet", "quality", "threads"),
    )

    model: str | None = setting(
        None,
        "style: a NAME of `impasto styles`, or FILE.onnx; or several [starry]",
        group="the network",
    )
    painting: list[str] | None = setting(
        None,
        "any painting, at once: an image or a saved style; several are mixed",
        repeated=True,
    )
    mix: list[float] | None = setting(None, "shares of several paintings [equal]")
    save_style: str | None = setting(None, "keep the style of --painting under this NAME")
    steps: int | None = setting(
        None, "so many pictures, from the first painting to the last", least=2, most=99
    )
    range: Literal[1, 255] | None = setting(
        None, "what white is, 1 or 255, for a network from elsewhere"
    )
    backend: Literal["auto", "onnxruntime", "openvino"] = setting(
        "auto", "what runs the network; auto is openvino if installed"
    )
    precision: Literal["auto", "32", "bf16"] = setting(
        "auto", "auto is bf16 where openvino and processor have it"
    )
    max_memory: float | None = setting(
        None, "GB; larger pictures are made in strips [half of what is free]", least=0.1
    )

    steady: float = setting(
        0.85, "what is kept of the frame before, against flicker", group="films", least=0, most=0.99
    )
    camera: str | None = setting(None, "record camera N, from 0 on, until Ctrl-C; needs -o FILE")


@dataclass(frozen=True, kw_only=True)
class GatysSettings(PictureSettings, ControlSettings, LossSettings):
    """What `impasto gatys` takes."""

    everyday: ClassVar[tuple[str, ...]] = (
        *("photos", "style", "output", "overwrite", "size", "iterations", "start", "encoder"),
        *("content_weight", "style_weight", "accelerator", "print_every", "log"),
        *("strength", "keep_color"),
    )
    presets: ClassVar[str | None] = "gatys"

    style: str = setting(
        "starry.jpg", "painting: a file, or a name in data/styles", group="the painting"
    )
    style_size: int | None = setting(None, "the painting's short side [the result's]", least=32)

    iterations: int = setting(500, "steps of the optimizer", group="the optimizer", least=1)
    optimizer: Literal["lbfgs", "adam", "sgd"] = setting("lbfgs", "which moves the pixels")
    lr: float | None = setting(None, "learning rate [lbfgs 1, adam 0.02, sgd 1]", least=0)
    decay: float = setting(1.0, "factor on the learning rate at every iteration", least=0, most=1)
    line_search: bool = setting(
        False, "strong Wolfe line search for lbfgs, in place of a fixed step"
    )
    beta1: float = setting(
        0.9, "of adam: memory for the mean of the gradient", least=0, most=0.999999
    )
    beta2: float = setting(0.999, "of adam: memory for its variance", least=0, most=0.999999)
    epsilon: float = setting(1e-8, "of adam: added to the root of the variance", least=0)
    start: str = setting("content", "content, style, noise or an image file")
    scales: int | None = setting(
        None, "sizes from coarse to fine, each half the next [as many as begin at 512]", least=1
    )
    seed: int = setting(0, "for --start noise", least=0)
    accelerator: str = setting("auto", "cpu, gpu, mps, auto")

    print_every: int | None = setting(
        None, "print every term after so many iterations", group="while it runs", least=1
    )
    save_every: int | None = setting(
        None, "save the best picture so far after so many iterations", least=1
    )
    log: str | None = setting(None, "folder for TensorBoard, with terms and pictures")
    plot: str | None = setting(None, "FILE.png for the loss curves")

    size: int | None = setting(
        None, "short side of the result [the photo's, at most 512]", least=16
    )
