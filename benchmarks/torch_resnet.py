"""ResNet-18 and -50 in PyTorch beside ours: same random weights, same images, largest difference of logits.

    python benchmarks/torch_resnet.py [--json FILE]

Written in plain PyTorch (extra ``bench``) with the parameter names of the widely used ImageNet weights, so
that it proves the conversion of such files as well as the networks themselves.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch_network import LAYOUTS, ResNet

import tf_dlth  # noqa: F401 - binds TensorFlow to Keras 2
from tf_dlth.config import Normalisation
from tf_dlth.models.build import build
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.pretrained import from_pytorch_layout, pytorch_names
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import assign

STEMS: tuple[tuple[Literal["small", "full"], int], ...] = (("small", 32), ("full", 224))
"""Each with the pixels of its images."""


def random_state(network: ResNet, seed: int) -> dict[str, np.ndarray]:
    """A whole state under which the image decides the logits; BatchNorm is far from its first values."""
    draws = np.random.default_rng(seed)
    shapes = {k: t.shape for k, t in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    return {name: _draw(draws, name, shape).astype(np.float32) for name, shape in shapes.items()}


def _draw(draws: np.random.Generator, name: str, shape: torch.Size) -> np.ndarray:
    if len(shape) > 1:
        return draws.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
    if name.endswith("running_var"):
        return draws.uniform(0.5, 1.5, shape)
    if name.endswith("weight"):
        # About 1, or the residual sums die out or grow into the hundreds.
        return draws.uniform(0.5, 1.1, shape)
    return draws.normal(0, 0.1, shape)


def torch_logits(network: ResNet, state: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Logits of float32 images [N, H, W, C] in 0..255, normalised by mean and deviation 0.5."""
    counters = {k: t for k, t in network.state_dict().items() if k.endswith("num_batches_tracked")}
    network.load_state_dict({**counters, **{name: torch.tensor(tensor) for name, tensor in state.items()}})
    x = torch.tensor((images / 255 - 0.5) / 0.5).permute(0, 3, 1, 2)
    with torch.no_grad():
        return network.eval()(x).numpy()


def our_logits(spec: ModelSpec, state: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """The same from our network, every variable taken from the PyTorch state."""
    channels = spec.input_shape[2]
    model = build(spec, Normalisation(mean=(0.5,) * channels, std=(0.5,) * channels))
    names = pytorch_names(spec.architecture)
    weights = {ours: from_pytorch_layout(state[theirs]) for theirs, ours in names.items()}
    assign(model, {**initial_weights(model, 0), **weights})
    return model(images, training=False).numpy()


def largest_difference(
    architecture: str, stem: Literal["small", "full"], side: int, seed: int = 0
) -> tuple[float, float]:
    """Largest difference of any logit, and how far apart the logits of the two images are."""
    network = ResNet(architecture, stem, 10)
    state = random_state(network, seed)
    images = np.random.default_rng(seed).integers(0, 256, (2, side, side, 3)).astype(np.float32)
    theirs = torch_logits(network, state, images)
    ours = our_logits(
        ModelSpec(
            architecture=architecture, width=64, stem=stem, head="linear", classes=10, input_shape=(side, side, 3)
        ),
        state,
        images,
    )
    return float(np.abs(ours - theirs).max()), float(np.abs(theirs[0] - theirs[1]).max())


def main(write: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = []
    write("| architecture | stem | largest difference | between images |\n|---|---|---|---|")
    for architecture, (stem, side) in product(LAYOUTS, STEMS):
        difference, scale = largest_difference(architecture, stem, side)
        measured = {"difference": difference, "between_images": scale}
        rows.append({"architecture": architecture, "stem": stem, **measured})
        write(f"| {architecture} | {stem} | {difference:.1e} | {scale:.2f} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
