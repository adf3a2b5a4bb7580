"""The bytes of a figure."""

from __future__ import annotations

import io
from xml.etree import ElementTree

from matplotlib.figure import Figure
from PIL import Image

from tf_dlth.reporting.figures.rendering import rendered


def drawing() -> Figure:
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([1, 2, 3], [3, 1, 2], marker="o", label="a curve")
    axes.fill_between([1, 3], [0, 0], [1, 1], alpha=0.2)
    axes.legend()
    return figure


def test_both_forms_are_complete_and_reproducible():
    png, svg = (rendered(drawing(), form) for form in ("png", "svg"))
    with Image.open(io.BytesIO(png)) as picture:
        assert (picture.format, picture.size) == ("PNG", (720, 360))
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert [rendered(drawing(), form) for form in ("png", "svg")] == [png, svg]
