"""Iterative magnitude pruning in PyTorch, the authors' way or tuned: what ours is measured by.

    python benchmarks/reference_torch.py --way authors|tuned --images FILE.npz [--width 16] [--epochs 10] ...

The same ResNet-18, optimizer, schedule, augmentation (crop, flip, Rand, cutout) and global ranking. FILE.npz holds
x_train, y_train, x_test and y_test, uint8 [N, 32, 32, 3] and labels. The last line printed is JSON: seconds of the
whole process, of training and of evaluating, and its peak memory with its workers'. Needs the extra ``bench`` alone.

    authors  one image at a time in Pillow, loader workers started anew for every epoch and every evaluation,
             pruning by torch.nn.utils.prune, the best checkpoint written whenever it is beaten
    tuned    workers that stay, weights that are masked after each step, channels-last memory, the normalised test
             images as one tensor
"""

from __future__ import annotations

import time

BEGUN = time.perf_counter()

import argparse  # noqa: E402 - imports are part of what a run takes
import copy  # noqa: E402
import json  # noqa: E402
import math  # noqa: E402
import random  # noqa: E402
import resource  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402
from pillow_augmentation import cut_out, draws  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402
from torch_network import ResNet  # noqa: E402

BATCH, EVALUATED_TOGETHER, CLASSES, PADDING, CUTOUT, WORKERS = 100, 250, 10, 4, 16, 2
LEARNING_RATE, MOMENTUM, DECAY, RATE, REWIND_EPOCHS = 0.1, 0.9, 5e-4, 0.2, 2
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
Tensors = dict[str, torch.Tensor]


class Clock:
    """Seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds = {"training": 0.0, "evaluating": 0.0}

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - begin


class Images(Dataset[Any]):
    """One image at a time: augmented in Pillow, then a normalised tensor [3, H, W]."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, augmented: bool) -> None:
        self._images, self._labels, self._augmented = images, labels, augmented
        self._draw = draws("rand", "cifar10")

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = self._images[index]
        if self._augmented:
            image = self._changed(Image.fromarray(image))
        return normalised(image), int(self._labels[index])

    def _changed(self, picture: Image.Image) -> np.ndarray:
        side = picture.size[0]
        left, top = random.randint(0, 2 * PADDING), random.randint(0, 2 * PADDING)
        picture = ImageOps.expand(picture, PADDING).crop((left, top, left + side, top + side))
        picture = ImageOps.mirror(picture) if random.random() < 0.5 else picture
        for change in self._draw():
            picture = change(picture)
        return cut_out(np.array(picture), min(CUTOUT, side // 2))


def normalised(images: np.ndarray) -> torch.Tensor:
    """uint8 [..., H, W, 3] to float32 [..., 3, H, W]."""
    values = torch.from_numpy(np.ascontiguousarray(images)).float().div_(255)
    return values.sub_(torch.tensor(MEAN)).div_(torch.tensor(STD)).movedim(-1, -3)


class Authors:
    """As the authors' code: reparametrised weights, everything made anew each epoch."""

    def __init__(self, arrays: dict[str, np.ndarray], network: ResNet) -> None:
        self.network = network
        self._arrays, self._folder = arrays, Path(tempfile.mkdtemp())
        self._pruned = [(m, "weight") for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]

    def batches(self) -> Any:
        images = Images(self._arrays["x_train"], self._arrays["y_train"], True)
        return DataLoader(images, BATCH, shuffle=True, num_workers=WORKERS)

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        """The hooks of torch.nn.utils.prune mask in every forward pass."""

    def accuracy(self) -> float:
        images = Images(self._arrays["x_test"], self._arrays["y_test"], False)
        return hits(self.network, DataLoader(images, BATCH, num_workers=WORKERS)) / len(images)

    def keep(self) -> None:
        torch.save(self.network.state_dict(), self._folder / "best.pt")

    def prune_and_rewind(self, rewind: Tensors) -> None:
        prune.global_unstructured(self._pruned, pruning_method=prune.L1Unstructured, amount=RATE)
        state = self.network.state_dict()
        for name, tensor in rewind.items():
            state[name if name in state else f"{name}_orig"].copy_(tensor)


class Tuned:
    """The same, with what costs time for nothing taken out."""

    def __init__(self, arrays: dict[str, np.ndarray], network: ResNet) -> None:
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        test = normalised(arrays["x_test"]).contiguous(memory_format=torch.channels_last)
        labels = torch.from_numpy(arrays["y_test"].astype(np.int64))
        self._test = list(zip(test.split(EVALUATED_TOGETHER), labels.split(EVALUATED_TOGETHER), strict=True))
        images = Images(arrays["x_train"], arrays["y_train"], True)
        self._loader = DataLoader(images, BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True)
        self._weights = [p for p in network.parameters() if p.ndim > 1]
        self._masks = [torch.ones_like(weight, dtype=torch.bool) for weight in self._weights]
        self._best: Tensors = {}

    def batches(self) -> Any:
        return ((images.contiguous(memory_format=torch.channels_last), labels) for images, labels in self._loader)

    @torch.no_grad()
    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        for weight, mask in zip(self._weights, self._masks, strict=True):
            weight.mul_(mask)
            optimizer.state[weight]["momentum_buffer"].mul_(mask)

    def accuracy(self) -> float:
        return hits(self.network, self._test) / sum(len(labels) for _, labels in self._test)

    def keep(self) -> None:
        self._best = copy.deepcopy(self.network.state_dict())

    @torch.no_grad()
    def prune_and_rewind(self, rewind: Tensors) -> None:
        remaining = torch.cat([w[m].abs() for w, m in zip(self._weights, self._masks, strict=True)])
        threshold = remaining.kthvalue(round(RATE * len(remaining))).values
        self._masks = [m & (w.abs() > threshold) for w, m in zip(self._weights, self._masks, strict=True)]
        self.network.load_state_dict(rewind)
        for weight, mask in zip(self._weights, self._masks, strict=True):
            weight.mul_(mask)


@torch.inference_mode()
def hits(network: nn.Module, batches: Any) -> int:
    network.eval()
    return sum(int((network(images).argmax(1) == labels).sum()) for images, labels in batches)


def train(way: Authors | Tuned, epochs: int, first: int, every: int, clock: Clock) -> Tensors:
    """One training from epoch ``first`` on; gives the state after the rewinding epoch."""
    optimizer = torch.optim.SGD(way.network.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=DECAY)
    rewind: Tensors = {}
    best = -1.0
    for epoch in range(first, epochs + 1):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2
        with clock.on("training"):
            way.network.train()
            for images, labels in way.batches():
                optimizer.zero_grad()
                nn.functional.cross_entropy(way.network(images), labels).backward()
                optimizer.step()
                way.after_step(optimizer)
        if epoch == REWIND_EPOCHS:
            rewind = copy.deepcopy(way.network.state_dict())
        if epoch % every == 0 or epoch == epochs:
            with clock.on("evaluating"):
                accuracy = way.accuracy()
            if accuracy > best:
                best = accuracy
                way.keep()
    return rewind


def main(say: Callable[[str], None] = print) -> None:
    arguments = parsed()
    torch.manual_seed(0)
    random.seed(0)
    with np.load(arguments.images) as file:
        arrays = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    network, clock = ResNet("resnet18", "small", CLASSES, arguments.width), Clock()
    way = {"authors": Authors, "tuned": Tuned}[arguments.way](arrays, network)
    rewind = train(way, arguments.epochs, 1, arguments.evaluate_every, clock)
    for _ in range(arguments.prunings):
        way.prune_and_rewind(rewind)
        train(way, arguments.epochs, REWIND_EPOCHS + 1, arguments.evaluate_every, clock)
    mebibytes = (
        sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    )
    say(json.dumps({"whole": time.perf_counter() - BEGUN, **clock.seconds, "peak_mebibytes": round(mebibytes)}))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Iterative magnitude pruning in PyTorch.")
    parser.add_argument("--way", choices=["authors", "tuned"], required=True)
    parser.add_argument("--images", type=Path, required=True, metavar="FILE.npz")
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--prunings", type=int, default=3)
    parser.add_argument("--evaluate-every", type=int, default=1, metavar="EPOCHS")
    return parser.parse_args()


if __name__ == "__main__":
    main()
