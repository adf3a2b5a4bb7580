"""The errors that a command turns into one line and an exit code."""

from __future__ import annotations


class UserError(Exception):
    """A mistake the user can mend; the message is one line that names the field or file and the way out."""

    exit_code = 2


class Stopped(Exception):
    """A signal asked for the end; the state is saved. ``exit_code`` is the shell's: 128 + the signal."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number
