"""The options of the commands are a contract: one that is added, renamed or dropped shows here."""

from __future__ import annotations

import importlib

import pytest

from tf_dlth.__main__ import COMMANDS

COMMON = {"--help", "--data-dir", "--devices", "--json"}
OWN = {"init": {"--help", "file"}}
"""Commands that compute nothing, and so have no devices and no results."""
OPTIONS = {
    "train": {
        "--config",
        "overrides",
        "--dry-run",
        "--budget",
        "--verbose",
        "--overwrite",
        "--allow-change",
        "--control",
        "--folds",
        "--trust",
    },
    "evaluate": {"tickets", "--weights", "--data", "--iterations", "--ece", "--attack", "--epsilon", "--trust"},
    "predict": {"ticket", "images", "--csv", "--top", "--weights", "--trust"},
    "analyze": {"kind", "paths", "--weights", "--out", "--data", "--trust"},
    "probe": {"ticket", "overrides", "--data", "--weights", "--trust"},
    "report": {"paths", "--out", "--weights", "--trust"},
    "pretrain": {"--config", "overrides", "--overwrite", "--allow-change"},
    "export": {"ticket", "--format", "--out", "--int8", "--weights", "--trust"},
    "study": {"--config", "overrides", "--engine", "--workers", "--dry-run", "--status"},
    "list": {"folder"},
    "card": {"ticket", "--out"},
    "push": {"ticket", "target", "--yes"},
    "corrupt": {"--data", "--out", "--kinds", "--severities", "--seed", "--frost"},
}


def test_r17_every_command_is_listed() -> None:
    assert COMMANDS.keys() == OPTIONS.keys() | OWN.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_r17_options(command: str) -> None:
    actions = importlib.import_module(f"tf_dlth.{command}")._parser()._actions
    found = {action.option_strings[-1] if action.option_strings else action.dest for action in actions}
    assert found == (OWN[command] if command in OWN else COMMON | OPTIONS[command])
