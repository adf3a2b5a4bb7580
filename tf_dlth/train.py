"""``python -m tf_dlth.train``: one run, from a config to its tickets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tf_dlth import commands
from tf_dlth.errors import Stopped, UserError, printable
from tf_dlth.pacing.durations import parse_duration
from tf_dlth.startup import start_tensorflow

if TYPE_CHECKING:
    from rich.console import Console

    from tf_dlth.config import Config
    from tf_dlth.experiment import Run
    from tf_dlth.preparation import Plan
    from tf_dlth.training.workers import Workers

DESCRIPTION = (
    "Finds sparse winning tickets by iterative magnitude pruning with rewinding. The same command goes on where a "
    "stopped run left off."
)


def train(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    from tf_dlth.config import load_config

    budget = None if options.budget is None else parse_duration(options.budget, "--budget")
    config = load_config(options.config, commands.overrides(options))
    config = config.model_copy(update={"data": commands.locate_data(config.data)})
    workers = commands.workers()
    _refuse(config, options, workers)
    start_tensorflow()
    from tf_dlth.experiment import follow

    console = commands.console()
    with _all_faults_named(console, options.dry_run):
        config, timed = _within_budget(config, budget, options, console)
        if options.dry_run:
            _rehearse(config, options, console, timed)
        elif workers and not workers.leads:
            follow(config, workers, devices=options.devices, trust=options.trust)
        elif options.folds:
            _run_folds(config, options, console, timed)
        else:
            _run(config, workers, options, console, timed)


def _refuse(config: Config, options: argparse.Namespace, workers: Workers | None) -> None:
    """Raises UserError for options that do not go together."""
    from tf_dlth.config.control import SUFFIX
    from tf_dlth.config.folds import folds_path
    from tf_dlth.runs.facts import RUN

    if options.folds and workers:
        raise UserError(
            "--folds is for one machine, and TF_CONFIG names several; train one fold after the other, each as a run "
            f"with a name and data.fold of its own, such as name=fold1 data.fold=[1,{options.folds}]"
        )
    if options.budget and workers:
        raise UserError("--budget measures one machine, and TF_CONFIG names several; set training.epochs instead")
    if options.control and workers:
        raise UserError(
            "--control is for one machine, and TF_CONFIG names several; train it afterwards, with "
            f"name={config.name}{SUFFIX} pruning.method=none"
        )
    _searches(config, options)
    if options.folds and (folds_path(config, options.folds) / RUN).exists():
        raise UserError(f"{folds_path(config, options.folds)} holds a run; choose another name for the folds")


def _run(config: Config, workers: Workers | None, options: argparse.Namespace, console: Console, timed: bool) -> None:
    runs = [_trained(each, workers, options, console, timed) for each in _searches(config, options)]
    if options.control:
        _print_beside(console, runs[0])
    commands.write_json(options.json, [{"run": str(done.path), **done.summary} for done in runs])


def _run_folds(config: Config, options: argparse.Namespace, console: Console, timed: bool) -> None:
    from tf_dlth.folding import judge, start_anew
    from tf_dlth.reporting.fold_tables import print_folds

    searches, runs = _searches(config, options), []
    if options.overwrite:
        start_anew(searches, devices=options.devices, trust=options.trust)
    for each in searches:
        console.print(f"run {len(runs) + 1} of {len(searches)}: {each.name} of {options.folds}")
        runs.append(_trained(each, None, options, console, timed))
    folds = judge([done.path for done in runs[: options.folds]])
    print_folds(console, folds)
    commands.write_json(
        options.json, [{"run": str(done.path), "choices": folds.of(done.path.name), **done.summary} for done in runs]
    )


def _trained(
    config: Config, workers: Workers | None, options: argparse.Namespace, console: Console, timed: bool
) -> Run:
    from tf_dlth.experiment import run

    try:
        done = run(
            config,
            devices=options.devices,
            overwrite=options.overwrite and not options.folds,
            allow_change=options.allow_change,
            trust=options.trust,
            observers=_observers(config, console, options.verbose),
            workers=workers,
            timed=timed,
        )
    except Stopped as stopped:
        if not options.overwrite:
            raise
        raise Stopped(stopped.signal_number, f"{stopped}, without --overwrite") from None
    _print_end(console, done)
    return done


def _searches(config: Config, options: argparse.Namespace) -> list[Config]:
    """The search, or that of each fold, and where they are asked for their controls."""
    from tf_dlth.config.control import control_of
    from tf_dlth.config.folds import folds_of

    searches = [config] if options.folds is None else folds_of(config, options.folds)
    return [*searches, *map(control_of, searches)] if options.control else searches


def _print_beside(console: Console, search: Run) -> None:
    """The search's last table again, now with its control in it."""
    from tf_dlth.reporting.run_record import read_record
    from tf_dlth.reporting.terminal import print_next, print_standings

    print_standings(console, read_record(search.path))
    print_next(console, search.path)


def _within_budget(
    config: Config, budget: float | None, options: argparse.Namespace, console: Console
) -> tuple[Config, bool]:
    """What is trained, and whether its time is still to be measured."""
    if budget is None:
        return config, True
    from tf_dlth.budgeting import CHOSEN, fitted, going_on
    from tf_dlth.reporting.layout import print_sentences

    searches = _searches(config, options)
    before = None if options.overwrite else going_on(searches[0])
    share = budget / len(searches)
    chosen, line = before or fitted(searches[0], share, devices=options.devices, trust=options.trust)
    print_sentences(console, [line])
    sections = {section: getattr(chosen, section) for section, _ in CHOSEN}
    return config.model_copy(update=sections), before is not None


def _rehearse(config: Config, options: argparse.Namespace, console: Console, timed: bool) -> None:
    from tf_dlth.folding import rehearse_folds
    from tf_dlth.reporting.fold_tables import folds_line
    from tf_dlth.reporting.layout import print_sentences
    from tf_dlth.reporting.plan import plan_lines, print_details
    from tf_dlth.runs.folder import run_path

    searches = _searches(config, options)
    plans = rehearse_folds(searches[: options.folds or 1], devices=options.devices, trust=options.trust, timed=timed)
    if options.verbose:
        print_details(console, plans[0])
    print_sentences(console, plan_lines(plans[0]))
    if options.folds:
        print_sentences(console, [folds_line(plans, len(searches), str(run_path(searches[0]).parent))])
    commands.write_json(options.json, [_plan_record(plan) for plan in plans])


@contextmanager
def _all_faults_named(console: Console, rehearsed: bool) -> Iterator[None]:
    """A rehearsal prints the name of every image that cannot be used, of which an error's one line holds a few."""
    from tf_dlth.data.faults import MOST_NAMED, ImageFaults

    try:
        yield
    except ImageFaults as faults:
        if rehearsed:
            console.print("\n".join(map(printable, faults.names)), soft_wrap=True)
        elif len(faults.names) > MOST_NAMED:
            raise UserError(f"{faults}; --dry-run lists all of them") from None
        raise


def _parser() -> commands.Parser:
    parser = commands.parser("train", DESCRIPTION)
    parser.add_argument("--config", required=True, metavar="FILE", help="a YAML file; see configs/")
    parser.add_argument("overrides", nargs="*", metavar="key.path=value", help="such as training.epochs=20")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done and how long, and keep nothing")
    parser.add_argument(
        "--budget",
        metavar="30m",
        help="choose the width, epochs and iterations that fit into this time on this machine; keys that are set stay",
    )
    parser.add_argument(
        "--control",
        action="store_true",
        help="then train as often without pruning, as NAME-control: what choosing gains",
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="a search for each of N folds of the images, held out in turn to choose by: for few images",
    )
    parser.add_argument("--verbose", action="store_true", help="print every key with its value too, and every class")
    parser.add_argument("--overwrite", action="store_true", help="remove an earlier run of this name first")
    parser.add_argument(
        "--allow-change",
        action="append",
        default=[],
        metavar="key.path",
        help="go on although this key differs",
    )
    parser.add_argument(
        "--trust", action="store_true", help="import architectures that a ticket named in the config asks for"
    )
    return parser


def _observers(config: Config, console: Console, verbose: bool = False) -> list:
    from tf_dlth.reporting.figures.run import Figures
    from tf_dlth.reporting.tensorboard import TensorBoard
    from tf_dlth.reporting.terminal import Terminal

    boards = [TensorBoard()] if config.output.tensorboard else []
    return [Figures(), *boards, Terminal(console, verbose)]


def _plan_record(plan: Plan) -> dict:
    return {
        "config": plan.config.model_dump(mode="json"),
        "parameters": plan.parameters,
        "prunable": plan.prunable,
        "unprunable_layers": list(plan.unprunable_layers),
        "initialisation": plan.initialisation,
        "images_per_class": plan.images_per_class,
        "sizes": [{"width": w, "height": h, "images": count} for (h, w), count in plan.sizes.items()],
        "skipped": dict(plan.skipped),
        "steps": plan.steps,
        "bytes": plan.bytes,
        "seconds": plan.seconds,
    }


def _print_end(console: Console, done: Run) -> None:
    if not done.trained:
        winner = done.winner
        what = "its winning ticket" if winner.iteration else "its network"
        console.print(f"{done.path} is finished already; {what}: {winner.path}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(train, arguments)


if __name__ == "__main__":
    sys.exit(main())
