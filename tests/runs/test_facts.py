from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tf_dlth.errors import UserError
from tf_dlth.files import digest_of
from tf_dlth.runs.facts import Admitted, Facts, Values, read_facts, write_facts

FACTS = Facts(
    status="running",
    config_sha256="a" * 64,
    data_sha256="b" * 64,
    seed=3,
    initialisation={"init": "random"},
    versions={"tensorflow": "2.21.0"},
    host={"threads": 2, "cpu_flags": ["avx"]},
)
CHANGE = Admitted(
    from_iteration=1, config_sha256="c" * 64, data_sha256="d" * 64, keys={"pruning.rate": Values(old=0.2, new=0.5)}
)


def test_it_reads_what_was_written(tmp_path: Path) -> None:
    for facts in (FACTS, FACTS.model_copy(update={"admitted": (CHANGE,), "winner": 2, "files": {"x": "e" * 64}})):
        write_facts(tmp_path, facts)
        assert read_facts(tmp_path) == facts
    tree = json.loads((tmp_path / "run.json").read_text())
    assert tree.pop("run_sha256") == digest_of(tree)
    assert "encoder" not in tree, "what is None is left out"


def test_there_is_none(tmp_path: Path) -> None:
    assert read_facts(tmp_path) is None
    (tmp_path / "run.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"run\.json is a symbolic link"):
        read_facts(tmp_path)


def test_what_was_admitted_is_known() -> None:
    changed = FACTS.model_copy(update={"admitted": (CHANGE,)})
    assert FACTS.knows("a" * 64, "b" * 64)
    assert changed.knows("c" * 64, "d" * 64)
    assert not FACTS.knows("c" * 64, "b" * 64)
    assert not FACTS.knows("a" * 64, "d" * 64)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: tree.update(format_version=99), "format_version 99 is not known; this version reads 1"),
        (lambda tree: tree.pop("format_version"), "format_version None is not known"),
        (lambda tree: tree.update(status="done"), "is damaged: status"),
        (lambda tree: tree.update(seed=-1), "is damaged: seed"),
        (lambda tree: tree.update(data_sha256="b"), "is damaged: data_sha256"),
        (lambda tree: tree.update(manifests={"iteration_00": 1}), "is damaged: manifests"),
        (lambda tree: tree.update(comment="hello"), "is damaged: unknown key comment"),
        (lambda tree: tree.pop("versions"), "is damaged: key versions is missing"),
    ],
)
def test_signed_but_no_facts(
    tmp_path: Path, edit: Callable[..., None], change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    write_facts(tmp_path, FACTS)
    edit(tmp_path / "run.json", change)
    with pytest.raises(UserError) as refusal:
        read_facts(tmp_path)
    assert said in str(refusal.value)


def test_edited_but_not_signed(tmp_path: Path) -> None:
    write_facts(tmp_path, FACTS)
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('"seed": 3', '"seed": 4'))
    with pytest.raises(UserError, match=r"run\.json is damaged: expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64};"):
        read_facts(tmp_path)
