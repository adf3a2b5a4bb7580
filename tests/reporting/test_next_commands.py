from __future__ import annotations

import importlib
import shlex
from pathlib import Path

from tf_dlth.reporting.next_commands import command_line, next_commands


def test_a_folder_with_blanks_is_one_word() -> None:
    assert command_line("predict", "my runs/pets") == "python -m tf_dlth.predict 'my runs/pets'"


def test_every_command_takes_its_words() -> None:
    commands = [shlex.split(line) for line in next_commands(Path("my runs/pets")).values()]
    assert [words[2] for words in commands] == ["tf_dlth.evaluate", "tf_dlth.predict", "tf_dlth.export"]
    for _, _, module, *words in commands:
        parsed = importlib.import_module(module)._parser().parse_args(words)
        assert "my runs/pets" in (getattr(parsed, "ticket", None), *getattr(parsed, "tickets", ()))
