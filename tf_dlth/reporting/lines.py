"""Whole lines on a console: what a long job says where there is no live display."""

from __future__ import annotations

import time

from rich.console import Console

from tf_dlth.errors import LONGEST_LINE, printable

SILENCE = 30.0
"""Seconds without a line after which a job off the terminal says where it is."""


class Lines:
    """Prints to ``console``, and knows how long nothing was printed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = time.monotonic()

    def line(self, text: str) -> None:
        """Whatever its length: it is not broken."""
        self._console.print(text, highlight=False, soft_wrap=True)
        self._told = time.monotonic()

    def warning(self, message: str) -> None:
        """What came from a file in it is made printable."""
        text = f"warning: {printable(message, LONGEST_LINE)}"
        self._console.print(text, style="yellow", highlight=False, soft_wrap=True)

    @property
    def silent(self) -> bool:
        """Whether it is time for a word."""
        return time.monotonic() - self._told > SILENCE
