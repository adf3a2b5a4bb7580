"""Figures of analyses, read back against the hand-made numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from tf_dlth.reporting.figures import study_layers as figures


def drawn(axes: Axes) -> list[list[float]]:
    """The y values of lines with several points."""
    return [list(np.asarray(y, float)) for y in (line.get_ydata() for line in axes.get_lines()) if np.size(y) > 1]


def means(axes: Axes) -> list[list[float]]:
    return [list(np.asarray(container[0].get_ydata(), float)) for container in axes.containers]


def test_layers_of_the_sparsest_iteration_and_what_is_beyond_the_control(frames):
    (figure,) = figures.layers(frames)
    above, below = figure.figure.axes
    found = drawn(above)
    assert found[:3] == [pytest.approx(x) for x in ([90, 50, 70], [80, 50, 60], [85, 50, 60])]
    assert found[3:] == [pytest.approx(x) for x in ([95, 55, 75], [80, 50, 60], [85, 50, 60])]
    assert drawn(below)[:2] == [pytest.approx(x, abs=1e-9) for x in ([5, 0, 10], [10, 5, 15])]
    assert [label.get_text() for label in above.get_xticklabels()] == ["stem", "1.1 conv1", "2.1 shortcut"]
    assert "at iteration 4;" in figure.caption
    assert figure.alt.startswith("2 %: furthest beyond the control in 2.1 shortcut, +10.0 points")
    band = np.asarray(below.collections[0].get_paths()[0].vertices)
    assert band[:, 1].max() == pytest.approx(10 + 2.4841, abs=1e-3)  # t(.975, 2) * 1 / sqrt(3) points


def test_many_curves_have_no_bands(frames, monkeypatch):
    monkeypatch.setattr(figures, "FEW", 1)
    (figure,) = figures.layers(frames)
    assert not figure.figure.axes[0].collections
    assert "interval" not in figure.caption


def test_cka_of_dense_networks_and_tickets(frames):
    (figure,) = figures.cka(frames)
    early, widest = figure.figure.axes
    assert means(early) == [pytest.approx(x) for x in ([0.60, 0.70], [0.75, 0.85])]
    assert means(widest) == [pytest.approx(x) for x in ([6, 6], [9, 9])]


def test_branch_norms_by_block(frames):
    (figure,) = figures.branch_norms(frames)
    large, small = figure.figure.axes
    for axes in (large, small):
        assert drawn(axes) == [pytest.approx(x) for x in ([1.3, 1.2, 1.1], [1.0, 0.9, 0.8])]
    assert "2 % dense: mean 1.20; 2 % ticket: mean 0.90" in figure.alt


def test_only_the_ticket_that_the_rule_chose(frames):
    """Of the other analysed iterations none is drawn."""
    others = frames.analyses[(frames.analyses.kind == "branch-norms") & (frames.analyses.iteration > 0)]
    more = others.assign(iteration=1, value=100.0)
    analyses = type(others)(frames.analyses.to_dict("records") + more.to_dict("records"))
    (figure,) = figures.branch_norms(replace(frames, analyses=analyses))
    assert max(max(values) for values in drawn(figure.figure.axes[0])) < 2


def test_norms_in_three_readings(frames, restudied):
    (figure,) = figures.norms(restudied(frames, published={"0.01": {"ticket/weight-norms": "table6/rows/cifar10/1%"}}))
    (axes,) = figure.figure.axes
    assert means(axes) == [pytest.approx(x) for x in ([1.2, 1.3], [1.1, 1.2], [0.4, 0.5])]
    (cross,) = [line for line in axes.get_lines() if line.get_marker() == "x"]
    np.testing.assert_allclose(np.asarray(cross.get_xydata(), float), [[1, 1.23]])


def test_longtail_needs_no_run(frames):
    (figure,) = figures.longtail(replace(frames, networks=frames.networks.iloc[:0]))
    assert [sum(values) for values in drawn(figure.figure.axes[0])] == [19573, 15907, 12608, 10847]
    assert "lambda 0.01: 500 down to 5, 10,847 in all" in figure.alt


@pytest.mark.parametrize("draw", [figures.layers, figures.cka, figures.branch_norms, figures.norms])
def test_nothing_is_drawn_of_nothing(frames, draw):
    assert draw(replace(frames, analyses=frames.analyses.iloc[:0])) == []
