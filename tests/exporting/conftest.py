"""Networks with statistics and biases as training leaves them, ways to kill channels, and what equal means."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import tf_keras

from tf_dlth.config import Normalisation
from tf_dlth.models.build import build
from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import named_variables

Network = Callable[..., tf_keras.Model]
Prune = Callable[..., tf_keras.Model]
Same = Callable[[Callable[[np.ndarray], np.ndarray], tf_keras.Model], None]


@cache
def built(architecture: str, **other: Any) -> tf_keras.Model:
    given = {"width": 8, "stem": "small", "head": "linear", "classes": 10, "input_shape": (32, 32, 3), **other}
    normalisation = Normalisation(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    return build(ModelSpec(architecture=architecture, **given), normalisation)


def pictures(shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 [16, H, W, C]: half of them noise, half of one colour."""
    rng = np.random.default_rng(2)
    noise, colours = rng.integers(0, 256, (8, *shape)), rng.integers(0, 256, (8, 1, 1, shape[2]))
    return np.concatenate([noise, np.broadcast_to(colours, noise.shape)]).astype(np.uint8)


def as_trained(model: tf_keras.Model) -> None:
    """Draws each BatchNorm's scale and shift, and gives it the statistics of images, as training does.

    Small variances are raised: a constant that is divided by nearly nothing shows its rounding as a difference.
    """
    rng = np.random.default_rng(0)
    norms = [layer for layer in model.layers if isinstance(layer, tf_keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
        if norm.scale:
            norm.gamma.assign(rng.uniform(0.5, 1.5, norm.gamma.shape))
            norm.beta.assign(rng.normal(0, 0.3, norm.beta.shape))
    model(pictures(model.input_shape[1:]).astype(np.float32), training=True)
    for norm in norms:
        variance = norm.moving_variance.numpy()
        norm.moving_variance.assign(np.maximum(variance, 0.3 * variance.mean() + 1e-4))


@pytest.fixture(scope="session")
def network() -> Network:
    """A network of width 8 for 32x32 images; keyword arguments change the specification.

    Each is built once a session: the next call gives the same model, with its first weights again.
    """
    first: dict[int, list[np.ndarray]] = {}

    def made(architecture: str = "resnet18", **other: Any) -> tf_keras.Model:
        model = built(architecture, **other)
        model.set_weights(first.setdefault(id(model), model.get_weights()))
        as_trained(model)
        return model

    return made


@pytest.fixture(scope="session")
def prune() -> Prune:
    """``prune(model, 0.1)`` leaves a tenth of the weights, ``prune(model, "dead")`` kills filters and their readers.

    ``prune(model, "none", "a/kernel")`` leaves the variables that are named no weight. Changes the model.
    """
    ways = {"dead": _dead, "none": lambda kernel, _: 0 * kernel}

    def change(model: tf_keras.Model, how: float | str, *names: str) -> tf_keras.Model:
        rng, found = np.random.default_rng(1), named_variables(model)
        for name in names or prunable_names(model):
            kernel = found[name].numpy()
            mask = rng.random(kernel.shape) < how if isinstance(how, float) else None
            found[name].assign(kernel * mask if mask is not None else ways[str(how)](kernel, rng))
        as_trained(model)
        return model

    return change


def _dead(kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Layers of a few channels would cut the network in two."""
    for axis, alive in ((-1, 0.7), (-2, 0.8)):
        if kernel.shape[axis] > 5:
            kernel = kernel * (rng.random(kernel.shape[axis]) < alive).reshape((-1,) + (1,) * (-1 - axis))
    return kernel


@pytest.fixture(scope="session")
def same() -> Same:
    """Raises AssertionError unless a function of uint8 images gives a model's logits, up to float32 rounding.

    That is 5e-5 of the largest logit (a MobileNetV2 came to 2.3e-5), or what the deep networks make of images that
    differ in their last bits.
    """

    def check(compute: Callable[[np.ndarray], np.ndarray], model: tf_keras.Model) -> None:
        images = pictures(model.input_shape[1:])
        expected = model(images.astype(np.float32), training=False).numpy()
        largest = np.abs(expected).max()
        assert np.ptp(expected, axis=0).max() > 1e-3 * largest, "the images do not differ"
        nudged = model(images * np.float32(1 + 2**-22), training=False).numpy()
        found, own_rounding = compute(images), np.abs(nudged - expected).max()
        assert np.abs(found - expected).max() <= max(5e-5 * largest, 4 * own_rounding)
        assert own_rounding <= 1e-4 * largest, "the network is no measure of anything"
        assert np.array_equal(found.argmax(-1), expected.argmax(-1))

    return check
