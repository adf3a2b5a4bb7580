"""ResNet-18 and -50 in plain PyTorch, with the parameter names of the widely used ImageNet weights."""

from __future__ import annotations

import torch
from torch import nn

LAYOUTS = {"resnet18": ((2, 2, 2, 2), 1), "resnet50": ((3, 4, 6, 3), 4)}


class Block(nn.Module):
    """A basic block (expansion 1) or a bottleneck (expansion 4, stride on the 3x3)."""

    def __init__(self, channels: int, filters: int, stride: int, expansion: int) -> None:
        super().__init__()
        out = filters * expansion
        shapes = [(channels, filters, 3, stride), (filters, out, 3, 1)]
        if expansion > 1:
            shapes = [(channels, filters, 1, 1), (filters, filters, 3, stride), (filters, out, 1, 1)]
        for index, (inner, outer, size, step) in enumerate(shapes, start=1):
            conv = nn.Conv2d(inner, outer, size, step, padding=size // 2, bias=False)
            self.add_module(f"conv{index}", conv)
            self.add_module(f"bn{index}", nn.BatchNorm2d(outer))
        self.depth = len(shapes)
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for index in range(1, self.depth + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            y = torch.relu(y) if index < self.depth else y
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Images [N, C, H, W], already normalised, to logits; ``width`` is the base width, 64 in the usual network."""

    def __init__(self, architecture: str, stem: str, classes: int, width: int = 64) -> None:
        super().__init__()
        counts, expansion = LAYOUTS[architecture]
        size, stride = (7, 2) if stem == "full" else (3, 1)
        self.conv1 = nn.Conv2d(3, width, size, stride, padding=size // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, padding=1) if stem == "full" else nn.Identity()
        channels = width
        for stage, count in enumerate(counts):
            filters, blocks = width * 2**stage, []
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(channels, filters, stride, expansion))
                channels = filters * expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))
