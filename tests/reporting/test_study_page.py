from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tf_dlth.errors import UserError
from tf_dlth.reporting.page.content import Command, Figure, Notes, Page, Paragraph, Table
from tf_dlth.reporting.page.rendering import contents
from tf_dlth.reporting.study_page import study_page
from tf_dlth.studies.verdicts.judging import judge_study

FOLDER = Path("saved tickets/frames")


def texts(page: Page) -> str:
    found = []
    for block in page.blocks:
        found += [block.text] if isinstance(block, Paragraph | Command) else []
        found += list(block.items) if isinstance(block, Notes) else []
    return "\n".join(found)


def test_order_and_content(frames, restudied):
    results = restudied(frames, claims=["ticket-beats-matched", "probe-beats-dense"])
    page = study_page(results, judge_study(results), FOLDER, faults=["ticket at 0.5: failed twice"])
    assert (page.name, page.title) == ("frames", "Tickets by hand")
    assert page.lead.startswith("Of 2 claims, ")
    assert [section.title for section in page.sections] == [
        "What was asked", "Verdicts", "Results", "Figures", "Not tested", "Each run again", "Admitted changes"
    ]  # fmt: skip
    tables = [block.name for block in page.blocks if isinstance(block, Table)]
    assert tables == ["claims", "beside", "main", "best", "arms", "rules", "measures", "runs"]
    assert [block.name for block in page.blocks if isinstance(block, Figure)] == ["size", "density"]
    said = texts(page)
    assert "python -m tf_dlth.study --config 'saved tickets/frames/study.yaml'" in said
    assert "share of the training images: 2 % and 1 %" in said
    assert "ticket at 0.5: failed twice" in said
    assert "None: every run kept to one configuration from start to end." in said


def test_without_claims_the_lead_is_the_gain(frames):
    page = study_page(frames, [], FOLDER)
    assert page.lead == "Ticket less dense, in points: +10.0 ± 0.0 (3) at 2 %; +16.0 ± 0.0 (3) at 1 %."
    assert "Verdicts" not in [section.title for section in page.sections]


def test_the_scale_heads_the_page_and_every_table(frames, restudied):
    page = study_page(restudied(frames, scale="width 8, 20 epochs"), [], FOLDER)
    assert page.lead.startswith("Scale: width 8, 20 epochs. ")
    shown = [block for block in page.blocks if isinstance(block, Table | Figure) and block.name != "runs"]
    assert shown and all("Scale: width 8, 20 epochs." in block.caption for block in shown)
    assert not [block for block in shown if isinstance(block, Table) and any("paper:" in h for h in block.headers)]


def test_what_has_not_run(frames):
    empty = replace(frames, networks=frames.networks.iloc[:0], analyses=frames.analyses.iloc[:0])
    page = study_page(empty, [], FOLDER, {("0.02", "rand")})
    assert page.lead == "No network is trained so far."
    assert "Figure size: not run." in texts(page)
    assert "2 %, rand: not run: data absent." in texts(page)
    assert contents([page])["index.html"]


def test_files_and_pages(frames):
    files = contents([study_page(frames, [], FOLDER)])
    assert {"index.html", "main.csv", "best.csv", "size.svg", "size.png", "density.svg"} <= files.keys()
    header, first, *_ = files["main.csv"].decode().splitlines()
    assert header.startswith("data.fraction,data.augment,model,rule,star,pairs,mean,low,high,density")
    assert first.startswith("0.02,basic,dense,heldout,False,3,0.5")
    assert "70.0 ± 2.5 (3) rand" in files["best.csv"].decode()
    assert "70.0\u00a0±\u00a02.5\u00a0(3)" in files["index.html"].decode()


def test_an_unknown_figure(frames, restudied):
    with pytest.raises(UserError, match="did you mean density"):
        study_page(restudied(frames, show=["densities"]), [], FOLDER)
