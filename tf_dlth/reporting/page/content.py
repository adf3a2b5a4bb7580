"""What a page says, free of HTML: a title, one sentence that matters most, and sections of blocks.

All text is plain. ``name`` of a table or figure is the stem of its files beside the page; no two of a page are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.figure

from tf_dlth.reporting.figures.rendering import rendered


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Notes:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Command:
    """A line for a shell."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells as they are shown, the first of a row being its head.

    The CSV file holds ``records``, numbers unrounded, or the cells where there are none.
    """

    name: str
    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    records: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Figure:
    """A drawing; ``alt`` says in words what there is to see."""

    name: str
    caption: str
    alt: str
    svg: bytes
    png: bytes


@dataclass(frozen=True)
class Picture:
    """A photograph as PNG; ``size`` is (width, height) in pixels, ``enlarged`` keeps small ones' pixels sharp."""

    png: bytes
    size: tuple[int, int]
    alt: str
    caption: str
    enlarged: bool = False


@dataclass(frozen=True)
class Pictures:
    """A grid of photographs."""

    caption: str
    items: Sequence[Picture]


Block = Paragraph | Notes | Command | Table | Figure | Pictures


@dataclass(frozen=True)
class Section:
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """The report of one run or study; ``lead`` is its result in a sentence, ``name`` tells it from others beside it."""

    name: str
    title: str
    lead: str
    sections: Sequence[Section]

    @property
    def blocks(self) -> list[Block]:
        """All of them, in order."""
        return [block for section in self.sections for block in section.blocks]


def drawn(name: str, figure: matplotlib.figure.Figure, caption: str, alt: str) -> Figure:
    """A figure as a block."""
    return Figure(name, caption, alt, rendered(figure, "svg"), rendered(figure, "png"))
