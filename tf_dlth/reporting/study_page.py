"""The page of a study: what was asked, what came out, how sure that is, and how to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tf_dlth.reporting import study_claims, study_models, study_runs, study_tables
from tf_dlth.reporting.figures.study import SHOW, TABLE, require_known
from tf_dlth.reporting.page.content import Block, Command, Notes, Page, Paragraph, Section, Table, drawn
from tf_dlth.reporting.study_models import DENSE, TICKET
from tf_dlth.reporting.study_tables import NOTHING_ABSENT, Setting
from tf_dlth.reporting.study_text import (
    ABSENT,
    NOT_RUN,
    axis_title,
    gain,
    listed,
    model_title,
    place_title,
    value_title,
)

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results
    from tf_dlth.studies.verdicts.judging import Judged

NO_BREAK = "\u00a0"


def study_page(
    results: Results,
    judged: Sequence[Judged],
    folder: Path,
    absent: Collection[Setting] = NOTHING_ABSENT,
    faults: Sequence[str] = (),
) -> Page:
    """``absent`` are settings whose data this machine lacks; ``faults`` says of cells that failed what happened.

    Raises UserError for a figure in ``show`` that does not exist.
    """
    study = results.study
    require_known(study.show)
    sections = [
        Section("What was asked", _asked(results)),
        Section("Verdicts", _verdicts(judged)),
        Section("Results", _tables(results, absent)),
        Section("Figures", _figures(results)),
        Section("Not tested", _not_tested(results, judged, absent, faults)),
        Section("Each run again", _again(results, folder)),
        Section("Admitted changes", _admitted(results)),
    ]
    title = study.title or study.name
    lead = f"Scale: {study.scale}. {_lead(results, judged)}" if study.scale else _lead(results, judged)
    kept = [Section(section.title, [_unbroken(block) for block in section.blocks]) for section in sections]
    return Page(study.name, title, lead, [section for section in kept if section.blocks])


def _unbroken(block: Block) -> Block:
    """A table whose cells keep a mean and its interval on one line; its CSV file has plain spaces."""
    if not isinstance(block, Table):
        return block
    records = block.records or [dict(zip(block.headers, row, strict=True)) for row in block.rows]
    rows = [[text.replace(" ", NO_BREAK) if "±" in text or "[" in text else text for text in row] for row in block.rows]
    return replace(block, rows=rows, records=records)


def _lead(results: Results, judged: Sequence[Judged]) -> str:
    if judged:
        return study_claims.tally(judged)
    study = results.study
    found = study_models.starred(study_models.decided(results), study, study_models.stars(results))
    gains = []
    for place in study_models.places(study):
        here = study_models.at(found, study_models.place_axes(study), place)
        ticket, dense = (here[here["model"] == model] for model in (TICKET, DENSE))
        difference = study_models.difference(ticket, dense)
        if difference.n:
            gains.append(f"{gain(difference)} at {place_title(study, place)}")
    return f"Ticket less dense, in points: {'; '.join(gains)}." if gains else "No network is trained so far."


def _asked(results: Results) -> list[Block]:
    study = results.study
    axes = [f"{axis_title(axis)}: {listed([value_title(axis, value) for value in study_models.names(study, axis)])}"
            for axis in study.axes]  # fmt: skip
    notes = [
        *axes,
        f"arms: {'; '.join(model_title(arm) for arm in study.arms)}",
        f"pairs of a seed and a choice of training images: {len(study.seeds)}",
        f"trained so far: {results.networks['run'].nunique():,} runs, {len(results.networks):,} networks",
    ]
    if study.best_of:
        notes.append(f"the best {axis_title(study.best_of)} stands for each class of models, chosen on held-out images")
    if study.scale:
        notes.append(f"scale: {study.scale}; smaller than the paper, so nothing here stands in a cell of its tables")
    first = f"Every setting is trained from {study.base} with every arm and every pair."
    return [Paragraph(first), Notes(notes)]


def _verdicts(judged: Sequence[Judged]) -> list[Block]:
    if not judged:
        return []
    other = study_claims.beside(judged)
    words = [Notes(study_claims.in_words(judged)), Paragraph(study_claims.DECISION)]
    return [study_claims.claims(judged), *words, *([other] if other else [])]


def _tables(results: Results, absent: Collection[Setting]) -> list[Block]:
    found = (
        study_tables.main(results, absent),
        study_tables.best_of(results),
        study_tables.arms(results),
        study_tables.rules(results),
        study_tables.measures(results),
    )
    doubts = study_claims.doubtful(results)
    return [*(table for table in found if table is not None), *([Notes(doubts)] if doubts else [])]


def _figures(results: Results) -> list[Block]:
    blocks: list[Block] = []
    scale = f" Scale: {results.study.scale}." if results.study.scale else ""
    for name in results.study.show:
        if name == TABLE:
            continue
        figures = SHOW[name](results)
        blocks += [drawn(one.name, one.figure, f"{one.caption}{scale}", one.alt) for one in figures]
        if not figures:
            blocks.append(Paragraph(f"Figure {name}: {NOT_RUN}."))
    return blocks


def _not_tested(
    results: Results, judged: Sequence[Judged], absent: Collection[Setting], faults: Sequence[str]
) -> list[Block]:
    lacking = [f"{', '.join(study_tables.values(results.study, setting))}: {ABSENT}." for setting in sorted(absent)]
    notes = [*study_claims.not_tested(judged), *lacking, *faults]
    return [Notes(notes)] if notes else []


def _again(results: Results, folder: Path) -> list[Block]:
    whole = f"python -m tf_dlth.study --config {shlex.quote(str(folder / 'study.yaml'))}"
    first = Paragraph("The whole study; what is finished is not done again.")
    runs = [study_runs.commands(results)] if len(results.networks) else []
    return [first, Command(whole), *runs]


def _admitted(results: Results) -> list[Block]:
    table = study_runs.admitted(results)
    return [table] if table else [Paragraph("None: every run kept to one configuration from start to end.")]
