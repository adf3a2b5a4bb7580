from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from tf_dlth.analysis.significance import Interval
from tf_dlth.reporting.figures import study_axes as shared

NONE = Interval(0, math.nan, math.nan, math.nan)


def test_means_and_whiskers_side_by_side():
    axes = Figure().add_subplot()
    lines = [
        shared.Line("a", [Interval(3, 50, 45, 55), NONE], 0),
        shared.Line("b", [Interval(1, 60, math.nan, math.nan), Interval(2, 70, 60, 80)], 1, hollow=True),
    ]
    shared.draw_lines(axes, lines)
    (first, _, (bars,)), (second, _, _) = axes.containers  # pyright: ignore[reportGeneralTypeIssues]
    np.testing.assert_allclose(first.get_ydata(), [50, np.nan])
    np.testing.assert_allclose(first.get_xdata(), [-0.025, 0.975])
    np.testing.assert_allclose(second.get_xdata(), [0.025, 1.025])
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [45, 55])
    assert second.get_markerfacecolor() == "white"


def test_published_numbers_are_crosses_where_there_are_any():
    axes = Figure().add_subplot()
    shared.draw_published(axes, [None, 59.66], 0)
    (line,) = axes.get_lines()
    np.testing.assert_allclose(np.asarray(line.get_xydata(), float), [[1, 59.66]])
    assert line.get_marker() == "x"
    shared.draw_published(axes, [None], 1)
    assert len(axes.get_lines()) == 1


@pytest.mark.parametrize(("number", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (4, 2, 3), (7, 3, 3)])
def test_panels(number: int, rows: int, columns: int):
    figure, axes = shared.panels(number, width=4, height=3)
    assert len(axes) == len(figure.axes) == number
    assert tuple(figure.get_size_inches()) == pytest.approx((0.8 + 4 * columns, 0.9 + 3 * rows))


def test_places(frames, restudied):
    axes = Figure().add_subplot()
    shared.along_places(axes, frames.study, [("0.02",), ("0.01",)])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2 %", "1 %"]
    assert axes.get_xlabel() == "share of the training images"
    assert shared.are_sizes(frames.study)
    named = {"cell": {"vgg": {"model.width": 8}}, "data.augment": ["basic", "rand"]}
    assert not shared.are_sizes(restudied(frames, axes=named, fixed={}, arms={"ticket": {}}).study)


def test_words(frames):
    lines = [shared.Line("ticket", [Interval(3, 70, 60, 80), NONE], 0), shared.Line("dense", [NONE, NONE], 1)]
    assert shared.spoken(frames.study, [("0.02",), ("0.01",)], lines) == "ticket: 70.0 at 2 %; dense: no numbers"


def test_a_legend_names_each_once():
    figure = Figure()
    shared.legend(figure, [shared.entry("a", 0), shared.entry("b", 1), shared.entry("a", 0)])
    assert sorted(text.get_text() for text in figure.legends[0].get_texts()) == ["a", "b"]


def test_runs_are_tables_that_ascend(frames):
    shuffled = frames.networks.sample(frac=1, random_state=0)
    tables = shared.run_tables(shuffled[shuffled.arm == "ticket"])
    assert len(tables) == 12
    assert all(table.iteration.tolist() == [0, 1, 2, 3, 4] for table in tables)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_legend_lies_within_its_figure(number: int):
    figure, _ = shared.panels(number)
    labels = ("basic", "most accurate of the pruned networks", "ticket, chosen among as many", "WT(Base)+Aug*")
    shared.legend(figure, [shared.entry(label, i) for i, label in enumerate(labels)])
    figure.draw_without_rendering()
    box, whole = figure.legends[0].get_window_extent(), figure.bbox
    assert box.x0 >= 0 and box.x1 <= whole.width
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(labels)
