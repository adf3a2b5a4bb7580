"""Names, colours, axes and bands, read back from the drawing."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from tf_dlth.analysis.curves import Curve
from tf_dlth.reporting.figures.axes import (
    COLOURS,
    along_density,
    along_layers,
    colour,
    draw_curve,
    marker,
    short,
    within,
)


def test_every_curve_looks_different():
    assert len({(colour(i), marker(i)) for i in range(3 * len(COLOURS))}) == 3 * len(COLOURS)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("stem/kernel", "stem"),
        ("stage2_block1_conv1/kernel", "2.1 conv1"),
        ("stage3_block2", "3.2"),
        ("stage1_conv2/kernel", "stage1_conv2"),
    ],
)
def test_short_names(layer: str, name: str):
    assert short(layer) == name


def test_layers_from_left_to_right():
    axes = Figure().add_subplot()
    along_layers(axes, ["stem/kernel", "stage2_block1_conv1/kernel"])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["stem", "2.1 conv1"]
    assert axes.get_xlim() == (-0.5, 1.5)


def test_densities_from_dense_to_sparse():
    axes = Figure().add_subplot()
    axes.plot([100, 4], [0, 1])
    along_density(axes, 4)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["100", "50", "20", "10", "5"]
    assert axes.get_xscale() == "log" and axes.get_xlim()[0] > axes.get_xlim()[1]


@pytest.mark.parametrize("interval", [0.1, np.nan])
def test_a_curve_has_its_band_where_there_is_one(interval: float):
    axes, mean = Figure().add_subplot(), np.array([0.5, 0.7])
    k, n = np.arange(2), np.full(2, 3)
    draw_curve(axes, Curve(k, 0.8**k, mean, mean - interval, mean + interval, n), 0, (100, 10))
    np.testing.assert_allclose(np.asarray(axes.get_lines()[0].get_xydata()), [[100, 5], [80, 7]])
    bands = [np.asarray(band.get_paths()[0].vertices)[:, 1] for band in axes.collections]
    assert [(round(y.min(), 9), round(y.max(), 9)) for y in bands] == ([] if np.isnan(interval) else [(4, 8)])


def test_axes_end_where_values_do():
    axes = Figure().add_subplot()
    axes.set_ylim(-30, 60)
    within(axes, 0, 100)
    assert axes.get_ylim() == (0, 60)
