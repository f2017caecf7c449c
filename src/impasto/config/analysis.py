"""What each study takes. Knowing it needs no torch, so `--help` is quick."""

from dataclasses import dataclass
from typing import Literal

from impasto.config.parser import Settings, setting
from impasto.config.settings import GatysSettings


@dataclass(frozen=True, kw_only=True)
class StudySettings(Settings):
    """What every study takes."""

    output: str = setting("study", "folder for figures and numbers", group="where to", short=["-o"])


@dataclass(frozen=True, kw_only=True)
class CompareSettings(StudySettings):
    """What `compare` takes."""

    model: str = setting("starry", "NAME in checkpoints/ or FILE.onnx", group="what to compare")
    style: str | None = setting(None, "the painting it learned [where its file says it was]")
    encoder: str | None = setting(None, "the encoder it learned by [looked for, by SHA-256]")
    preset: str | None = setting(
        None, "preset or YAML of impasto train: under its loss, by any --encoder"
    )
    photos: list[str] | None = setting(None, "photographs or folders of them [the samples]")
    limit: int | None = setting(None, "photographs at most", least=1)
    sizes: list[float] | None = setting(None, "short sides in pixels [256 512]")

    start: Literal["noise", "content"] = setting("noise", "of Gatys' method", group="how")
    iterations: int = setting(500, "of L-BFGS at most", least=1)
    seed: int = setting(0, "random seed of the noise", least=0)
    accelerator: str = setting("cpu", "of Gatys' method; the network has ONNX Runtime's")


@dataclass(frozen=True, kw_only=True)
class SweepSettings(GatysSettings, StudySettings):
    """What `sweep` takes: what `impasto gatys` does, and two settings to vary."""

    rows: list[str] | None = setting(
        None, "a setting and its values: style_weight 0.5 1 2", group="what to vary"
    )
    columns: list[str] | None = setting(None, "another: start content noise; lists: a,b,c")
    style: str = setting("starry.jpg", "the painting")
    size: int | None = setting(256, "short side of the pictures", least=32)
    output: str = setting("study", "folder for figures and numbers", short=["-o"])


@dataclass(frozen=True, kw_only=True)
class ReconstructSettings(StudySettings):
    """What `reconstruct` takes."""

    photo: str | None = setting(None, "photograph [a sample]", group="what to reconstruct")
    style: str = setting("starry.jpg", "painting: a file, or a name in data/styles")
    encoder: str | None = setting(
        None, "as for impasto train [vgg16-features, else vgg19-features]"
    )
    layers: list[str] | None = setting(None, "layers [the first relu of every block]")
    size: int = setting(256, "short side of both", least=32)

    iterations: int = setting(300, "of L-BFGS from noise, a picture", group="how", least=1)
    tv_weight: float = setting(0.0, "weight of total variation", least=0)
    seed: int = setting(0, "random seed of the noise", least=0)
    accelerator: str = setting("auto", "cpu, gpu, mps, auto")


@dataclass(frozen=True, kw_only=True)
class ActivationsSettings(StudySettings):
    """What `activations` takes."""

    photo: str | None = setting(None, "photograph [a sample]", group="what to look at")
    encoders: list[str] | None = setting(
        None, "names or files, as for impasto train [vgg16-features vgg19-features]"
    )
    layers: list[str] | None = setting(
        None, "layers [the first relu of every block, not projected]"
    )
    channels: int = setting(0, "the first so many feature maps; 0: their mean", least=0)
    size: int = setting(256, "short side of the photograph", least=32)


@dataclass(frozen=True, kw_only=True)
class ClassifySettings(StudySettings):
    """What `classify` takes."""

    photo: str | None = setting(None, "photograph [a sample]", group="what to classify")
    models: list[str] | None = setting(None, "learned styles: names or .onnx files")
    pictures: list[str] | None = setting(None, "stylized versions that exist already")
    size: int = setting(256, "short side at which it is stylized", least=32)


@dataclass(frozen=True, kw_only=True)
class JudgeSettings(StudySettings):
    """What `judge` takes."""

    models: list[str] | None = setting(
        None, "networks: [NAME=]style or .onnx file", group="what to judge"
    )
    range: Literal[1, 255] | None = setting(
        None, "what white is, 1 or 255, for networks from elsewhere"
    )
    pictures: list[str] | None = setting(
        None, "[NAME=]FOLDER of pictures named like their photographs, or PHOTO_NAME"
    )
    gatys_iterations: list[float] | None = setting(None, "Gatys' pictures after so many: 20 80")
    gatys_config: list[str] | None = setting(None, "[NAME=]preset or YAML of impasto gatys")

    style: str = setting(
        "starry.jpg", "the painting: a file, or a name in data/styles", group="by what"
    )
    encoder: str | None = setting(None, "as for impasto train [the real VGG-16 if at hand]")
    photos: list[str] | None = setting(None, "photographs or folders of them [the samples]")
    limit: int | None = setting(None, "photographs at most", least=1)
    size: int = setting(474, "short side of photographs, pixels", least=32)
    accelerator: str = setting("auto", "cpu, gpu, mps, auto")


SETTINGS: dict[str, type[StudySettings]] = {
    "compare": CompareSettings,
    "sweep": SweepSettings,
    "reconstruct": ReconstructSettings,
    "activations": ActivationsSettings,
    "classify": ClassifySettings,
    "judge": JudgeSettings,
}
