"""The errors that a command turns into one line and an exit code."""

from __future__ import annotations

import re
import unicodedata

LONGEST_LINE = 1000
"""Characters of an error or a warning."""
UNPRINTABLE = ("Cc", "Cs", "Cf", "Zl", "Zp")
"""Unicode categories that steer a terminal, turn the direction of text, break lines or cannot be encoded."""
JOINERS = "\u200c\u200d"
"""Of those, what words of some scripts are spelt with."""


def printable(text: str, limit: int = 200) -> str:
    """Text from a file or a file's name as a terminal may show it: one line of at most ``limit`` characters.

    What is unprintable is escaped (``\\x1b``; a byte that is no UTF-8 as ``\\xff``), what is too long loses its middle.
    """
    shown = "".join(map(_escaped, text if len(text) <= limit else _shortened(text, limit)))
    return shown if len(shown) <= limit else _shortened(shown, limit)


def one_line(text: str) -> str:
    """An error or a warning as it may be shown; breaks of lines become blanks."""
    return printable(re.sub(r"\s*[\r\n]\s*", " ", text.strip()), LONGEST_LINE)


def _shortened(text: str, limit: int) -> str:
    kept = max(0, limit - 3)
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in UNPRINTABLE or character in JOINERS:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "backslashreplace").decode()


class UserError(Exception):
    """A mistake the user can mend; the message is one line that names the field or file and the way out.

    It stays one line whatever came from a file: what is unprintable is escaped, what is too long loses its middle.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class DataAbsent(UserError):
    """Images that are not on this machine: a mistake of a run, while a study goes on without them."""


class Stopped(Exception):
    """A signal asked for the end; the state is saved. ``exit_code`` is the shell's: 128 + the signal."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
