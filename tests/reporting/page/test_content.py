from __future__ import annotations

import matplotlib.figure

from tf_dlth.reporting.page.content import Notes, Page, Paragraph, Section, drawn


def test_blocks_are_those_of_all_sections_in_order():
    first, second, third = Paragraph("a"), Notes(["b"]), Paragraph("c")
    page = Page("p", "title", "lead", [Section("one", [first]), Section("two", [second, third])])
    assert page.blocks == [first, second, third]


def test_a_figure_as_both_kinds_of_files():
    figure = matplotlib.figure.Figure()
    figure.add_subplot().plot([1, 2])
    block = drawn("curve", figure, "caption", "a line that rises")
    assert block.png.startswith(b"\x89PNG") and b"<svg" in block.svg
    assert block == drawn("curve", figure, "caption", "a line that rises")
    assert (block.name, block.caption, block.alt) == ("curve", "caption", "a line that rises")
