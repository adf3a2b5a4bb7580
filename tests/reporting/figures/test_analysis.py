"""Every figure holds the curves that were found, with names and units on its axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from tf_dlth import commands
from tf_dlth.evaluation.analyses import branch_norms, cka, density, longtail, overlap, weight_norms
from tf_dlth.evaluation.analyses.findings import Request
from tf_dlth.reporting.figures import analysis as figures


def found(kind: Any, *paths: Path) -> Any:
    request = Request([str(path) for path in paths], lambda subject: commands.test_images(subject, None, None))
    return kind.analyse(request)


def drawn(figure: Figure, axes: int = 0) -> list[np.ndarray]:
    """The y values of the lines that have points."""
    lines = [np.asarray(line.get_ydata(), float) for line in figure.axes[axes].get_lines()]
    return [values for values in lines if values.size > 1]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_density(finished):
    findings = found(density, finished.path / "iteration_02", finished.path / "iteration_01")
    figure = figures.density(findings.results)
    lines = drawn(figure)
    assert len(lines) == 6
    for curves, record in zip((lines[:3], lines[3:]), findings.records, strict=True):
        for values, key in zip(curves, ("layers", "null_theta_0", "null_theta_r"), strict=True):
            np.testing.assert_allclose(values, [100 * x for x in record[key].values()])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()][5:8] == [
        "2.1 conv1", "2.1 conv2", "2.1 shortcut"
    ]  # fmt: skip
    assert legend(figure) == [
        "tiny/iteration_02, 64.00%",
        "tiny/iteration_01, 80.00%",
        "null control on theta_0",
        "null control on theta_r",
    ]


def test_overlap(finished):
    findings = found(overlap, *(finished.path / f"iteration_{k:02d}" for k in (0, 1, 2)))
    figure = figures.overlap(findings.results)
    lines = drawn(figure)
    assert len(lines) == 6
    np.testing.assert_allclose(lines[0], list(findings.records[0]["layers"].values()))
    np.testing.assert_allclose(lines[1], list(findings.records[0]["expected_layers"].values()))
    points = [float(np.asarray(line.get_xdata())[0]) for line in figure.axes[1].get_lines()]
    assert points == pytest.approx([x for r in findings.records for x in (r["jaccard"], r["expected"])])


def test_weight_norms(finished):
    findings = found(weight_norms, finished.path / "iteration_02")
    figure = figures.weight_norms(findings.results)
    layers = findings.records[0]["layers"].values()
    for values, name in zip(drawn(figure)[:3], ("masked", "magnitude", "whole"), strict=True):
        np.testing.assert_allclose(values, [ratios[name] for ratios in layers])
    assert f"{findings.records[0]['mean']['whole']:.2f}" in legend(figure)[2]


def test_branch_norms(finished):
    findings = found(branch_norms, finished.path / "iteration_02")
    (values,) = drawn(figures.branch_norms(findings.results))
    np.testing.assert_allclose(values, list(findings.records[0]["blocks"].values()))


def test_cka(finished):
    findings = found(cka, finished.path / "iteration_02", finished.path / "iteration_00")
    figure = figures.cka(findings.results)
    (image,) = figure.axes[0].get_images()
    np.testing.assert_allclose(np.asarray(image.get_array()), findings.results[0].matrix)
    assert (image.norm.vmin, image.norm.vmax) == (0, 1)
    assert figure.axes[0].get_xlabel() == "tiny/iteration_00"
    assert figure.axes[0].get_ylabel() == "tiny/iteration_02"


def test_longtail():
    findings = found(longtail)
    lines = drawn(figures.longtail(findings.results))
    assert [values.sum() for values in lines] == [19573, 15907, 12608, 10847]
