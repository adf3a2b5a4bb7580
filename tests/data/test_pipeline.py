from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tf_dlth  # noqa: F401 - binds TensorFlow to Keras 2

import tensorflow as tf  # isort: skip

from tf_dlth.config import DataConfig
from tf_dlth.data.augmentation import augment_batch, batch
from tf_dlth.data.examples import ArrayExamples, FileExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.pipeline import (
    batch_counts,
    crop_and_flip,
    evaluation_batches,
    feature_batches,
    read_errors,
    training_batches,
)
from tf_dlth.errors import UserError

Batches = list[tuple[np.ndarray, np.ndarray]]


def examples(n: int = 50, side: int = 8, channels: int = 3) -> ArrayExamples:
    """Each image has its own label, so that a label tells the example."""
    images = np.random.RandomState(1).randint(1, 256, (n, side, side, channels), np.uint8)
    return ArrayExamples(images, np.arange(n), map(str, range(n)))


def config(**values: Any) -> DataConfig:
    return DataConfig(**({"flip": "both", "crop_padding": 2, "cutout": 0} | values))


def drawn(source: Any = None, settings: DataConfig | None = None, threads: int = 0, **address: int) -> Batches:
    names = ("iteration", "epoch", "first_step")
    where = {"iteration": 2, "epoch": 1} | {name: address.pop(name) for name in names if name in address}
    settled = {"batch_size": 7, "seed": 3, "last_epoch": where["epoch"]} | address
    dataset = training_batches(source or examples(), settings or config(), **settled)(**where)
    if threads:
        options = tf.data.Options()
        options.threading.private_threadpool_size = threads
        options.autotune.enabled = False
        dataset = dataset.with_options(options)
    return [(images, labels) for images, labels in dataset.as_numpy_iterator()]


def by_example(batches: Batches) -> dict[int, np.ndarray]:
    return {int(label): image for images, labels in batches for image, label in zip(images, labels, strict=True)}


def equal(a: Batches, b: Batches) -> bool:
    return len(a) == len(b) and all((x == u).all() and (y == v).all() for (x, y), (u, v) in zip(a, b, strict=True))


def test_an_epoch_is_a_permutation_with_its_last_partial_batch() -> None:
    batches = drawn()
    assert [len(labels) for _, labels in batches] == [7] * 7 + [1]
    order = np.concatenate([labels for _, labels in batches])
    assert sorted(order) == list(range(50))
    assert order.tolist() != list(range(50))
    assert batches[0][0].dtype == np.uint8
    assert batches[0][1].dtype == np.int32


def test_shapes_are_static() -> None:
    dataset = training_batches(examples(), config(), batch_size=7, seed=0)(0, 1)
    images, labels = tf.nest.flatten(dataset.element_spec)
    assert images.shape.as_list() == [None, 8, 8, 3]
    assert labels.shape.as_list() == [None]


def test_epochs_follow_each_other_unmixed() -> None:
    batches = drawn(epoch=4, last_epoch=6)
    assert len(batches) == 3 * batch_counts(50, 7)
    for start, epoch in ((0, 4), (8, 5), (16, 6)):
        assert equal(batches[start : start + 8], drawn(epoch=epoch, last_epoch=epoch))


def test_without_a_last_epoch_there_is_always_another() -> None:
    dataset = training_batches(examples(), config(), batch_size=50, seed=0)(0, 10)
    assert len(list(dataset.take(5).as_numpy_iterator())) == 5


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_r03_an_epoch_replays_whatever_the_threads(threads: int) -> None:
    assert equal(drawn(threads=threads), drawn())


@pytest.mark.parametrize("batch_size", [1, 13, 50, 64])
def test_an_image_replays_whatever_the_batch_size(batch_size: int) -> None:
    reference, other = by_example(drawn()), by_example(drawn(batch_size=batch_size))
    assert all((reference[i] == other[i]).all() for i in range(50))


@pytest.mark.parametrize("first_step", [0, 1, 5, 7, 8])
def test_resuming_within_an_epoch_goes_on_with_the_same_batches(first_step: int) -> None:
    assert equal(drawn(epoch=2, last_epoch=3, first_step=first_step), drawn(epoch=2, last_epoch=3)[first_step:])


@pytest.mark.parametrize("change", [{"seed": 4}, {"iteration": 3}, {"epoch": 2}])
def test_seed_iteration_and_epoch_each_change_order_and_draws(change: dict[str, Any]) -> None:
    reference, other = drawn(), drawn(**change)
    assert np.concatenate([y for _, y in reference]).tolist() != np.concatenate([y for _, y in other]).tolist()
    first, second = by_example(reference), by_example(other)
    assert sum((first[i] != second[i]).any() for i in range(50)) > 40


def test_two_equal_images_of_a_batch_are_drawn_differently() -> None:
    twins = ArrayExamples(np.repeat(examples(1).images, 20, 0), np.arange(20), map(str, range(20)))
    (images, _), *_ = drawn(twins, batch_size=20)
    assert len({image.tobytes() for image in images}) > 10


def test_none_gives_the_images_themselves() -> None:
    source = examples()
    for label, image in by_example(drawn(source, config(augment="none"))).items():
        assert (image == source.images[label]).all()


@pytest.mark.parametrize("flip", ["none", "horizontal", "both"])
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_crop_and_flip_against_a_loop(padding: int, flip: str) -> None:
    random = np.random.RandomState(padding)
    images = random.randint(0, 256, (40, 6, 9, 3), np.uint8)
    bits = random.randint(-(2**31), 2**31, (40, 4)).astype(np.int32)
    result = crop_and_flip(tf.constant(images), tf.constant(bits), padding, flip).numpy()
    for image, row, out in zip(images, bits.astype(int), result, strict=True):
        framed = np.zeros((6 + 2 * padding, 9 + 2 * padding, 3), np.uint8)
        framed[padding : padding + 6, padding : padding + 9] = image
        top, left = row[0] % (2 * padding + 1), row[1] % (2 * padding + 1)
        expected = framed[top : top + 6, left : left + 9]
        expected = expected[:, ::-1] if flip != "none" and row[2] < 0 else expected
        assert (out == (expected[::-1] if flip == "both" and row[3] < 0 else expected)).all()


def test_offsets_and_flips_are_uniform() -> None:
    pixel = np.zeros((4000, 3, 3, 1), np.uint8)
    pixel[:, 1, 0] = 1
    source = ArrayExamples(pixel, np.arange(4000), map(str, range(4000)))
    (images, _), *_ = drawn(source, config(flip="horizontal", crop_padding=1), batch_size=4000)
    seen = images[..., 0].reshape(4000, 9).sum(0) / 4000
    # three rows alike; the column is 0 or 1 or out of the frame, and half of the images are flipped
    expected = np.outer([1 / 3] * 3, [1 / 6, 1 / 3, 1 / 6]).ravel()
    assert np.abs(seen - expected).max() < 0.02


def test_one_channel_stays_one() -> None:
    assert drawn(examples(channels=1))[0][0].shape == (7, 8, 8, 1)


@pytest.mark.parametrize("strength", ["contrast", "auto", "rand"])
def test_stronger_augmentation_replays(strength: str) -> None:
    settings = config(augment=strength, cutout=4)
    reference, other = by_example(drawn(settings=settings)), by_example(drawn(settings=settings, batch_size=20))
    assert all((reference[i] == other[i]).all() for i in range(50))
    basic = by_example(drawn())
    assert sum((reference[i] != basic[i]).any() for i in range(50)) > 30


def test_cutout_alone_covers_part_of_the_basic_image() -> None:
    basic, cut = by_example(drawn()), by_example(drawn(settings=config(cutout=4)))
    changed = [(basic[i] != cut[i]).any(-1).sum() for i in range(50)]
    assert max(changed) <= 16
    assert sum(changed) > 0


@pytest.fixture
def files(paint: Callable[..., Path]) -> FileExamples:
    paths = [paint(f"{i}.jpg", i, size=(40 + i, 30)) for i in range(12)]
    return FileExamples(
        paths, np.arange(12), [p.name for p in paths], Preprocessing(channels=3, resize=18, crop=(16, 16))
    )


def test_random_resized_crops_replay(files: FileExamples) -> None:
    settings = config(crop_padding=None)
    reference = drawn(files, settings, batch_size=5)
    assert [images.shape for images, _ in reference] == [(5, 16, 16, 3), (5, 16, 16, 3), (2, 16, 16, 3)]
    assert equal(reference, drawn(files, settings, batch_size=5, threads=1))
    assert equal(reference[1:], drawn(files, settings, batch_size=5, first_step=1))
    first, other = by_example(reference), by_example(drawn(files, settings, batch_size=3))
    assert all((first[i] == other[i]).all() for i in range(12))
    second = by_example(drawn(files, settings, epoch=2))
    assert all((first[i] != second[i]).any() for i in range(12))


def test_r03_files_read_each_time_or_kept_in_memory_are_the_same_batches(files: FileExamples) -> None:
    settings = config(crop_padding=2, augment="rand")
    assert equal(drawn(files, settings), drawn(files.in_memory(), settings))


def test_evaluation_is_in_order(files: FileExamples) -> None:
    for source in (examples(), files):
        batches = list(evaluation_batches(source, 8))
        assert np.concatenate([labels for _, labels in batches]).tolist() == list(range(len(source)))
        images = np.concatenate([images for images, _ in batches])
        assert (images == source.read(np.arange(len(source)))).all()
        assert len(batches) == batch_counts(len(source), 8)


def take_all(files: FileExamples) -> None:
    for _ in evaluation_batches(files, 5):
        pass


def train_all(files: FileExamples) -> None:
    drawn(files, config(crop_padding=None), batch_size=5)


def train_in_a_graph(files: FileExamples) -> None:
    batches = iter(training_batches(files, config(), batch_size=5, seed=0)(0, 1))

    @tf.function
    def run() -> None:
        for _ in tf.range(3):
            next(batches)

    run()


def train_on_two_devices(files: FileExamples) -> None:
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    batches = training_batches(files, config(augment="rand"), batch_size=5, seed=0)(0, 1)
    for _, _ in zip(range(3), strategy.experimental_distribute_dataset(batches), strict=False):
        pass


CONSUMERS = [take_all, train_all, train_in_a_graph, train_on_two_devices]


@pytest.mark.parametrize("consume", CONSUMERS)
def test_an_image_lost_meanwhile_is_the_readers_one_line(
    files: FileExamples, consume: Callable[[FileExamples], None]
) -> None:
    files.paths[7].unlink()
    with pytest.raises(UserError) as raised, read_errors():
        consume(files)
    assert (
        str(raised.value) == f"image {files.paths[7]} cannot be read (No such file or directory); replace or remove it"
    )


@pytest.mark.parametrize("consume", CONSUMERS)
@pytest.mark.parametrize("name", [b"\xff\x1b[31m\n.tif", b"x" * 200 + b".tif"])
def test_an_image_replaced_meanwhile_is_the_readers_one_line(
    paint: Callable[..., Path], tmp_path: Path, name: bytes, consume: Callable[[FileExamples], None]
) -> None:
    path = tmp_path / os.fsdecode(name)
    files = FileExamples(
        [paint("a.png"), path], np.arange(2), ["a.png", path.name], Preprocessing(channels=3, resize=16, crop=(16, 16))
    )
    Image.new("F", (9, 9)).save(path, "TIFF")
    with pytest.raises(UserError, match=r"image .* has 32-bit pixels; convert it to 8 or 16") as raised, read_errors():
        consume(files)
    assert str(raised.value).isprintable()


def test_errors_that_are_not_the_readers_stay() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError), read_errors():
        tf.debugging.assert_equal(1, 2)
    with pytest.raises(KeyError), read_errors():
        raise KeyError("x")


def test_memory_mapped_images_are_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", examples().images)
    mapped = ArrayExamples(np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(50), map(str, range(50)))
    assert equal(drawn(mapped), drawn())
    images, _ = next(evaluation_batches(mapped, 50))
    assert (images == examples().images).all()


@pytest.mark.parametrize(("n", "batch_size", "steps"), [(500, 100, 5), (501, 100, 6), (99, 100, 1), (0, 5, 0)])
def test_batch_counts(n: int, batch_size: int, steps: int) -> None:
    assert batch_counts(n, batch_size) == steps


def test_features_come_in_the_order_of_their_images() -> None:
    features = np.random.RandomState(0).rand(50, 3).astype(np.float32)
    batches = list(feature_batches(features, np.arange(50), batch_size=7, seed=3, epochs=2).as_numpy_iterator())
    images = drawn(settings=config(augment="none"), iteration=0, last_epoch=2)
    assert [labels.tolist() for _, labels in batches] == [labels.tolist() for _, labels in images]
    assert len(batches) == 2 * 8
    for rows, labels in batches:
        np.testing.assert_array_equal(rows, features[labels])


def test_the_augmentation_is_traced_once_for_all_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = []

    def counted(images: tf.Tensor, *rest: Any) -> tf.Tensor:
        traced.append(images.shape)
        return augment_batch(images, *rest)

    monkeypatch.setattr(batch, "augment_batch", counted)
    made = training_batches(examples(9), config(augment="rand"), batch_size=4, seed=0, last_epoch=2)
    for iteration in range(3):
        assert len(list(made(iteration, 1, iteration))) == 6 - iteration
    assert len(traced) == 1
