"""Pages as one HTML file that needs nothing else, and as the files beside it."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import Sequence
from importlib import resources

import jinja2
from markupsafe import Markup

from tf_dlth.errors import UserError
from tf_dlth.reporting.analysis_folder import to_csv
from tf_dlth.reporting.page.content import Block, Figure, Page, Table
from tf_dlth.reporting.page.drawings import inline

INDEX = "index.html"
NUMBER = re.compile(r"[+−±-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?%?( ± \d+(\.\d+)?)?")


def contents(pages: Sequence[Page]) -> dict[str, bytes]:
    """By file name: the page, and every table and figure of it; with several pages their names come first."""
    found: dict[str, bytes] = {}
    for page, prefix in zip(pages, prefixes(pages), strict=True):
        for block in page.blocks:
            for name, content in _files(block).items():
                assert prefix + name not in found, f"two blocks of a page are named {name}"
                found[prefix + name] = content
    return {INDEX: html(pages), **found}


def prefixes(pages: Sequence[Page]) -> list[str]:
    """What file names and ids of each page begin with; raises UserError where two pages have one name."""
    if len({page.name for page in pages}) < len(pages):
        raise UserError("two runs or studies have the same name; report them to folders of their own")
    return [""] if len(pages) == 1 else [f"{page.name}-" for page in pages]


def html(pages: Sequence[Page]) -> bytes:
    """One document; equal pages give equal bytes."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        kind=lambda block: type(block).__name__, drawing=_drawing, data_uri=_data_uri, numeric=numeric_columns
    )
    template = environment.from_string(_packaged("page.html"))
    style = Markup(_packaged("style.css"))
    return template.render(pages=pages, prefixes=prefixes(pages), style=style).encode()


def numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers alone, and stand to the right; an empty cell or a dash is no obstacle."""
    columns = [[row[i] for row in table.rows] for i in range(len(table.headers))]
    return [any(map(_is_number, cells)) and all(_is_number(c) or c in ("", "-") for c in cells) for cells in columns]


def _files(block: Block) -> dict[str, bytes]:
    if isinstance(block, Figure):
        return {f"{block.name}.svg": block.svg, f"{block.name}.png": block.png}
    if isinstance(block, Table):
        return {f"{block.name}.csv": to_csv(block.records) if block.records else _cells(block)}
    return {}


def _cells(table: Table) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.headers, *table.rows])
    return text.getvalue().encode()


def _is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None


def _drawing(figure: Figure, prefix: str) -> Markup:
    return Markup(inline(figure.svg, f"{prefix}{figure.name}-", figure.alt))


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _packaged(name: str) -> str:
    return resources.files("tf_dlth.reporting.page").joinpath(name).read_text(encoding="utf-8")
