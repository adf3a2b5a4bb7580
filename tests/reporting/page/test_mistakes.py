from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tf_dlth.data.examples import ArrayExamples
from tf_dlth.data.images import Preprocessing
from tf_dlth.evaluation.judged import Judged
from tf_dlth.evaluation.subject import Subject
from tf_dlth.reporting.page.content import Figure, Paragraph, Picture, Pictures, Table
from tf_dlth.reporting.page.mistakes import mistakes_sections

NAMES = ("cat", "dog", "$x$")


def judged(predicted: list[int], side: int = 8, channels: int = 3) -> Judged:
    """Four images: two cats, two dogs; the n-th is of the colour n."""
    pixels = np.stack([np.full((side, side, channels), 10 * n, np.uint8) for n in range(4)])
    logits = 3 * np.eye(3, dtype=np.float32)[predicted]
    logits[3] *= 2
    subject: Any = Subject(None, "heldout", None, NAMES, Preprocessing.of_shape((side, side, channels)))  # pyright: ignore
    return Judged(subject, ArrayExamples(pixels, np.array([0, 0, 1, 1], np.int32), ["a", "b", "c\x1b", "d"]), logits)


def blocks(found: Judged) -> dict[str, Any]:
    return {
        type(block).__name__ + getattr(block, "name", ""): block for s in mistakes_sections(found) for block in s.blocks
    }


def test_one_row_a_class_and_the_numbers_unrounded():
    table = blocks(judged([0, 1, 1, 1]))["Tableclasses"]
    assert isinstance(table, Table)
    assert table.rows == [
        ["cat", "100.0", "50.0", "66.7", "2"], ["dog", "66.7", "100.0", "80.0", "2"], ["$x$", "-", "-", "-", "0"],
    ]  # fmt: skip
    assert table.records[1]["precision"] == pytest.approx(2 / 3) and np.isnan(table.records[2]["recall"])


def test_what_is_mistaken_most_often():
    table = blocks(judged([1, 1, 2, 1]))["Tablemistakes"]
    assert table.rows == [["cat", "dog", "2", "2"], ["dog", "$x$", "1", "2"]]


def test_the_figure_in_words():
    figure = blocks(judged([1, 1, 2, 1]))["Figureconfusion"]
    assert isinstance(figure, Figure)
    assert figure.alt == (
        "Confusion matrix of 3 classes: 1 of 4 images are right, on the diagonal. The most frequent mistake is cat "
        "taken for dog, 2 times."
    )
    assert "4 test images, 25.0% of them right (heldout weights)" in figure.caption


def pictures(found: Judged) -> list[Picture]:
    block = blocks(found)["Pictures"]
    assert isinstance(block, Pictures)
    return list(block.items)


def test_the_worst_mistake_comes_first_with_both_names_and_the_confidence():
    first, second = pictures(judged([0, 0, 2, 0]))
    assert first.caption == "is dog\ntaken for cat\n99.5% sure"
    assert first.alt == "Test image d: dog, taken for cat"
    assert second.alt == "Test image c\\x1b: dog, taken for $x$"
    assert np.asarray(Image.open(io.BytesIO(first.png)))[0, 0].tolist() == [30, 30, 30]


@pytest.mark.parametrize(
    ("side", "stored", "shown", "enlarged"),
    [(8, 8, 128, True), (32, 32, 128, True), (100, 100, 100, False), (224, 224, 224, False), (500, 224, 224, False)],
)
def test_small_pictures_are_enlarged_and_large_ones_reduced(side: int, stored: int, shown: int, enlarged: bool):
    picture = pictures(judged([0, 0, 1, 0], side))[0]
    assert Image.open(io.BytesIO(picture.png)).size == (stored, stored)
    assert picture.size == (shown, shown) and picture.enlarged == enlarged


def test_gray_pictures():
    assert Image.open(io.BytesIO(pictures(judged([0, 0, 1, 0], channels=1))[0].png)).mode == "L"


def test_nothing_is_wrong():
    found = judged([0, 0, 1, 1])
    assert "Tablemistakes" not in blocks(found)
    assert mistakes_sections(found)[-1].blocks == [Paragraph("There are none.")]


def test_at_most_twelve_pictures():
    found = judged([0, 0, 1, 0])
    many = ArrayExamples(np.zeros((50, 8, 8, 3), np.uint8), np.zeros(50, np.int32), map(str, range(50)))
    assert len(pictures(replace(found, examples=many, logits=np.tile(found.logits[2], (50, 1))))) == 12
