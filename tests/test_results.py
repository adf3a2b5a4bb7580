"""What ``docs/results`` shows follows from the tables that lie beside it, and what the pages say follows from that.

Each folder of ``docs/results`` holds a study's tables (``study.yaml``, ``networks.csv``, ``analyses.csv``) and, in
``report``, what ``python -m tf_dlth.report docs/results/NAME --out docs/results/NAME/report`` makes of them.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pytest

from tf_dlth.report import main as report

ROOT = Path(__file__).parents[1]
STUDIES = sorted(path.parent for path in (ROOT / "docs" / "results").glob("*/study.yaml"))
PAGE = ROOT / "docs" / "results.md"
MINIMUM_PAIRS = 3
DIGITS = {"ratio": 2, "nats": 2}
"""Decimals of a difference, by its unit; others have one."""


def claims(study: Path) -> pd.DataFrame:
    return pd.read_csv(study / "report" / "claims.csv", keep_default_na=False)


def words(page: Path) -> str:
    """The text of a page of HTML, without its figures, which differ with the fonts of a machine."""
    text = re.sub(r"<(svg|style|script)\b.*?</\1>|<img\b[^>]*>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_there_are_results() -> None:
    assert STUDIES


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_the_report_follows_from_the_tables(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert report([study.relative_to(ROOT).as_posix(), "--out", str(tmp_path / "report")]) == 0
    kept, anew = study / "report", tmp_path / "report"
    assert {path.name for path in kept.iterdir()} == {path.name for path in anew.iterdir()}
    for path in sorted(kept.glob("*.csv")):
        pd.testing.assert_frame_equal(pd.read_csv(path), pd.read_csv(anew / path.name), obj=path.name)
    assert words(kept / "index.html") == words(anew / "index.html")


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_nothing_is_confirmed_by_few_pairs(study: Path) -> None:
    found = claims(study)
    assert (found.loc[found["verdict"].isin(["confirmed", "contradicted"]), "pairs"].astype(int) >= MINIMUM_PAIRS).all()


def row_of(claim: pd.Series) -> str:
    """The line that the page has for a claim: verdict, difference within its interval in the claim's unit, pairs."""
    if claim["verdict"] == "not tested":
        return f"| `{claim['claim']}` | not tested | - | - |"
    numbers = [float(claim[name]) for name in ("difference", "low", "high")]
    digits = DIGITS.get(claim["unit"], 1)
    shown, low, high = (f"{number:+.{digits}f}" for number in numbers)
    return f"| `{claim['claim']}` | {claim['verdict']} | {shown} {claim['unit']} [{low}, {high}] | {claim['pairs']} |"


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.name)
def test_the_page_has_every_verdict_with_its_numbers(study: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"docs/results/{study.name}" in text
    assert [row for row in map(row_of, (claim for _, claim in claims(study).iterrows())) if row not in text] == []


QUOTED = [
    ("beside.csv", {"claim": "ticket-beats-matched", "difference of": "ticket - dense", "rule": "heldout"}),
    ("beside.csv", {"claim": "gain-survives-equal-compute", "difference of": "ticket - dense at equal compute",
                    "rule": "heldout"}),
    ("claims.csv", {"claim": "ticket-beats-matched"}),
]  # fmt: skip
"""The rows whose differences are on the README's first screen."""


@pytest.mark.parametrize(("table", "where"), QUOTED)
def test_the_readme_quotes_the_digits_study(table: str, where: dict[str, str]) -> None:
    found = pd.read_csv(ROOT / "docs" / "results" / "digits" / "report" / table, keep_default_na=False)
    for column, value in where.items():
        found = found[found[column] == value]
    (row,) = found.to_dict("records")
    if table == "beside.csv":
        shown = row["difference"]
    else:
        shown = "{:+.1f} [{:+.1f}, {:+.1f}] points".format(
            *(float(row[name]) for name in ("difference", "low", "high"))
        )
    for page in (ROOT / "README.md", PAGE):
        assert shown in " ".join(page.read_text(encoding="utf-8").split())
