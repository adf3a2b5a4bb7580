"""How sentences and titles stand on a console, whatever its width."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tf_dlth.errors import LONGEST_LINE, printable


def print_sentences(console: Console, sentences: Iterable[str]) -> None:
    """Words are kept whole on a terminal; elsewhere lines are."""
    for sentence in sentences:
        text = printable(sentence, LONGEST_LINE)
        console.print(text, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Paths and commands, to be copied: never broken into lines."""
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def titled(title: str, table: Table) -> Group:
    """The title above its table, across the whole console: a table's own is broken to the width of the table."""
    return Group(Text(title, style="bold"), table)
