from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from tf_dlth.reporting.layout import print_lines, print_sentences, titled


@pytest.mark.parametrize("terminal", [True, False])
def test_words_stay_whole_on_a_terminal_and_lines_elsewhere(terminal: bool) -> None:
    out, line = io.StringIO(), "word " * 30 + "\x1b[2J"
    print_sentences(Console(file=out, width=40, force_terminal=terminal), [line])
    printed = out.getvalue().splitlines()
    assert (len(printed) > 1) == terminal
    assert max(map(len, printed)) <= 40 or not terminal
    assert "\x1b[2J" not in out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_to_be_copied_is_one_line(terminal: bool) -> None:
    out, line = io.StringIO(), "    python -m tf_dlth.predict saved_tickets/[a name] FOLDER"
    print_lines(Console(file=out, width=20, force_terminal=terminal), [line])
    assert out.getvalue() == f"{line}\n"


def test_a_title_is_as_wide_as_the_console_and_not_as_its_table() -> None:
    table, out = Table("k"), io.StringIO()
    table.add_row("1")
    Console(file=out, width=40).print(titled("a title of more words than columns", table))
    assert out.getvalue().splitlines()[0] == "a title of more words than columns"
