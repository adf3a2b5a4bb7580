"""Lines, warnings and silence."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tf_dlth.reporting import lines as module
from tf_dlth.reporting.lines import SILENCE, Lines


def test_lines_are_whole_and_warnings_printable():
    text = io.StringIO()
    lines = Lines(Console(file=text, width=20))
    lines.line("a line of more than twenty characters")
    lines.warning("one \x1b[31m" + "x" * 2000)
    line, warning = text.getvalue().splitlines()
    assert line == "a line of more than twenty characters"
    assert warning.startswith("warning: one ") and "\x1b" not in warning and len(warning) < 1020


def test_a_silence_begins_with_every_line(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    lines = Lines(Console(file=io.StringIO()))
    heard = []
    for now[0] in (SILENCE, SILENCE + 1, SILENCE + 2, 2 * SILENCE + 2):
        heard.append(lines.silent)
        if lines.silent:
            lines.line("here")
    assert heard == [False, True, False, True]
