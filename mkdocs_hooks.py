"""Pages of the site that stand elsewhere: the README, the changelog, and each command's own help."""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tf_dlth.__main__ import COMMANDS

ROOT = Path(__file__).parent


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts a page a command into the navigation."""
    pages = [{name: f"commands/{name}.md"} for name in COMMANDS]
    config.nav = [{"Commands": pages} if entry == {"Commands": []} else entry for entry in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    pages = {
        "index.md": (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "]("),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        **{f"commands/{name}.md": command_page(name) for name in COMMANDS},
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def command_page(name: str) -> str:
    """What ``--help`` says, as Markdown."""
    os.environ["COLUMNS"] = "100"  # what argparse breaks its usage at
    parser = importlib.import_module(f"tf_dlth.{name}")._parser()
    rows = [f"| `{_words(action)}` | {_meaning(action)} |" for action in parser._actions]
    usage = parser.format_usage().removeprefix("usage: ")
    head = [f"# {name}", "", parser.description, "", "```text", usage.rstrip(), "```", ""]
    return "\n".join(
        [*head, "| option | meaning |", "|---|---|", *rows, "", f"`tf-dlth {name}` is the same command.", ""]
    )


def _words(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return str(value)
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {value}"


def _meaning(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%").replace("|", "\\|")
    return f"{text}; required" if action.required and action.option_strings else text
