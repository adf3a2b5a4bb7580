from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from tf_dlth.analysis.curves import Curve
from tf_dlth.evaluation.analyses.curves import RuleCurve
from tf_dlth.evaluation.analyses.fit import ArmFit
from tf_dlth.reporting.figures.curves import curves, fit


def curve(*means: float, reach: float = np.nan) -> Curve:
    mean = np.array(means)
    k = np.arange(len(means))
    return Curve(k, 0.8**k, mean, mean - reach, mean + reach, np.full(len(means), 2))


def arm(label: str, every: int = 1) -> Any:
    """As the figure sees it; compared by identity."""
    return type("Arm", (SimpleNamespace,), {"__hash__": object.__hash__})(label=label, every=every, path=Path(label))


def points(line: Line2D) -> np.ndarray:
    """[points, 2], as it is drawn."""
    return np.asarray(line.get_xydata(), float)


def test_a_panel_a_rule_and_a_curve_an_arm():
    basic, rand = arm("basic"), arm("rand")
    figure = curves(
        [
            RuleCurve(basic, "test_best", curve(0.5, 0.6, 0.4, reach=0.05)),
            RuleCurve(basic, "last", curve(0.4, 0.5, 0.3)),
            RuleCurve(rand, "last", curve(0.9, 0.2, 0.3)),
        ]
    )
    first, second = figure.axes
    assert first.get_title(loc="left") == "best epoch on the test set (the paper's way)"
    assert second.get_title(loc="left") == "last epoch"
    line, star = first.get_lines()
    np.testing.assert_allclose(points(line), [[100, 50], [80, 60], [64, 40]])
    np.testing.assert_allclose(points(star), [[80, 60]])
    (band,) = first.collections
    vertices = np.asarray(band.get_paths()[0].vertices)
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == (35, 65)
    _, _, other, other_star = second.get_lines()
    np.testing.assert_allclose(points(other)[:, 1], [90, 20, 30])
    np.testing.assert_allclose(points(other_star), [[64, 30]])
    assert not second.collections
    assert first.get_xlim()[0] > first.get_xlim()[1]
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["basic", "rand"]


def test_an_interval_wider_than_what_can_be_is_cut():
    (axes,) = curves([RuleCurve(arm("two"), "last", curve(0.5, 0.6, reach=3))]).axes
    assert axes.get_ylim() == (0, 100)


def test_other_intervals_of_evaluation_have_no_common_title():
    pair = [RuleCurve(arm(str(every), every), "test_best", curve(0.5)) for every in (1, 10)]
    assert curves(pair).axes[0].get_title(loc="left") == "test_best"


def test_fit():
    parts = [curve(0.5, 0.25), curve(0.9, 0.95), curve(0.3, 0.2), curve(0.6, 0.75)]
    figure = fit([ArmFit(arm("one"), *parts)])
    values = [points(axes.get_lines()[0])[:, 1] for axes in figure.axes]
    np.testing.assert_allclose(values, [[0.5, 0.25], [90, 95], [30, 20], [60, 75]])
    np.testing.assert_allclose(points(figure.axes[0].get_lines()[0])[:, 0], [100, 80])
    np.testing.assert_allclose(points(figure.axes[3].get_lines()[0])[:, 0], [1, 0.8])
