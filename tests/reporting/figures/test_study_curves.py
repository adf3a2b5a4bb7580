"""Curves by density and epochs of the hand-made results: points, stars and triangles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from tf_dlth.analysis.curves import Curve
from tf_dlth.reporting.figures import study_curves as figures

DENSITY = [100, 80, 64, 51.2, 40.96]


def lines(axes: Axes, marker: str = "") -> list[np.ndarray]:
    """[points, 2] of the curves, or of the single marks of a shape."""
    points = [(line.get_marker(), np.asarray(line.get_xydata(), float)) for line in axes.get_lines()]
    return [xy for shape, xy in points if (shape == marker if marker else len(xy) > 1)]


def test_a_panel_a_size_and_a_curve_an_augmentation(frames):
    (drawn,) = figures.density(frames)
    large, small = drawn.figure.axes
    assert (large.get_title(loc="left"), small.get_title(loc="left")) == ("2 %", "1 %")
    basic, rand = lines(large)
    np.testing.assert_allclose(basic, np.c_[DENSITY, [50, 52, 55, 53, 51]])
    np.testing.assert_allclose(rand, np.c_[DENSITY, [60, 64, 70, 66, 62]])
    np.testing.assert_allclose(np.concatenate(lines(large, "*")), [[64, 55], [64, 70]])
    np.testing.assert_allclose(np.concatenate(lines(small, "*")), [[51.2, 44], [40.96, 56]])
    assert large.get_xlim()[0] > large.get_xlim()[1]
    assert drawn.alt.startswith("2 % basic: highest 55.0 at density 64.00 %, dense 50.0; 2 % rand: highest 70.0")


def test_the_star_is_never_on_the_dense_network(frames):
    networks = frames.networks.copy()
    networks.loc[networks.iteration == 0, "test_accuracy_heldout"] += 0.3
    (drawn,) = figures.density(replace(frames, networks=networks))
    np.testing.assert_allclose(np.concatenate(lines(drawn.figure.axes[0], "*")), [[64, 55], [64, 70]])


def test_without_held_out_images_the_curve_is_the_paper_s(frames):
    networks = frames.networks.copy()
    networks.loc[networks["data.fraction"] == 0.02, ["heldout_accuracy", "test_accuracy_heldout"]] = np.nan
    (drawn,) = figures.density(replace(frames, networks=networks))
    np.testing.assert_allclose(lines(drawn.figure.axes[0])[0][:, 1], [52, 62, 57, 55, 53])
    np.testing.assert_allclose(lines(drawn.figure.axes[1])[0][:, 1], [40, 41, 42, 44, 43])


def test_measures_by_density_where_all_were_measured(frames, restudied):
    assert figures.density_of_measures(frames) == []
    drawn = {one.name: one for one in figures.density_of_measures(restudied(frames, iterations="all"))}
    assert list(drawn) == ["density-ece", "density-fgsm", "density-pgd", "density-cifar10_c", "density-cifar10_2"]
    large, small = drawn["density-cifar10_c"].figure.axes
    # accuracy - .10 + .02 k: basic .40 .44 .49 .49 .49; at 1 %, basic .30 .33 .36 .40 .41
    np.testing.assert_allclose(lines(large)[0][:, 1], [40, 44, 49, 49, 49])
    np.testing.assert_allclose(lines(small, "*")[0], [[51.2, 40]])
    np.testing.assert_allclose(lines(small, "^")[0], [[40.96, 41]])


def test_the_lowest_calibration_error_is_marked(frames, restudied):
    ece, *_ = figures.density_of_measures(restudied(frames, iterations="all"))
    np.testing.assert_allclose(np.concatenate(lines(ece.figure.axes[0], "^")), [[40.96, 16], [40.96, 16]])
    assert "lowest of the pruned networks" in [text.get_text() for text in ece.figure.legends[0].get_texts()]


def test_fit(frames):
    (drawn,) = figures.fit(frames)
    loss, gap, epochs = drawn.figure.axes
    np.testing.assert_allclose(lines(loss)[0], np.c_[DENSITY, [0.1, 0.15, 0.2, 0.25, 0.3]])
    # training .99 - .01 k less test of the last epoch, .01 below the table's, both at rand
    np.testing.assert_allclose(lines(gap)[1][:, 1], [62, 57, 52, 47, 40])
    search, control, *_ = lines(epochs)
    np.testing.assert_allclose(search, np.c_[[20, 38, 56, 74, 92], [59, 63, 69, 65, 61]])
    np.testing.assert_allclose(control, np.c_[[20, 38, 56, 74, 92], [59, 60, 61, 62, 63]])
    equal = [line for line in epochs.get_lines() if np.size(line.get_xdata()) == 1]
    np.testing.assert_allclose([np.asarray(line.get_xydata(), float)[0] for line in equal], [[80, 63], [80, 49]])


def test_mixed_labels_have_no_training_accuracy_and_no_gap(frames):
    (drawn,) = figures.fit(replace(frames, networks=frames.networks.assign(train_accuracy=np.nan)))
    assert not lines(drawn.figure.axes[1]) and lines(drawn.figure.axes[0])


@pytest.mark.parametrize("draw", [figures.density, figures.fit])
def test_nothing_is_drawn_of_nothing(frames, draw):
    assert draw(replace(frames, networks=frames.networks.iloc[:0])) == []


def test_best_sparse():
    k = np.arange(3)
    means = np.array([0.9, 0.5, 0.6])
    assert figures.best_sparse(Curve(k, 0.8**k, means, means, means, k)) == 2
    assert figures.best_sparse(Curve(k[:1], 0.8 ** k[:1], means[:1], means[:1], means[:1], k[:1])) is None
