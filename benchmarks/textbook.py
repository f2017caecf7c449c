"""The textbook: fast neural style as the best-known public example does it, written by us.

Everything in float32, eager and contiguous; 0..255 in and out; VGG-16 to relu4_3, all of it, on the
stylised and on the content batch; Grams of the painting once a run, expanded to every batch; Adam;
two `.item()` a step. Nothing of impasto is used, so that nothing of ours makes it faster or slower.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VGG_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))  # VGG-16 to relu4_3
CONTENT_WEIGHT, STYLE_WEIGHT = 1e5, 1e10
CONTENT_TAP = 1  # relu2_2


class TransformerNet(nn.Module):
    """9×9-32, 3×3-64 /2, 3×3-128 /2, five residual blocks, two nearest ×2 upsamplings, 9×9-3."""

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.layers = nn.Sequential(
            *layer(3, 32, 9),
            *layer(32, 64, 3, stride=2),
            *layer(64, 128, 3, stride=2),
            *(Residual(128) for _ in range(5)),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *layer(128, 64, 3),
            nn.Upsample(scale_factor=2, mode="nearest"),
            *layer(64, 32, 3),
            nn.ReflectionPad2d(4),
            nn.Conv2d(32, 3, 9),
        )

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> the same shape, H and W multiples of 4, both about 0..255."""
        return self.layers(images)


class Residual(nn.Module):
    """x + norm(conv(relu(norm(conv(x)))))."""

    def __init__(self, channels: int) -> None:
        """Keep the number of channels."""
        super().__init__()
        self.layers = nn.Sequential(*layer(channels, channels, 3), *layer(channels, channels, 3))
        del self.layers[-1]

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x + self.layers(x)


def layer(inside: int, outside: int, size: int, *, stride: int = 1) -> list[nn.Module]:
    """Reflection padding, convolution, instance normalisation, ReLU."""
    return [
        nn.ReflectionPad2d(size // 2),
        nn.Conv2d(inside, outside, size, stride),
        nn.InstanceNorm2d(outside, affine=True),
        nn.ReLU(),
    ]


class Vgg16(nn.Module):
    """Features at relu1_2, relu2_2, relu3_3, relu4_3; random weights: they cost the same."""

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.blocks = nn.ModuleList()
        channels = 3
        for index, widths in enumerate(VGG_BLOCKS):
            parts: list[nn.Module] = [nn.MaxPool2d(2)] if index else []
            for width in widths:
                parts += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            self.blocks.append(nn.Sequential(*parts))
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W), normalised -> four features."""
        features = []
        for block in self.blocks:
            images = block(images)
            features.append(images)
        return features


class Training:
    """One run: `step(batch)` is what is timed."""

    def __init__(
        self, style: Tensor, *, batch_size: int, device: torch.device | str = "cpu"
    ) -> None:
        """`style` is (1, 3, H, W), 0..255."""
        self.net = TransformerNet().to(device)
        self.vgg = Vgg16().to(device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        with torch.no_grad():
            features = self.vgg(normalise(style.to(device).repeat(batch_size, 1, 1, 1)))
        self.grams = [gram_matrix(feature) for feature in features]
        self.content = self.style = 0.0

    def step(self, batch: Tensor) -> None:
        """One batch, (B, 3, H, W), 0..255."""
        self.optimizer.zero_grad()
        stylized = normalise(self.net(batch))
        content = normalise(batch)
        seen, wanted = self.vgg(stylized), self.vgg(content)
        content_loss = CONTENT_WEIGHT * F.mse_loss(seen[CONTENT_TAP], wanted[CONTENT_TAP])
        style_loss = STYLE_WEIGHT * style_distance(seen, self.grams)
        (content_loss + style_loss).backward()
        self.optimizer.step()
        self.content += content_loss.item()
        self.style += style_loss.item()


def style_distance(features: Sequence[Tensor], grams: Sequence[Tensor]) -> Tensor:
    """Sum over the layers of the mean squared difference of the Grams."""
    parts = [F.mse_loss(gram_matrix(f), g) for f, g in zip(features, grams, strict=True)]
    return torch.stack(parts).sum()


def gram_matrix(features: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, C)."""
    batch, channels, height, width = features.shape
    rows = features.view(batch, channels, height * width)
    return rows.bmm(rows.transpose(1, 2)) / (channels * height * width)


def normalise(images: Tensor) -> Tensor:
    """0..255 -> what torchvision's VGG was trained on."""
    mean = images.new_tensor([0.485, 0.456, 0.406]).view(-1, 1, 1)
    std = images.new_tensor([0.229, 0.224, 0.225]).view(-1, 1, 1)
    return (images / 255 - mean) / std
