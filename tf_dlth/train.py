"""``python -m tf_dlth.train``: one run, from a config to its tickets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from tf_dlth import commands
from tf_dlth.config import Config, load_config
from tf_dlth.startup import start_tensorflow

if TYPE_CHECKING:
    from tf_dlth.experiment import Run
    from tf_dlth.preparation import Plan

DESCRIPTION = (
    "Finds sparse winning tickets by iterative magnitude pruning with rewinding. The same command goes on where a "
    "stopped run left off."
)


def train(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    config = load_config(options.config, commands.overrides(options))
    config = config.model_copy(update={"data": commands.locate_data(config.data)})
    workers = commands.workers()
    start_tensorflow()
    from tf_dlth.experiment import follow, rehearse, run

    console = commands.console()
    if options.dry_run:
        plan = rehearse(config, devices=options.devices, trust=options.trust)
        _print_plan(console, plan)
        commands.write_json(options.json, [_plan_record(plan)])
        return
    if workers and not workers.leads:
        follow(config, workers, devices=options.devices, trust=options.trust)
        return
    done = run(
        config,
        devices=options.devices,
        overwrite=options.overwrite,
        allow_change=options.allow_change,
        trust=options.trust,
        observers=_observers(config, console),
        workers=workers,
    )
    _print_end(console, done)
    commands.write_json(options.json, [{"run": str(done.path), **done.summary}])


def _parser() -> commands.Parser:
    parser = commands.parser("train", DESCRIPTION)
    parser.add_argument("--config", required=True, metavar="FILE", help="a YAML file; see configs/")
    parser.add_argument("overrides", nargs="*", metavar="key.path=value", help="such as training.epochs=20")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and train nothing")
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


def _observers(config: Config, console: Console) -> list:
    from tf_dlth.reporting.figures.run import Figures
    from tf_dlth.reporting.tensorboard import TensorBoard
    from tf_dlth.reporting.terminal import Terminal

    boards = [TensorBoard()] if config.output.tensorboard else []
    return [Figures(), *boards, Terminal(console)]


def _print_plan(console: Console, plan: Plan) -> None:
    from tf_dlth.reporting.terminal import images_table, summary_line, weights_lines

    console.print(plan.config.to_yaml(), soft_wrap=True)
    console.print(summary_line(plan), soft_wrap=True)
    for note in (*plan.notes, *weights_lines(plan)):
        console.print(note, soft_wrap=True)
    for layer in plan.unprunable_layers:
        console.print(f"layer {layer} has weights that cannot be pruned")
    console.print(images_table(plan))
    console.print(f"{plan.steps:,} training steps; up to {plan.bytes:,} bytes on disk")


def _plan_record(plan: Plan) -> dict:
    return {
        "config": plan.config.model_dump(mode="json"),
        "parameters": plan.parameters,
        "prunable": plan.prunable,
        "unprunable_layers": list(plan.unprunable_layers),
        "initialisation": plan.initialisation,
        "images_per_class": plan.images_per_class,
        "steps": plan.steps,
        "bytes": plan.bytes,
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
