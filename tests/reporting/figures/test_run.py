from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.metrics import classification_report

from tf_dlth.errors import UserError
from tf_dlth.lottery.rows import Row
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.figures.run import PICTURES, _save, accuracy_by_density, images_per_class, layer_densities
from tf_dlth.tickets.ticket import load_ticket


def rows(heldout: bool = True) -> list[Row]:
    return [
        Row(
            k, 0.8**k, 10, 10, 3, 0.1, 0.9, 0.5 + k / 10, 1, 0.4 + k / 10, 0.6 if heldout else None,
            1 if heldout else None, 0.3 + k / 10 if heldout else None, 1.0, 1.0,
        )
        for k in range(3)
    ]  # fmt: skip


def test_the_run_draws_a_png(finished):
    path = finished.path / "accuracy_by_density.png"
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert 600 < picture.width < 2000
        assert 350 < picture.height < 1500
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20


@pytest.mark.parametrize("heldout", [True, False])
def test_curves(heldout: bool):
    """One a rule, the dense network on the left, in per cent; without held-out images no curve of them."""
    (axes,) = accuracy_by_density(rows(heldout), 1, "heldout" if heldout else "test_best", 1, 100).axes
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    assert len(lines) == (5 if heldout else 4)
    best = next(line for label, line in lines.items() if "paper" in label)
    assert np.allclose(best.get_xdata(), [100, 80, 64])
    assert np.allclose(best.get_ydata(), [50, 60, 70])
    star = lines["winner: iteration 1"]
    assert np.allclose(star.get_xydata(), [[80, 40 if heldout else 60]])
    dense = next(line for label, line in lines.items() if "iteration 0" in label)
    assert np.allclose(dense.get_ydata(), 30 if heldout else 50)
    left, right = axes.get_xlim()
    assert left > right


def test_where_no_ticket_won_the_star_is_on_the_dense_network():
    (axes,) = accuracy_by_density(rows(), 0, "heldout", 1, 100).axes
    stars = [line for line in axes.get_lines() if "no ticket won" in str(line.get_label())]
    assert np.allclose(stars[0].get_xydata(), [[100, 30]])


def test_the_band_is_one_standard_error():
    """Of 0.5 on 100 images: 5 points."""
    (axes,) = accuracy_by_density(rows(), 1, "test_best", 1, 100).axes
    (band,) = axes.collections
    corners = np.asarray(band.get_paths()[0].vertices)
    assert {45.0, 55.0} <= set(np.round(corners[np.isclose(corners[:, 0], 100), 1], 6).tolist())
    assert not accuracy_by_density(rows(), 1, "test_best", 1, None).axes[0].collections


def test_noise_never_looks_large():
    alike = [replace(row, test_accuracy_best=0.5, test_accuracy_last=0.5, test_accuracy_heldout=0.5) for row in rows()]
    bottom, top = accuracy_by_density(alike, 1, "heldout", 1, 100).axes[0].get_ylim()
    assert bottom == pytest.approx(35) and top == pytest.approx(65)


@pytest.mark.parametrize("every", [1, 10])
def test_only_with_every_epoch_evaluated_is_it_the_papers_way(every: int):
    legend = accuracy_by_density(rows(), 1, "heldout", every, 100).axes[0].get_legend()
    assert legend is not None
    labels = [label.get_text() for label in legend.get_texts()]
    assert any("the paper's way" in label for label in labels) == (every == 1)
    assert any("of every 10th" in label for label in labels) == (every == 10)


def test_classes_from_head_to_tail():
    (axes,) = images_per_class({"a": 50, "b": 20, "c": 8}).axes
    assert np.array_equal(axes.get_lines()[0].get_xydata(), [[0, 50], [1, 20], [2, 8]])
    assert axes.get_title(loc="left") == "78 images of 3 classes"


def test_a_refusing_disk(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        _save(images_per_class({"a": 1}), tmp_path / "file" / "figure.png")


def test_layers_and_all_of_them():
    (axes,) = layer_densities({"stem/kernel": 0.9, "stage1_block1_conv1/kernel": 0.25}, 0.3).axes
    assert [bar.get_height() for bar in axes.patches] == [90, 25]
    assert np.allclose(axes.get_lines()[0].get_ydata(), 30)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["stem", "1.1 conv1"]


def test_one_training_has_neither_star_nor_dense_line():
    (axes,) = accuracy_by_density(rows()[:1], 0, "heldout", 1, 100).axes
    assert len(axes.get_lines()) == 3


def test_what_has_no_iterations_is_a_line():
    (axes,) = accuracy_by_density(rows(), 1, "heldout", 1, 100, {"logistic regression": 0.696}).axes
    line = next(line for line in axes.get_lines() if str(line.get_label()) == "logistic regression: 69.6%")
    assert np.allclose(line.get_ydata(), 69.6)


def test_the_table_of_classes_is_that_of_the_winner(finished):
    """As scikit-learn counts its predictions on the test images."""
    winner = load_ticket(finished.path)
    test = Prepared(finished.config).data.test
    predicted = winner.model("heldout")(test.read(np.arange(len(test)))).numpy().argmax(1)
    report: Any = classification_report(test.labels, predicted, output_dict=True, zero_division=np.nan)  # pyright: ignore[reportArgumentType]
    table = pd.read_csv(finished.path / "classes.csv")
    assert table["class"].astype(str).tolist() == [str(digit) for digit in range(10)]
    for digit, row in table.iterrows():
        own = report[str(digit)]
        expected = [own[key] for key in ("precision", "recall", "f1-score", "support")]
        found = [row[key] for key in ("precision", "recall", "f1", "support")]
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", PICTURES)
def test_the_run_has_every_picture(finished, name: str):
    with Image.open(finished.path / name) as picture:
        assert picture.width > 300 and len(np.unique(np.asarray(picture.convert("L")))) > 10
