from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.pipeline import training_batches
from tf_dlth.pretraining.views import view_batches

SETTINGS = DataConfig(flip="horizontal", crop_padding=2, cutout=0)


def examples(channels: int = 3) -> ArrayExamples:
    images = np.random.RandomState(0).randint(0, 256, (23, 12, 12, channels), np.uint8)
    return ArrayExamples(images, np.arange(23), map(str, range(23)))


def drawn(source: ArrayExamples | None = None, crop_padding: int | None = None, **changes: Any) -> list[Any]:
    arguments: dict[str, Any] = {"batch_size": 5, "seed": 0, "epoch": 1, "first_step": 0, "last_epoch": 1}
    settings = SETTINGS.model_copy(update={"crop_padding": crop_padding})
    return list(view_batches(source or examples(), settings, **(arguments | changes)).as_numpy_iterator())


def by_label(batches: list[tuple[np.ndarray, np.ndarray]]) -> dict[int, np.ndarray]:
    return {int(label): pair for views, labels in batches for pair, label in zip(views, labels, strict=True)}


def test_two_unlike_views_of_every_image() -> None:
    batches = drawn()
    assert [views.shape for views, _ in batches] == [(5, 2, 12, 12, 3)] * 4 + [(3, 2, 12, 12, 3)]
    pairs = by_label(batches)
    assert sorted(pairs) == list(range(23))
    assert all((pair[0] != pair[1]).any() for pair in pairs.values())


@pytest.mark.parametrize("padding", [None, 2])
def test_both_views_are_of_the_image_that_the_label_names(padding: int | None) -> None:
    # Image i has levels around 10 i + 5 alone, and a jitter of at most 40 % keeps the far ends apart.
    levels = np.broadcast_to((10 * np.arange(23) + 5)[:, None, None, None], (23, 12, 12, 1)).astype(np.uint8)
    pairs = by_label(drawn(ArrayExamples(levels, np.arange(23), map(str, range(23))), padding))
    dark = max(pairs[i].max() for i in range(3))
    bright = min(pairs[i].max(axis=(1, 2, 3)).min() for i in range(18, 23))
    assert dark < bright


def test_views_replay_and_differ_by_seed_and_epoch() -> None:
    reference = by_label(drawn())
    assert all((pair == reference[i]).all() for i, pair in by_label(drawn()).items())
    assert all((pair == reference[i]).all() for i, pair in by_label(drawn(batch_size=7)).items())
    changes: tuple[dict[str, Any], ...] = ({"seed": 1}, {"epoch": 2, "last_epoch": 2})
    for change in changes:
        other = by_label(drawn(**change))
        assert sum((other[i] != reference[i]).any() for i in range(23)) > 20


def test_a_resumed_epoch_has_the_batches_that_were_left() -> None:
    whole, rest = drawn(last_epoch=2)[2:], drawn(first_step=2, last_epoch=2)
    assert len(rest) == 8
    for (views, labels), (again, labels_again) in zip(whole, rest, strict=True):
        assert (views == again).all()
        assert (labels == labels_again).all()


def test_the_first_view_is_the_strength_contrast() -> None:
    settings = SETTINGS.model_copy(update={"augment": "contrast"})
    plain = training_batches(examples(), settings, batch_size=5, seed=0, last_epoch=1)(0, 1)
    for (views, _), (images, _) in zip(drawn(crop_padding=2), plain.as_numpy_iterator(), strict=True):
        assert (views[:, 0] == images).all()


def test_random_resized_crops_of_images_in_memory_enlarge() -> None:
    """A crop of 8 to 100 % of a picture of one white column shows a column at least as wide, or none."""
    column = np.zeros((200, 16, 16, 1), np.uint8)
    column[:, :, 7] = 255
    source = ArrayExamples(column, np.arange(200), map(str, range(200)))
    settings = DataConfig(flip="none", crop_padding=None, cutout=0)
    batch = next(iter(training_batches(source, settings, batch_size=200, seed=0)(0, 1)))
    share = batch[0].numpy().mean(axis=(1, 2, 3)) / 255
    assert (share == 0).mean() > 0.05
    seen = share[share > 0]
    assert seen.mean() > 1.3 / 16
