"""How far VGG-19's ImageNet top-5 drifts when a photograph is stylized."""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.analysis.figures import draw_sheet
from impasto.analysis.numbers import write_csv
from impasto.analysis.pictures import find_photograph
from impasto.analysis.progress import Tick, silent
from impasto.config.analysis import ClassifySettings
from impasto.data.tensors import to_tensor
from impasto.errors import InputError
from impasto.images.io import RGB, load_image
from impasto.inference.stylizer import Stylizer
from impasto.models.torch_hub import torchvision_parameters
from impasto.models.vgg import EncoderWeights, VGGEncoder

LAST = "relu5_4"
TOP = 5


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What a picture is taken for, and how far that is from the photograph.

    `top1_drop` is by how much the probability of the photograph's first class falls, `overlap` how
    many of its five come among the five still, `kl` the divergence KL(photograph || picture), nats.
    """

    picture: str
    classes: list[str]
    probabilities: list[float]
    top1_drop: float
    overlap: int
    kl: float


class Classifier:
    """torchvision's VGG-19 for ImageNet: `IMAGENET1K_V1`, with its own preprocessing."""

    def __init__(self) -> None:
        """Take it from torch hub's cache, or download it.

        Raises:
            InputError: neither is possible, or the file holds no classifier.
        """
        from torchvision.models import VGG19_Weights

        entry = VGG19_Weights.IMAGENET1K_V1
        state = torchvision_parameters("vgg19")
        try:
            self.layers = [
                (state[f"classifier.{i}.weight"], state[f"classifier.{i}.bias"]) for i in (0, 3, 6)
            ]
        except KeyError as error:
            raise InputError(
                f"{Path(entry.url).name} in torch hub's cache lacks the classifier: replace it by "
                f"the file of {entry.url}"
            ) from error
        features = {key: value for key, value in state.items() if key.startswith("features.")}
        # torchvision's own preprocessing normalizes
        weights = EncoderWeights(name="vgg19", parameters=features, mean=(0.0,) * 3, std=(1.0,) * 3)
        self.encoder = VGGEncoder(weights=weights, layers=[LAST])
        self.preprocess = entry.transforms()
        self.classes: list[str] = entry.meta["categories"]

    @torch.no_grad()
    def __call__(self, image: RGB) -> Tensor:
        """H×W×3 in [0,1] -> probabilities of the 1,000 classes, (1000,)."""
        x = F.max_pool2d(self.encoder(self.preprocess(to_tensor(image)), [LAST])[LAST], 2)
        x = F.adaptive_avg_pool2d(x, 7).flatten(1)
        for index, (weight, bias) in enumerate(self.layers):
            x = F.linear(F.relu(x) if index else x, weight, bias)
        return x.softmax(dim=1)[0]


def run(settings: ClassifySettings, *, tick: Tick = silent) -> list[Drift]:
    """Classify a photograph and its stylized versions; writes classify.png and classify.csv.

    Raises:
        InputError: there is nothing to compare with, or something named is not there.
    """
    if not (settings.models or settings.pictures):
        raise InputError("there is nothing to compare the photograph with: --models or --pictures")
    classifier = Classifier()
    photo = find_photograph(settings.photo)
    content = load_image(photo, short_side=settings.size)
    pictures = [(photo.name, content)]
    for stylizer in map(Stylizer, settings.models or []):
        pictures.append((stylizer.name, stylizer(content)))
    pictures += [(Path(path).name, load_image(path)) for path in settings.pictures or []]
    drifts: list[Drift] = []
    first = classifier(content)
    for done, (name, image) in enumerate(pictures):
        tick(done, len(pictures), name)
        drifts.append(drift(name, first, classifier(image), classes=classifier.classes))
    folder = Path(settings.output)
    write_csv(folder / "classify.csv", [_numbers(each) for each in drifts])
    draw_sheet(
        [[image for _, image in pictures]],
        rows=[""],
        columns=[[_label(each) for each in drifts]],
        title="VGG-19's first five of ImageNet's classes",
        path=folder / "classify.png",
    )
    return drifts


def drift(name: str, photo: Tensor, picture: Tensor, *, classes: list[str]) -> Drift:
    """From the probabilities of a photograph to those of a picture, (1000,) each."""
    was, now = photo.topk(TOP), picture.topk(TOP)
    kl = F.kl_div(picture.clamp_min(1e-12).log(), photo, reduction="sum")
    return Drift(
        picture=name,
        classes=[classes[index] for index in now.indices.tolist()],
        probabilities=now.values.tolist(),
        top1_drop=float(photo[was.indices[0]] - picture[was.indices[0]]),
        overlap=len(set(was.indices.tolist()) & set(now.indices.tolist())),
        kl=max(0.0, float(kl)),
    )


def _label(made: Drift) -> str:
    pairs = zip(made.classes, made.probabilities, strict=True)
    head = f"{made.picture}\nKL {made.kl:.2g}, {made.overlap} of {TOP} kept"
    return "\n".join([head, *(f"{name} {probability:.2f}" for name, probability in pairs)])


def _numbers(made: Drift) -> dict[str, object]:
    row: dict[str, object] = {"picture": made.picture, "top1_drop": made.top1_drop}
    row |= {"overlap": made.overlap, "kl": made.kl}
    for rank, (name, probability) in enumerate(
        zip(made.classes, made.probabilities, strict=True), start=1
    ):
        row |= {f"class_{rank}": name, f"probability_{rank}": probability}
    return row
