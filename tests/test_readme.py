"""The README's commands and configs are the ones that exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from tf_dlth.config import load_config
from tf_dlth.config.study import load_study

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MADE = ("../index.md",)
"""Pages that the site makes of other files."""
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
STUDIES = [path for path in CONFIGS if re.search(r"^base:", path.read_text(encoding="utf-8"), re.MULTILINE)]
"""Grids of runs; the other configs are one run."""


def commands() -> list[tuple[str, list[str]]]:
    """(document, words) of every call of this package in the documents."""
    found = []
    for document in DOCUMENTS:
        text = re.sub(r"\\\n\s*", "", document.read_text(encoding="utf-8"))
        for line in re.findall(r"python -m tf_dlth\.\w+[^\n`&|]*", text):
            words = shlex.split(re.sub(r"\[[^\]]*\]", "", line), comments=True)
            found.append((document.name, words[2:]))
    return found


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command[1])[:60])
def test_r17_documented_commands_exist(command: tuple[str, list[str]]) -> None:
    document, words = command
    assert importlib.util.find_spec(words[0]) is not None, f"{document} names {words[0]}, which does not exist"


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command[1])[:60])
def test_r17_documented_configs_and_keys_exist(command: tuple[str, list[str]]) -> None:
    _, words = command
    if "--config" not in words or not (config := words[words.index("--config") + 1]).startswith("configs/"):
        return
    overrides = [word for word in words if re.fullmatch(r"[a-z_.]+=\S+", word)]
    load = load_study if ROOT / config in STUDIES else load_config
    load(ROOT / config, [word for word in overrides if "NAME" not in word])


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT / "configs")))
def test_r17_every_config_loads_and_opens_with_its_command(path: Path) -> None:
    load_study(path) if path in STUDIES else load_config(path)
    header = path.read_text(encoding="utf-8").split("\nname:")[0]
    assert f"--config {path.relative_to(ROOT).as_posix()}" in header


def test_pictures_are_shown_small_and_told_and_fetch_nothing() -> None:
    texts = {document: document.read_text(encoding="utf-8") for document in DOCUMENTS}
    shown = [
        ((document.parent / target).resolve(), alt)
        for document, text in texts.items()
        for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
    ]
    of_results = {path for path, _ in shown if path.is_relative_to(ROOT / "docs" / "results")}
    assert {path for path, _ in shown} - of_results == set((ROOT / "docs" / "images").iterdir())
    for path, alt in shown:
        content = path.read_bytes()
        assert len(alt.split()) > 5 and len(content) < 150_000
        assert path.suffix == ".png" or b"url(http" not in content


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)", document.read_text(encoding="utf-8"))
    targets = [target for target in targets if target not in MADE]
    assert [target for target in targets if not (document.parent / target).exists()] == []
