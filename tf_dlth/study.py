"""``python -m tf_dlth.study``: a grid of runs over seeds, measured and compared."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tf_dlth import commands
from tf_dlth.config.study import load_study
from tf_dlth.errors import UserError
from tf_dlth.reporting.figures.study import require_known
from tf_dlth.reporting.layout import print_sentences
from tf_dlth.reporting.studying import StudyLines, grid_rows, plan_record, plan_rows, reasons, record
from tf_dlth.startup import start_tensorflow
from tf_dlth.studies.grid import Grid
from tf_dlth.studies.ledger import Ledger
from tf_dlth.studies.results import NETWORKS
from tf_dlth.studies.verdicts import claims

if TYPE_CHECKING:
    from tf_dlth.studies.engines import Engine

DESCRIPTION = (
    "Trains and measures all cells of a study, and writes their tables. What is done is not done again; the same "
    "command goes on where a stopped study left off."
)


def study(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    if options.workers is not None and options.workers < 1:
        raise UserError(f"--workers {options.workers}: must be at least 1")
    config = load_study(options.config, options.overrides)
    require_known(config.show)
    claims.require_known(config.claims)
    grid = Grid(config, options.config, commands.data_dirs(options.data_dir))
    if options.status:
        _print_status(Ledger(grid, trusting=True), options)
    elif options.dry_run:
        _print_plan(Ledger(grid, trusting=True), options)
    else:
        _run(Ledger(grid), options)


def _run(ledger: Ledger, options: Any) -> None:
    from tf_dlth.reporting.hparams import write_hparams
    from tf_dlth.studies.results import read_results
    from tf_dlth.studies.study import refuse_others, run_study, study_path

    config = ledger.grid.study
    refuse_others(config)
    console = commands.console()
    with _engine(options, config.threads) as engine, StudyLines(console) as lines:
        standings = run_study(ledger, engine, options.devices, lines)
        for line in reasons(standings):
            lines.line(line)
        lines.line(f"tables: {study_path(config) / NETWORKS}")
        lines.line(f"TensorBoard: {write_hparams(read_results(study_path(config)), study_path(config))}")
    commands.write_json(options.json, [record(standing) for standing in standings])


def _engine(options: Any, threads: int) -> Engine:
    if options.engine == "ray":
        from tf_dlth.studies.engines.ray import Ray

        return Ray(options.workers, threads, options.devices)
    from tf_dlth.studies.engines.local import Local

    return Local(options.workers or default_workers(threads), threads)


def default_workers(threads: int) -> int:
    """As many as the cores that this process may use hold."""
    return max(1, len(os.sched_getaffinity(0)) // threads)


def _print_status(ledger: Ledger, options: Any) -> None:
    standings = ledger.standings()
    console = commands.console()
    console.print(commands.table(grid_rows(standings), console.width))
    print_sentences(console, reasons(standings))
    commands.write_json(options.json, [record(standing) for standing in standings])


def _print_plan(ledger: Ledger, options: Any) -> None:
    start_tensorflow()
    from tf_dlth.studies.planning import Planner, left

    threads = ledger.grid.study.threads
    workers = options.workers or default_workers(threads)
    plan = Planner(ledger, options.devices).plan()
    console = commands.console()
    console.print(commands.table(plan_rows(plan), console.width))
    sums = left(plan, workers)
    sentences = [
        *reasons([planned.standing for planned in plan if planned.standing.state == "absent"]),
        f"left: {sums['cells']:,} cells, {sums['steps']:,} training steps, up to {sums['bytes'] / 2**20:,.0f} MiB; "
        f"about {sums['hours']:,.1f} hours with {workers} at a time and {threads} threads each",
        "an estimate from the first steps and evaluations of each network on this machine as busy as it is now; "
        "measures and analyses take more",
    ]
    print_sentences(console, sentences)
    commands.write_json(options.json, [plan_record(planned) for planned in plan])


def _parser() -> commands.Parser:
    parser = commands.parser("study", DESCRIPTION)
    parser.add_argument("--config", required=True, metavar="FILE", help="a study's YAML file; see configs/scaled/")
    parser.add_argument("overrides", nargs="*", metavar="key.path=value", help="of the study, such as seeds=[0,1]")
    parser.add_argument("--engine", choices=["local", "ray"], default="local", help="default: local")
    parser.add_argument("--workers", type=int, metavar="N", help="cells at a time; default: cores over study threads")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done and how long it may take")
    parser.add_argument("--status", action="store_true", help="print what is done, running, failed and waiting")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(study, arguments)


if __name__ == "__main__":
    sys.exit(main())
