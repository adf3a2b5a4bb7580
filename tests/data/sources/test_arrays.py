from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tf_dlth.config import DataConfig
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.sources.arrays import in_memory, preprocessing_for, sized


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_images_of_the_right_size_are_left_alone() -> None:
    images = noise(4, 8, 8, 1)
    examples, preprocessing = in_memory(DataConfig(), images, np.arange(4), "abcd")
    assert preprocessing.image_shape == (8, 8, 1)
    assert np.array_equal(examples.read(np.arange(4)), images)
    assert (examples.names, examples.labels.tolist()) == (("a", "b", "c", "d"), [0, 1, 2, 3])


def test_others_are_resized_as_pillow_does() -> None:
    images = noise(3, 8, 8, 3)
    examples, preprocessing = in_memory(DataConfig(image_size=20), images, np.arange(3), "abc")
    assert preprocessing.image_shape == (20, 20, 3)
    expected = [np.asarray(Image.fromarray(x).resize((20, 20), Image.Resampling.BILINEAR)) for x in images]
    assert np.array_equal(examples.read(np.arange(3)), expected)


def test_oblong_images_keep_their_shape_unless_a_size_is_given() -> None:
    config = DataConfig(dataset="npz", data_dir="x.npz")
    assert preprocessing_for(config, (12, 8, 3)).image_shape == (12, 8, 3)
    square = preprocessing_for(config.model_copy(update={"image_size": 8}), (12, 8, 3))
    assert (square.resize, square.crop) == (8, (8, 8))


@pytest.mark.parametrize("side", [32, 64, 65, 224])
def test_a_square_is_prepared_alike_whether_asked_for_or_found(side: int) -> None:
    config = DataConfig(dataset="npz", data_dir="x.npz")
    asked = preprocessing_for(config.model_copy(update={"image_size": side}), (side, side, 3))
    assert asked == preprocessing_for(config, (side, side, 3))


def test_only_sets_with_resized_crops_leave_a_margin() -> None:
    assert (sized(FACTS["imagenet2012"], 224, 3).resize, sized(FACTS["imagenet2012"], 224, 3).crop) == (256, (224, 224))
    assert sized(FACTS["cifar10"], 224, 3).resize == 224


@pytest.mark.parametrize("side", [32, 224])
def test_padded_pictures_need_no_margin(side: int) -> None:
    padded = preprocessing_for(DataConfig(dataset="folder", image_size=side, fit="pad"), (48, 64, 3))
    assert (padded.resize, padded.crop, padded.fit) == (side, (side, side), "pad")
