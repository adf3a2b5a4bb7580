"""Features of other images, and which images those are."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError
from tf_dlth.evaluation.transfer import encode, open_backbone, transfer_images
from tf_dlth.tickets.ticket import load_ticket

GRAY = Preprocessing(channels=1, resize=8, crop=(8, 8))


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder: ``photos("set", cat=[(80, 100), (8, 8)])``, sizes as (width, height), each image another one."""

    def make(name: str, **classes: list[tuple[int, int]]) -> Path:
        random = np.random.RandomState(sum(name.encode()))
        for kind, sizes in classes.items():
            (tmp_path / name / kind).mkdir(parents=True)
            for number, (width, height) in enumerate(sizes):
                pixels = random.randint(0, 256, (height, width, 3), np.uint8)
                Image.fromarray(pixels).save(tmp_path / name / kind / f"{number}.png")
        return tmp_path / name

    return make


def folder(path: Path, **values: object) -> DataConfig:
    return DataConfig.model_validate({"dataset": "folder", "data_dir": str(path), **values})


def test_features_are_those_of_the_saved_models_signature(convolutional: Path) -> None:
    ticket = convolutional / "iteration_01"
    test = load_data(DataConfig()).test.take(np.arange(300))
    signature = tf.saved_model.load(str(ticket / "saved_model")).signatures["features"]
    expected = signature(images=tf.constant(test.read(np.arange(300))))["features"].numpy()
    opened = open_backbone(str(ticket), trust=True)
    served = open_backbone(str(ticket / "saved_model"))
    for backbone in (opened, served):
        np.testing.assert_allclose(encode(backbone.features, test), expected, atol=1e-5)
        assert backbone.preprocessing == GRAY
    assert expected.std() > 0
    manifest = load_ticket(ticket, trust=True).manifest
    assert (opened.weights, served.weights) == (manifest.default_weights, "saved_model")
    assert served.ticket is None


def test_a_run_is_its_winner_and_weights_can_be_chosen(convolutional: Path) -> None:
    ticket = load_ticket(convolutional, trust=True)
    assert open_backbone(str(convolutional), trust=True).path == ticket.path
    assert open_backbone(str(convolutional), "last", trust=True).weights == "last"
    with pytest.raises(UserError, match="leave --weights out"):
        open_backbone(str(ticket.path / "saved_model"), "last")


def save(path: Path, signatures: str, shape: tuple[int | None, ...] = (None, 4, 6, 3)) -> str:
    """A SavedModel of another maker: pixel means as features, or another signature."""
    module = tf.Module()
    spec = tf.TensorSpec(shape, tf.uint8, name="images")
    module.means = tf.function(
        lambda images: {"features": tf.reduce_mean(tf.cast(images, tf.float32), [1, 2])}, input_signature=[spec]
    )
    tf.saved_model.save(module, str(path), signatures={signatures: module.means})
    return str(path)


def test_any_saved_model_with_features_will_do(tmp_path: Path) -> None:
    """Neither logits nor assets are asked for; pictures are brought to its input's shape."""
    backbone = open_backbone(save(tmp_path / "served", "features"))
    assert backbone.preprocessing == Preprocessing(channels=3, resize=(4, 6), crop=(4, 6))
    images = transfer_images(DataConfig(per_class=2), backbone.preprocessing)
    assert images.train.image_shape == (4, 6, 3)
    pixels = images.train.read(np.arange(20)).astype(np.float64)
    np.testing.assert_allclose(encode(backbone.features, images.train), pixels.mean((1, 2)), rtol=1e-5)


@pytest.mark.parametrize(
    ("signature", "shape"), [("serving_default", (None, 4, 6, 3)), ("features", (None, None, 6, 3))]
)
def test_a_saved_model_without_such_features(tmp_path: Path, signature: str, shape: tuple[int | None, ...]) -> None:
    with pytest.raises(UserError, match="has no signature `features` from `images`"):
        open_backbone(save(tmp_path / "served", signature, shape))


def test_a_saved_model_that_is_not_as_its_ticket_says(convolutional: Path, tmp_path: Path) -> None:
    ticket = Path(shutil.copytree(convolutional / "iteration_01", tmp_path / "ticket"))
    with (ticket / "saved_model" / "saved_model.pb").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(UserError, match=r"saved_model\.pb is damaged: expected SHA-256"):
        open_backbone(str(ticket / "saved_model"))


def test_features_must_be_numbers() -> None:
    test = load_data(DataConfig()).test.take(np.arange(3))
    with pytest.raises(UserError, match="features that are no finite numbers"):
        encode(lambda images: tf.constant([[1.0, np.inf]] * 3), test)


def test_the_parts_of_a_dataset_without_held_out_images() -> None:
    images = transfer_images(DataConfig(), GRAY)
    data = load_data(DataConfig())
    assert (len(images.train), len(images.test), images.resized) == (500, 1047, "")
    assert images.train.names == data.train.names
    np.testing.assert_array_equal(images.test.labels, data.test.labels)
    assert len(transfer_images(DataConfig(per_class=5), GRAY).train) == 50


def test_images_in_memory_of_another_shape_are_resized_and_that_is_said() -> None:
    images = transfer_images(DataConfig(per_class=1), Preprocessing(channels=3, resize=20, crop=(16, 16)))
    assert images.resized == "images of 8 x 8 x 1 are resized to 16 x 16 x 3, as the ticket says"
    plain = load_data(DataConfig(per_class=1)).train.read(np.array([4]))[0, :, :, 0]
    expected = Image.fromarray(plain).convert("RGB").resize((20, 20), Image.Resampling.BILINEAR).crop((2, 2, 18, 18))
    np.testing.assert_array_equal(images.train.read(np.array([4]))[0], np.asarray(expected))


def test_a_folder_of_pictures_of_any_size(photos: Callable[..., Path]) -> None:
    path = photos("set", cat=[(9, 8), (30, 20), (8, 8)] * 5, owl=[(40, 41)] * 10)
    images = transfer_images(folder(path), GRAY)
    assert images.class_names == ("cat", "owl")
    assert (len(images.train), len(images.test)) == (20, 5)
    assert images.train.image_shape == (8, 8, 1)
    assert images.resized == "images of other sizes are resized to 8 x 8 x 1, as the ticket says"
    name, seen = images.test.names[0], images.test.read(np.array([0]))[0]
    with Image.open(path / name) as picture:
        gray = picture.convert("L")
    short = min(gray.size)
    gray = gray.resize((8 * gray.width // short, 8 * gray.height // short), Image.Resampling.BILINEAR)
    left, top = round((gray.width - 8) / 2), round((gray.height - 8) / 2)
    np.testing.assert_array_equal(seen[:, :, 0], np.asarray(gray.crop((left, top, left + 8, top + 8))))


def test_data_that_do_not_do(photos: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"at least two classes, and the images have 1 \(cat\)"):
        transfer_images(folder(photos("one", cat=[(8, 8)] * 10)), GRAY)
    path = photos("two/train", cat=[(8, 8)] * 3, owl=[(8, 8)] * 3).parent
    shutil.copytree(path / "train", path / "test")
    with pytest.raises(UserError, match="are identical, so one part leaks into another"):
        transfer_images(folder(path), GRAY)
    tests_only = photos("three/test", cat=[(8, 8)], owl=[(8, 8)]).parent
    with pytest.raises(UserError, match="has test images only, nothing to train a classifier on"):
        transfer_images(folder(tests_only), GRAY)
