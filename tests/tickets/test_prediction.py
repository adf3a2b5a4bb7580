"""A single image is seen, and classified, as an evaluation would."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.special import softmax

from tf_dlth.data import load_data
from tf_dlth.data.images import Preprocessing
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import predict
from tf_dlth.evaluation.images import other_images
from tf_dlth.evaluation.subject import Subject, open_subject
from tf_dlth.tickets import prediction as module
from tf_dlth.tickets.prediction import Prediction, csv_text, predict_files
from tf_dlth.tickets.ticket import load_ticket

CLASSES = ("dark", "grey", "light")
ONE_PIXEL = Preprocessing(channels=1, resize=1, crop=(1, 1))


def brightness(images: tf.Tensor) -> tf.Tensor:
    """Logits [N, 3]: minus the distance of a single pixel to 0, 127 and 255, in hundreds."""
    pixel = tf.cast(images[:, 0, 0, :], tf.float32)
    return -tf.abs(pixel - tf.constant([[0.0, 127.0, 255.0]])) / 100


@pytest.fixture
def image(tmp_path: Path) -> Callable[[str, int], Path]:
    def save(name: str, value: int) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (5, 3), value).save(path)
        return path

    return save


@pytest.fixture
def subject() -> Subject:
    return Subject(Path("ticket"), "last", brightness, CLASSES, ONE_PIXEL)


def test_classes_and_probabilities_by_hand(subject: Subject, image: Callable[[str, int], Path]) -> None:
    paths = [image("a.png", 250), image("b.png", 20)]
    found = predict_files(subject, paths)
    assert [(row.file, row.class_name) for row in found.rows] == [(str(paths[0]), "light"), (str(paths[1]), "dark")]
    for row, value, winner in zip(found.rows, (250, 20), (2, 0), strict=True):
        exponentials = [np.exp(-abs(value - centre) / 100) for centre in (0, 127, 255)]
        assert row.probability == pytest.approx(exponentials[winner] / sum(exponentials), rel=1e-6)
    assert found.faults == ()


@pytest.mark.parametrize("top", [2, 3, 9])
def test_ranks_of_one_image_follow_each_other(subject: Subject, image: Callable[[str, int], Path], top: int) -> None:
    """As many as there are classes, if more are asked for."""
    rows = predict_files(subject, [image("a.png", 200), image("b.png", 10)], top).rows
    expected = [["light", "grey", "dark"], ["dark", "grey", "light"]]
    assert [row.class_name for row in rows] == [name for names in expected for name in names[:top]]
    for own in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        probabilities = [row.probability for row in own]
        assert probabilities == sorted(probabilities, reverse=True)
        assert top == 2 or sum(probabilities) == pytest.approx(1)


def test_of_equal_logits_the_first_class_counts(subject: Subject, image: Callable[[str, int], Path]) -> None:
    even = Subject(Path("ticket"), "last", lambda images: tf.zeros((len(images), 3)), CLASSES, ONE_PIXEL)
    assert [row.class_name for row in predict_files(even, [image("a.png", 0)], 3).rows] == list(CLASSES)


@pytest.mark.parametrize("size", [1, 2, 250])
def test_what_cannot_be_read_is_left_out_of_whatever_batch(
    subject: Subject, image: Callable[[str, int], Path], tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", size)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "torn.png").write_bytes(image("whole.png", 5).read_bytes()[:40])
    names = ["1.png", "text.png", "2.png", "3.png", "torn.png", "gone.png", "4.png"]
    for name in ("1.png", "2.png", "3.png", "4.png"):
        image(name, 60 * int(name[0]))
    found = predict_files(subject, [tmp_path / name for name in names])
    assert [Path(row.file).name for row in found.rows] == ["1.png", "2.png", "3.png", "4.png"]
    assert [row.class_name for row in found.rows] == ["dark", "grey", "grey", "light"]
    assert [Path(fault.names[0]).name for fault in found.faults] == ["text.png", "torn.png", "gone.png"]


def test_where_nothing_can_be_read_all_are_named(subject: Subject, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("no image")
    with pytest.raises(UserError, match=r"^2 images cannot be used: .*a\.png, .*b\.png; image .*a\.png cannot be read"):
        predict_files(subject, [tmp_path / "a.png", tmp_path / "b.png"])


def test_a_csv_that_any_reader_understands() -> None:
    rows = [Prediction('a, "b".png', "owl", 0.1 + 0.2), Prediction("c.png", "läufer", 1.0)]
    read = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert read == [
        {"file": 'a, "b".png', "class": "owl", "probability": "0.30000000000000004"},
        {"file": "c.png", "class": "läufer", "probability": "1.0"},
    ]


@pytest.mark.parametrize("kind", ["iteration_01", "iteration_01/saved_model", "."])
def test_the_classes_are_those_of_an_evaluation(finished, tmp_path: Path, kind: str) -> None:
    """Over more than one batch, of images of two sizes."""
    test = load_data(finished.config.data).test.take(np.arange(300))
    for number, (pixels, label) in enumerate(zip(test.read(np.arange(300)), test.labels, strict=True)):
        picture = Image.fromarray(pixels[:, :, 0]).resize((8, 8) if number % 2 else (20, 13))
        (tmp_path / str(label)).mkdir(exist_ok=True)
        picture.save(tmp_path / str(label) / f"{number}.png")
    subject = open_subject(str(finished.path / kind))
    examples = other_images(subject, str(tmp_path), None)
    logits = predict(subject.predict, examples)
    found = predict_files(subject, [tmp_path / name for name in examples.names]).rows
    assert [row.class_name for row in found] == [subject.class_names[c] for c in logits.argmax(-1)]
    exponentials = np.exp(logits.astype(np.float64))
    expected = exponentials.max(-1) / exponentials.sum(-1)
    np.testing.assert_allclose([row.probability for row in found], expected, rtol=1e-12)
    assert len({row.class_name for row in found}) > 1


@pytest.mark.parametrize("given", ["files", "folder", "arrays", "one array", "sizes"])
def test_a_ticket_takes_files_and_arrays(finished, tmp_path: Path, given: str) -> None:
    """The same classes and probabilities as from files, whatever the size."""
    test = load_data(finished.config.data).test.take(np.arange(5))
    pixels = test.read(np.arange(5))
    pictures = [Image.fromarray(one[:, :, 0]).resize((20, 13)) for one in pixels]
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
    paths = sorted(tmp_path.iterdir())
    ticket = load_ticket(finished.path)
    images: dict[str, Any] = {
        "files": paths, "folder": tmp_path, "arrays": pixels, "one array": pixels[0],
        "sizes": [np.asarray(picture) for picture in pictures],
    }  # fmt: skip
    found = ticket.predict(images[given])
    if "arrays" in given or given == "one array":
        logits = ticket.model()(pixels[: len(found.classes)], training=False).numpy()
        np.testing.assert_allclose(found.probabilities, softmax(logits.astype(np.float64), axis=-1), atol=1e-5)
        assert found.images == tuple(map(str, range(len(found.classes))))
    else:
        rows = predict_files(open_subject(str(finished.path)), paths).rows
        assert list(found.classes) == [row.class_name for row in rows]
        np.testing.assert_allclose(found.probabilities.max(1), [row.probability for row in rows], rtol=1e-6)
    assert found.probabilities.shape == (len(found.classes), 10)
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("images", "line"),
    [
        ([], "no images to predict"),
        (["gone.png"], "gone.png is neither a file nor a folder"),
        (np.zeros((8, 8), np.float32), r"image 0 is float32 \[8, 8\]; give files, or arrays uint8"),
        ([np.zeros((8, 8), np.uint8), "a.png"], "image 1 is str; give files, or arrays"),
    ],
)
def test_a_ticket_names_what_it_cannot_take(finished, images: Any, line: str) -> None:
    with pytest.raises(UserError, match=line):
        load_ticket(finished.path).predict(images)
