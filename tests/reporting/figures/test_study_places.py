"""The figures hold the numbers of the hand-made results, place by place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from tf_dlth.reporting.figures import study_places as figures

PUBLISHED = {
    "0.01": {"ticket": "table1/rows/cifar10/1%/random_init_r18/wt"},
    "0.01, basic": {"ticket": "table5/rows/cifar10/1%/wt"},
}


def means(axes: Axes) -> dict[str, list[float]]:
    """Label -> what is drawn at each place."""
    return {str(c.get_label()): list(np.asarray(c[0].get_ydata(), float)) for c in axes.containers}


def test_size(frames):
    (drawn,) = figures.size(frames)
    (axes,) = drawn.figure.axes
    expected = {
        "dense, basic": [50, 40],
        "ticket, basic": [55, 44],
        "dense, best augmentation": [60, 40],
        "ticket, best augmentation": [70, 56],
    }
    found = means(axes)
    assert found.keys() == expected.keys()
    for label, values in expected.items():
        assert found[label] == pytest.approx(values)
    (_, _, (whiskers,)) = axes.containers[3]
    # t(.975, 2) * .01 / sqrt(3) = 2.484 points
    np.testing.assert_allclose(whiskers.get_segments()[0][:, 1], [67.516, 72.484], atol=1e-3)
    assert axes.get_ylabel() == "test accuracy (%)"
    assert "ticket, best augmentation: 70.0 at 2 %, 56.0 at 1 %" in drawn.alt


def test_size_beside_the_paper(frames, restudied):
    (drawn,) = figures.size(restudied(frames, published=PUBLISHED))
    crosses = [line for line in drawn.figure.axes[0].get_lines() if line.get_marker() == "x"]
    np.testing.assert_allclose([np.asarray(line.get_xydata(), float)[0] for line in crosses], [[1, 38.31], [1, 59.66]])
    assert "the paper, chosen on the test set" in [text.get_text() for text in drawn.figure.legends[0].get_texts()]
    scaled = replace(frames, study=restudied(frames, scale="width 8").study)
    assert not [x for x in figures.size(scaled)[0].figure.axes[0].get_lines() if x.get_marker() == "x"]


def test_robustness_has_a_panel_a_measure(frames):
    (drawn,) = figures.robustness(frames)
    labels = [axes.get_ylabel() for axes in drawn.figure.axes]
    assert labels == [
        "calibration error (ECE, %)", "accuracy under FGSM (%)", "accuracy under PGD (%)",
        "accuracy on CIFAR-10-C (%)", "accuracy on CIFAR-10.2 (%)",
    ]  # fmt: skip
    corrupted = means(drawn.figure.axes[3])
    assert corrupted["ticket, best augmentation"] == pytest.approx([64, 54])  # .70 - .10 + .02 * 2, .56 - .10 + .08
    assert corrupted["dense, basic"] == pytest.approx([40, 30])


def test_only_what_was_measured(frames):
    networks = frames.networks.assign(ece=np.nan, fgsm=np.nan, pgd=np.nan, cifar10_c=np.nan)
    (drawn,) = figures.robustness(replace(frames, networks=networks))
    assert [axes.get_ylabel() for axes in drawn.figure.axes] == ["accuracy on CIFAR-10.2 (%)"]
    assert figures.robustness(replace(frames, networks=networks.assign(cifar10_2=np.nan))) == []


def test_bars(frames):
    (drawn,) = figures.bars(frames)
    axes = drawn.figure.axes[0]
    bars = {str(c.get_label()): [bar.get_height() for bar in c] for c in axes.containers[1::2]}
    expected = {
        "dense": [60, 40],
        "dense, chosen as often": [64, 44],
        "small dense": [63, 49],
        "random mask": [61, 47],
        "random mask, same layers": [65, 51],
        "ticket": [70, 56],
    }
    assert list(bars) == list(expected)
    for label, values in expected.items():
        assert bars[label] == pytest.approx(values)
    lefts = [bar.get_x() for container in axes.containers[1::2] for bar in container][::2]
    assert lefts == sorted(lefts)


def test_the_paper_s_widths_are_one_bar(frames):
    networks = frames.networks.assign(arm=frames.networks.arm.replace({"equal": "small_12", "long": "small_40"}))
    networks = networks[~((networks.arm == "small_12") & (networks["data.fraction"] == 0.02))]
    networks = networks[~((networks.arm == "small_40") & (networks["data.fraction"] == 0.01))]
    (drawn,) = figures.bars(replace(frames, networks=networks))
    bars = {str(c.get_label()): [bar.get_height() for bar in c] for c in drawn.figure.axes[0].containers[1::2]}
    assert bars["small, the paper's width"] == pytest.approx([72, 50])


@pytest.mark.parametrize("draw", [figures.size, figures.robustness, figures.bars])
def test_nothing_is_drawn_of_nothing(frames, draw):
    assert draw(replace(frames, networks=frames.networks.iloc[:0])) == []
