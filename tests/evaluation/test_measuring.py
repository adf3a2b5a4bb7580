from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError
from tf_dlth.evaluation.cache import Cache
from tf_dlth.evaluation.measuring import Images, Wanted, measured
from tf_dlth.evaluation.robustness import Attack
from tf_dlth.evaluation.subject import Subject

SHAPE = (1, 2, 1)


def first_pixel_wins(images: tf.Tensor) -> tf.Tensor:
    """Two logits, which are the two pixels."""
    return tf.reshape(tf.cast(images, tf.float32), [-1, 2])


def subject() -> Subject:
    return Subject(Path("ticket"), "last", first_pixel_wins, ("a", "b"), Preprocessing.of_shape(SHAPE))


def examples(names: list[str], right: list[bool]) -> ArrayExamples:
    """Images of class 0, of which those are right whose first pixel is larger."""
    pixels = np.array([[2, 1] if hit else [1, 2] for hit in right], np.uint8).reshape(-1, *SHAPE)
    return ArrayExamples(pixels, np.zeros(len(names), np.int32), names)


def found(data: ArrayExamples, config: DataConfig | None, wanted: Wanted = Wanted()) -> dict:  # noqa: B008
    return measured(subject(), Images(data, config), wanted, Cache(None), lambda: None)


def test_the_published_test_part_of_cifar10_2_by_itself() -> None:
    data = examples(["train_0", "train_1", "test_0", "test_1", "test_2"], [True, True, True, False, False])
    result = found(data, DataConfig(dataset="cifar10_2"))
    assert (result["n"], result["accuracy"]) == (5, 0.6)
    assert result["test_part"] == {"n": 3, "accuracy": pytest.approx(1 / 3)}


@pytest.mark.parametrize("regenerated", [True, False])
def test_corrupted_sets_as_a_matrix(regenerated: bool, tmp_path: Path) -> None:
    if regenerated:
        (tmp_path / "corruptions.json").write_text("{}")
    data = examples(["fog/1/0", "fog/1/1", "snow/3/0"], [True, False, True])
    matrix = found(data, DataConfig(dataset="cifar10_c", data_dir=str(tmp_path)))["corruptions"]
    assert matrix["cells"] == {"fog": {"1": 0.5}, "snow": {"3": 1.0}}
    assert matrix["regenerated"] is regenerated


def test_only_what_is_wanted() -> None:
    data = examples(["a", "b"], [True, False])
    assert set(found(data, None)) == {"n", "accuracy", "balanced_accuracy", "loss", "per_class"}
    assert set(found(data, None, Wanted(ece=True))) - set(found(data, None)) == {"ece"}


def test_without_a_model_there_is_no_gradient() -> None:
    with pytest.raises(UserError, match="ticket is a SavedModel, which takes uint8 images and gives no gradient"):
        found(examples(["a"], [True]), None, Wanted(attack=Attack("fgsm", 0.1)))
