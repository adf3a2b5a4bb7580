"""The ticket's own preprocessing decides how any picture is seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_dlth.config import DataConfig
from tf_dlth.data import Examples
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError
from tf_dlth.evaluation.images import named_data, other_images, own_images
from tf_dlth.evaluation.subject import Subject

CLASSES = ("cat", "dog", "owl")
PHOTO = Preprocessing(channels=3, resize=73, crop=(64, 64))
"""What a 64 px ticket of a set with random resized crops does."""


def subject(preprocessing: Preprocessing = PHOTO, names: tuple[str, ...] = CLASSES, **known: object) -> Subject:
    made = Subject(Path("ticket"), "last", lambda images: images, names, preprocessing)
    return dataclasses.replace(made, **known)


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Makes folders of images: ``photos("set/test", cat=[(80, 100)], mode="L")``, sizes as (width, height)."""

    def make(name: str, mode: str = "RGB", **classes: list[tuple[int, int]]) -> Path:
        random = np.random.RandomState(len(name))
        for kind, sizes in classes.items():
            (tmp_path / name / kind).mkdir(parents=True)
            for number, (width, height) in enumerate(sizes):
                pixels = random.randint(0, 256, (height, width, 3), np.uint8)
                Image.fromarray(pixels).convert(mode).save(tmp_path / name / kind / f"{number}.png")
        return tmp_path / name

    return make


def reference(path: Path) -> np.ndarray:
    """By Pillow alone: shorter side to 73, centre 64 x 64, in colour."""
    with Image.open(path) as picture:
        picture = picture.convert("RGB")
        short = min(picture.size)
        size = (73 * picture.width // short, 73 * picture.height // short)
        picture = picture.resize(size, Image.Resampling.BILINEAR)
        left, top = round((size[0] - 64) / 2), round((size[1] - 64) / 2)
        return np.asarray(picture.crop((left, top, left + 64, top + 64)))


def seen(examples: Examples) -> np.ndarray:
    return examples.read(np.arange(len(examples)))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_folder_is_seen_as_the_ticket_says(photos: Callable[..., Path], mode: str) -> None:
    """Pictures of any size, gray ones too."""
    folder = photos("set", mode, cat=[(100, 80), (64, 64)], dog=[(31, 200)])
    examples = other_images(subject(), str(folder), None)
    assert examples.labels.tolist() == [0, 0, 1]
    expected = [reference(folder / name) for name in ("cat/0.png", "cat/1.png", "dog/0.png")]
    np.testing.assert_array_equal(seen(examples), np.stack(expected))


def test_all_images_of_a_folder_are_measured_and_of_its_test_part_where_it_has_one(photos: Callable[..., Path]) -> None:
    assert len(other_images(subject(), str(photos("one", cat=[(8, 8)] * 7, dog=[(8, 8)] * 4)), None)) == 11
    photos("two/train", cat=[(8, 8)] * 5, dog=[(8, 8)] * 5)
    photos("two/test", cat=[(8, 8)] * 3, dog=[(8, 8)] * 2)
    assert len(other_images(subject(), str(photos("two/test/..", owl=[])), None)) == 5


def test_fewer_classes_than_the_ticket_knows_keep_its_numbers(photos: Callable[..., Path]) -> None:
    examples = other_images(subject(), str(photos("set", owl=[(8, 8)], dog=[(8, 8)])), None)
    assert sorted(zip(examples.names, examples.labels.tolist(), strict=True)) == [("dog/0.png", 1), ("owl/0.png", 2)]
    assert other_images(subject(), str(photos("single", owl=[(8, 8)])), None).labels.tolist() == [2]


def test_a_class_that_the_ticket_does_not_know(photos: Callable[..., Path]) -> None:
    folder = photos("set", cat=[(8, 8)], yak=[(8, 8)])
    with pytest.raises(UserError, match="has the classes cat, yak, but ticket knows cat, dog, owl, not yak"):
        other_images(subject(), str(folder), None)


def test_a_64_px_ticket_on_images_in_memory_of_another_size() -> None:
    names = tuple("0123456789")
    examples = other_images(subject(Preprocessing(channels=3, resize=64, crop=(64, 64)), names), "digits", DataConfig())
    assert examples.image_shape == (64, 64, 3)
    assert len(examples) == 1047
    (first, *_), (image,) = (
        (other_images(subject(Preprocessing(channels=1, resize=8, crop=(8, 8)), names), "digits", DataConfig()),),
        seen(examples.take(np.array([0]))),
    )
    plain = Image.fromarray(first.read(np.array([0]))[0, :, :, 0]).convert("RGB")
    np.testing.assert_array_equal(image, np.asarray(plain.resize((64, 64), Image.Resampling.BILINEAR)))


def test_images_that_are_not_those_of_the_run() -> None:
    known = subject(Preprocessing(channels=1, resize=8, crop=(8, 8)), tuple("0123456789"), data_sha256="0" * 64)
    with pytest.raises(UserError, match=r"not those that ticket was trained and tested with: expected SHA-256 0000"):
        own_images(known, DataConfig())
    assert len(own_images(dataclasses.replace(known, data_sha256=None), DataConfig())) == 1047


def test_naming_the_data(tmp_path: Path) -> None:
    own = subject(data=DataConfig(dataset="cifar10"))
    assert named_data(own, None, "elsewhere") == DataConfig(dataset="cifar10", data_dir="elsewhere")
    assert named_data(own, "digits", None) == DataConfig(dataset="digits")
    assert named_data(own, str(tmp_path), None) is None
    with pytest.raises(UserError, match="does not say where its images are; name them with --data"):
        named_data(subject(), None, None)
    with pytest.raises(UserError, match="--data nowhere is neither a folder nor one of digits, cifar10"):
        named_data(own, "nowhere", None)
