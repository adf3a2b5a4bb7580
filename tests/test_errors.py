from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_dlth.errors import LONGEST_LINE, UserError, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("photos/Großmutter 猫.jpg", "photos/Großmutter 猫.jpg"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("a\u2028b\u200bc", r"a\u2028b\u200bc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (os.fsdecode(b"\xff.jpg"), r"\xff.jpg"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_loses_its_middle() -> None:
    assert printable("a" * 300 + "b" * 300, 11) == "aaaa...bbbb"
    assert printable("abcdefghij", 10) == "abcdefghij"
    assert printable("\x1b" * 10, 12) == "\\x1b\\...\\x1b"


@given(st.text(st.characters(codec=None, exclude_categories=())), st.integers(3, 40))
def test_any_text_becomes_one_short_line(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(c) for c in shown if c not in "\u200c\u200d"} & {"Cc", "Cs", "Cf", "Zl", "Zp"}
    shown.encode()
    assert printable(shown, limit) == shown


def test_a_mistake_stays_one_line_whatever_a_file_puts_into_it() -> None:
    message = str(UserError("run.json is damaged: dense_would_win.\n\x1b[2J: must be a valid boolean" + "!" * 5000))
    assert message.startswith("run.json is damaged: dense_would_win. \\x1b[2J: must be a valid boolean!!!")
    assert len(message) == LONGEST_LINE
