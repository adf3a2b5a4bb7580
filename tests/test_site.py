"""The site's pages that are made of other files."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tf_dlth.__main__ import COMMANDS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mkdocs_hooks", ROOT / "mkdocs_hooks.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_page_has_every_option_of_its_parser(hooks: ModuleType, name: str) -> None:
    page = hooks.command_page(name)
    parser = importlib.import_module(f"tf_dlth.{name}")._parser()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len(parser._actions)
    assert page.startswith(f"# {name}\n\n{parser.description}\n")
    for action, row in zip(parser._actions, rows, strict=True):
        assert all(option in row for option in action.option_strings)


def test_a_table_of_alternatives(hooks: ModuleType) -> None:
    assert "| `--attack fgsm|pgd` | the accuracy on adversarial images too |" in hooks.command_page("evaluate")
    assert "; required |" in hooks.command_page("train")
