from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Literal

import pytest

import tf_dlth  # noqa: F401 - binds TensorFlow to Keras 2
from tf_dlth.models.spec import ModelSpec

if TYPE_CHECKING:
    import tf_keras


@pytest.fixture(scope="session")
def network() -> Callable[..., tf_keras.Model]:
    """Builds each network once a session; keyword arguments change the specification."""
    from tf_dlth.config import Normalisation
    from tf_dlth.models.build import build

    @cache
    def built(
        architecture: str = "resnet18",
        width: int = 8,
        stem: Literal["small", "full"] = "small",
        head: Literal["linear", "cosine", "tvmf"] = "linear",
        classes: int = 10,
        input_shape: tuple[int, int, int] = (32, 32, 3),
    ) -> tf_keras.Model:
        channels = input_shape[2]
        normalisation = Normalisation(mean=(0.4, 0.5, 0.6)[:channels], std=(0.2, 0.25, 0.3)[:channels])
        return build(
            ModelSpec(
                architecture=architecture, width=width, stem=stem, head=head, classes=classes, input_shape=input_shape
            ),
            normalisation,
        )

    return built
