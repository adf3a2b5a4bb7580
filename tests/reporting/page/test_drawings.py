from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib.figure
import pytest

from tf_dlth.reporting.figures.rendering import rendered
from tf_dlth.reporting.page.drawings import LEAST, inline


@pytest.fixture(scope="module")
def svg() -> bytes:
    figure = matplotlib.figure.Figure(figsize=(5, 3))
    axes = figure.add_subplot()
    axes.plot([1, 2], marker="o")
    axes.fill_between([0, 1], [1, 1], [2, 2], hatch="/")
    axes.set_title("a -- b")
    return rendered(figure, "svg")


def ids(text: str) -> list[str]:
    return re.findall(r'\bid="([^"]+)"', text)


def test_ids_of_two_drawings_differ_and_references_follow(svg: bytes):
    first, second = inline(svg, "one-", "a"), inline(svg, "two-", "b")
    assert not set(ids(first)) & set(ids(second))
    for text, prefix in ((first, "one-"), (second, "two-")):
        assert len(ids(text)) == len(set(ids(text))) > 20
        referred = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
        assert referred and referred <= set(ids(text))
        assert all(name.startswith(prefix) for name in ids(text))
    assert "url(#one-" in first


def test_nothing_but_the_drawing_is_left(svg: bytes):
    text = inline(svg, "x-", "a")
    for word in ("<?xml", "<!DOCTYPE", "<metadata", "<style", "<!--", "purl.org", "matplotlib.org"):
        assert word.encode() in svg or word == "purl.org", word
        assert word not in text


def test_alt_text_and_width(svg: bytes):
    root = ElementTree.fromstring(inline(svg, "x-", 'what "is" <there>'))
    assert root.get("role") == "img" and root.get("aria-label") == 'what "is" <there>'
    assert root.get("style") == f"max-width: 360pt; min-width: {LEAST * 360:g}pt"
    assert root.get("viewBox") and root.get("width") is None and root.get("height") is None
