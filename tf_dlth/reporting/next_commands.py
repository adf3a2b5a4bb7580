"""The commands to type after a run, with the run's own path."""

from __future__ import annotations

import shlex
from pathlib import Path

FOLDER = "FOLDER"
"""What a user puts the own images' folder in place of."""


def command_line(command: str, *words: str) -> str:
    """As it is typed in a shell."""
    return shlex.join(["python", "-m", f"tf_dlth.{command}", *words])


def next_commands(run: Path) -> dict[str, str]:
    """What each is for -> the command: measure, predict and export the network that the run chose."""
    return {
        "measure it on labelled images, a folder with one folder a class": command_line(
            "evaluate", str(run), "--data", FOLDER
        ),
        "name the classes of new pictures": command_line("predict", str(run), FOLDER),
        "make a file for a phone of it": command_line(
            "export", str(run), "--format", "tflite", "--out", f"{run}-tflite"
        ),
    }
