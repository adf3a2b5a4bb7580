from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tf_dlth.config import DataConfig
from tf_dlth.data.pipeline import evaluation_batches
from tf_dlth.data.sources import load_source
from tf_dlth.data.sources.cifar10_c import corrupted_examples, corruption_kinds
from tf_dlth.errors import UserError

N = 6


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Two corruptions of six images, severity-major: a pixel's value is 10 * severity + index (+ 100 for fog)."""
    values = np.add.outer(10 * np.arange(1, 6), np.arange(N)).ravel().astype(np.uint8)
    for offset, kind in ((0, "brightness"), (100, "fog")):
        images = np.broadcast_to((values + offset)[:, None, None, None], (5 * N, 32, 32, 3)).astype(np.uint8)
        np.save(tmp_path / f"{kind}.npy", images)
    np.save(tmp_path / "labels.npy", np.tile(np.arange(N) % 10, 5))
    return tmp_path


def test_one_corruption_at_one_severity(published: Path) -> None:
    examples = corrupted_examples(published, "fog", 3)
    assert isinstance(examples.images, np.memmap)
    assert examples.images[:, 0, 0, 0].tolist() == [130, 131, 132, 133, 134, 135]
    assert examples.labels.tolist() == list(range(6))
    assert examples.names[1] == "fog/3/00001"


def test_everything_is_the_test_set(published: Path) -> None:
    source = load_source(DataConfig(dataset="cifar10_c", data_dir=str(published)))
    assert (len(source.train), len(source.test)) == (0, 2 * 5 * N)
    assert source.test.names[0] == "brightness/1/00000"
    assert source.test.names[-1] == "fog/5/00005"
    taken = source.test.take(np.array([N, 59]))
    assert taken.read(np.array([1, 0]))[:, 0, 0, 0].tolist() == [155, 20]
    assert len(set(source.test.digests())) == 60
    images = np.concatenate([x for x, _ in evaluation_batches(source.test, 7)])
    assert images[:, 5, 5, 1].tolist() == source.test.read(np.arange(60))[:, 0, 0, 0].tolist()


def test_the_kinds_are_those_of_the_folder(published: Path) -> None:
    assert corruption_kinds(published) == ["brightness", "fog"]


def test_a_missing_kind_is_named(published: Path) -> None:
    with pytest.raises(UserError, match=r"snow.npy does not exist; cifar10_c needs a folder with labels.npy"):
        corrupted_examples(published, "snow", 1)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no corruptions: .* get CIFAR-10-C.tar from zenodo"):
        load_source(DataConfig(dataset="cifar10_c", data_dir=str(tmp_path)))


def test_labels_of_another_length(published: Path) -> None:
    np.save(published / "labels.npy", np.arange(7))
    with pytest.raises(UserError, match=r"fog.npy must be uint8 \[5 x N, 32, 32, 1 or 3\] .* beside 7"):
        corrupted_examples(published, "fog", 1)


def test_no_npy_file(published: Path) -> None:
    (published / "fog.npy").write_bytes(b"hello")
    with pytest.raises(UserError, match=r"fog.npy cannot be read as a .npy file"):
        corrupted_examples(published, "fog", 1)


def test_another_size_is_refused(published: Path) -> None:
    with pytest.raises(UserError, match=r"data.image_size: the images of cifar10_c have 32 pixels"):
        load_source(DataConfig(dataset="cifar10_c", data_dir=str(published), image_size=64))


def test_a_regenerated_set_of_two_severities(published: Path) -> None:
    (published / "corruptions.json").write_text('{"severities": [1, 5]}')
    for path in published.glob("*.npy"):
        rows = np.load(path)
        np.save(path, np.concatenate([rows[:N], rows[4 * N :]]))
    assert corrupted_examples(published, "fog", 5).images[:, 0, 0, 0].tolist() == [150, 151, 152, 153, 154, 155]
    with pytest.raises(UserError, match="holds severities 1, 5, not 3"):
        corrupted_examples(published, "fog", 3)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[1, 5]",
        "{}",
        "[" * 100_000,
        '{"severities": null}',
        '{"severities": []}',
        '{"severities": 3}',
        '{"severities": "15"}',
        '{"severities": [5, 1]}',
        '{"severities": [1, 1]}',
        '{"severities": [0, 1]}',
        '{"severities": [1, 6]}',
        '{"severities": [1.5]}',
        '{"severities": ["1"]}',
        '{"severities": [[1]]}',
        '{"severities": [{}]}',
        '{"severities": [NaN]}',
    ],
)
def test_a_damaged_manifest_is_one_line(published: Path, content: str) -> None:
    (published / "corruptions.json").write_text(content)
    with pytest.raises(UserError, match=r"corruptions.json is damaged: ") as raised:
        load_source(DataConfig(dataset="cifar10_c", data_dir=str(published)))
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("name", ["fog.npy", "labels.npy"])
def test_any_damage_of_an_array_is_one_line(published: Path, name: str) -> None:
    whole, random = (published / name).read_bytes(), np.random.RandomState(0)
    cut = [whole[:length] for length in range(0, len(whole), len(whole) // 40)]
    flipped = []
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[random.randint(128)] ^= 1 << random.randint(8)
        flipped.append(bytes(damaged))
    refused: list[str] = []
    for content in cut + flipped:
        (published / name).write_bytes(content)
        try:
            source = load_source(DataConfig(dataset="cifar10_c", data_dir=str(published)))
            assert source.test.read(np.arange(60)).shape == (60, 32, 32, 3)
        except UserError as error:
            refused.append(str(error))
    assert len(refused) > 80
    assert all(
        line.startswith((f"{published}/", "dataset cifar10_c: label")) and line.isprintable() for line in refused
    )


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((5, 16, 16, 3), np.uint8),
        np.zeros((5, 32, 32, 4), np.uint8),
        np.zeros((5, 32, 32), np.uint8),
        np.zeros((5, 32, 32, 3), np.int8),
        np.zeros((6, 32, 32, 3), np.uint8),
        np.zeros((0, 32, 32, 3), np.uint8),
    ],
)
def test_arrays_of_another_form(published: Path, images: np.ndarray) -> None:
    np.save(published / "fog.npy", images)
    np.save(published / "labels.npy", np.zeros(len(images), int))
    with pytest.raises(UserError, match=r"fog.npy (must be uint8 \[5 x N, 32, 32, 1 or 3\]|cannot be read)"):
        corrupted_examples(published, "fog", 1)


def test_gray_and_colour_do_not_mix(published: Path) -> None:
    np.save(published / "fog.npy", np.zeros((5 * N, 32, 32, 1), np.uint8))
    with pytest.raises(UserError, match=r"brightness/5/00000 and fog/1/00000 differ in shape: \[32, 32, 3\] and \["):
        load_source(DataConfig(dataset="cifar10_c", data_dir=str(published)))


def test_labels_that_no_class_has(published: Path) -> None:
    np.save(published / "labels.npy", np.full(5 * N, 10))
    with pytest.raises(UserError, match="dataset cifar10_c: label 10 is not among the 10 classes"):
        load_source(DataConfig(dataset="cifar10_c", data_dir=str(published)))
