"""Every kind has its analysis and its figure, and refuses what means nothing to it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.findings import Findings, Request
from tf_dlth.reporting import analyses
from tf_dlth.reporting.analyses import KINDS, analyse, require_sensible, write

NOTHING = {"weights": None, "data": None, "data_dir": None}


@pytest.mark.parametrize("kind", KINDS)
def test_only_as_many_as_it_takes(kind: str, tmp_path: Path):
    least, most = KINDS[kind].least, KINDS[kind].most
    for n in range(5):
        paths = [f"run{i}" for i in range(n)]
        if least <= n <= (most or n):
            require_sensible(kind, paths, NOTHING, tmp_path / "out")
        else:
            with pytest.raises(UserError, match=f"{kind} takes {least} or .*, not {n}"):
                require_sensible(kind, paths, NOTHING, tmp_path / "out")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", NOTHING)
def test_only_the_options_that_mean_something(kind: str, option: str, tmp_path: Path):
    def check() -> None:
        require_sensible(kind, ["run"] * max(1, KINDS[kind].least), {**NOTHING, option: "last"}, tmp_path / "out")

    if option in KINDS[kind].options:
        check()
    else:
        with pytest.raises(UserError, match=f"does not look at --{option.replace('_', '-')}; leave it out"):
            check()


def test_a_kind_is_its_module(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(
        analyses.importlib, "import_module", lambda name: SimpleNamespace(analyse=lambda request: asked.append(name))
    )
    request: Any = Request([], lambda subject: None)  # type: ignore[arg-type]
    for kind in KINDS:
        analyse(kind, request)
    assert asked == [f"tf_dlth.evaluation.analyses.{kind.replace('-', '_')}" for kind in KINDS]


def test_findings_become_a_table_two_figures_and_their_settings(tmp_path: Path):
    from tf_dlth.evaluation.analyses import longtail

    findings: Findings[Any] = longtail.analyse(Request([], lambda subject: None))  # type: ignore[arg-type]
    paths = write("longtail", findings, tmp_path / "out", {"paths": []})
    assert [path.name for path in paths] == ["longtail.csv", "longtail.png", "longtail.svg"]
    assert len(list(csv.DictReader(paths[0].read_text().splitlines()))) == len(findings.rows)
    entry = json.loads((tmp_path / "out" / "analysis.json").read_text())["analyses"]["longtail"]
    assert entry["settings"]["paths"] == [] and "tf_dlth" in entry["settings"]["versions"]
