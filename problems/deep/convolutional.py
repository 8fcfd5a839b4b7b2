"""Image classifiers: a small convolutional network and a small residual one, both with GroupNorm.

BatchNorm would make a client's loss depend on which rows share its batch, and would keep running statistics that no
gradient moves and no consensus step averages: the clients' F_i would not be functions of w alone. GroupNorm looks at
one image at a time.
"""

from torch import Tensor, nn
from torch.nn import functional

GROUP = 8
"""Channels that are normalised together."""


class CNN(nn.Module):
    """Three convolutions, halving the image twice, average over places, and a linear head: (rows, classes) logits."""

    def __init__(self, shape: tuple[int, ...], classes: int, *, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = shape[0]
        for stage, stride in enumerate((1, 2, 2)):
            wide = width << stage
            layers += [_convolution(channels, wide, stride), _norm(wide), nn.ReLU()]
            channels = wide
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (rows, classes) of ``images`` (rows, channels, height, width)."""
        hidden: Tensor = self.body(images)
        logits: Tensor = self.head(hidden.mean(dim=(2, 3)))
        return logits


class ResNet(nn.Module):
    """A convolution, three stages of ``blocks`` residual blocks, average, head: He et al.'s form for small images."""

    def __init__(self, shape: tuple[int, ...], classes: int, *, width: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(shape[0], width, 1), _norm(width), nn.ReLU())
        stages: list[nn.Module] = []
        channels = width
        for stage in range(3):
            for place in range(blocks):
                wide = width << stage
                stages.append(Residual(channels, wide, stride=2 if stage and not place else 1))
                channels = wide
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (rows, classes) of ``images`` (rows, channels, height, width)."""
        hidden: Tensor = self.stages(self.stem(images))
        logits: Tensor = self.head(hidden.mean(dim=(2, 3)))
        return logits


class Residual(nn.Module):
    """Two convolutions beside a shortcut, which is a 1 × 1 convolution where the shape changes."""

    def __init__(self, channels: int, wide: int, *, stride: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(channels, wide, stride), _convolution(wide, wide, 1)
        self.first_norm, self.second_norm = _norm(wide), _norm(wide)
        keeps = channels == wide and stride == 1
        self.shortcut = nn.Identity() if keeps else nn.Conv2d(channels, wide, 1, stride=stride, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the block's output (rows, wide, height / stride, width / stride)."""
        inner = functional.relu(self.first_norm(self.first(hidden)))
        return functional.relu(self.second_norm(self.second(inner)) + self.shortcut(hidden))


def _convolution(channels: int, wide: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(channels, wide, 3, stride=stride, padding=1, bias=False)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(channels // GROUP, 1), channels)
