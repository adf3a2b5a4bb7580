from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import figure
from PIL import Image

from tf_dlth.errors import UserError
from tf_dlth.lottery.rows import Row
from tf_dlth.reporting.figures.run import accuracy_by_density, images_per_class


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


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[figure.Figure]:
    """The figures that were saved."""
    figures: list[figure.Figure] = []
    save = figure.Figure.savefig
    monkeypatch.setattr(figure.Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k)))
    return figures


@pytest.mark.parametrize("heldout", [True, False])
def test_curves(tmp_path: Path, drawn: list[figure.Figure], heldout: bool):
    """One a rule, the dense network on the left, in per cent; without held-out images no curve of them."""
    accuracy_by_density(rows(heldout), 1, "heldout" if heldout else "test_best", 1, tmp_path / "figure.png")
    (axes,) = drawn[0].axes
    lines = {str(line.get_label()): line for line in axes.get_lines()}
    assert len(lines) == (4 if heldout else 3)
    best = next(line for label, line in lines.items() if "paper" in label)
    assert np.allclose(best.get_xdata(), [100, 80, 64])
    assert np.allclose(best.get_ydata(), [50, 60, 70])
    star = lines["winner: iteration 1"]
    assert np.allclose(star.get_xydata(), [[80, 40 if heldout else 60]])
    left, right = axes.get_xlim()
    assert left > right
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]


@pytest.mark.parametrize("every", [1, 10])
def test_only_with_every_epoch_evaluated_is_it_the_papers_way(tmp_path: Path, drawn: list[figure.Figure], every: int):
    accuracy_by_density(rows(), 1, "heldout", every, tmp_path / "figure.png")
    legend = drawn[0].axes[0].get_legend()
    assert legend is not None
    labels = [label.get_text() for label in legend.get_texts()]
    assert any("the paper's way" in label for label in labels) == (every == 1)
    assert any("of every 10th" in label for label in labels) == (every == 10)


def test_classes_from_head_to_tail(tmp_path: Path, drawn: list[figure.Figure]):
    images_per_class({"a": 50, "b": 20, "c": 8}, tmp_path / "classes.png")
    (axes,) = drawn[0].axes
    assert np.array_equal(axes.get_lines()[0].get_xydata(), [[0, 50], [1, 20], [2, 8]])
    assert axes.get_title(loc="left") == "78 images of 3 classes"


def test_a_refusing_disk(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        accuracy_by_density(rows(), 1, "heldout", 1, tmp_path / "file" / "figure.png")
