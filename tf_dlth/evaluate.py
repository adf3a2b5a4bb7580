"""``python -m tf_dlth.evaluate``: accuracy, calibration and robustness of tickets, runs and SavedModels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tf_dlth import commands
from tf_dlth.startup import start_tensorflow

DESCRIPTION = (
    "Measures a ticket (an iteration_NN folder), a run (then its winner) or a SavedModel on its own test images, on a "
    "dataset's, or on all of a folder's. What was measured before is taken from a cache."
)


def evaluate(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_paths(options.tickets)
    start_tensorflow()
    from tf_dlth.evaluation.attacks import parse_epsilon
    from tf_dlth.evaluation.evaluator import Evaluator
    from tf_dlth.evaluation.measuring import Wanted
    from tf_dlth.evaluation.robustness import Attack
    from tf_dlth.evaluation.subject import all_iterations
    from tf_dlth.reporting.evaluation import class_table, corruptions_table, measures_table, seen_before_lines
    from tf_dlth.reporting.layout import print_sentences

    attack = Attack(options.attack, parse_epsilon(options.epsilon)) if options.attack else None
    paths = [p for path in options.tickets for p in (all_iterations(path) if options.iterations else [path])]
    evaluator, wanted = Evaluator(commands.cache_folder(), commands.locate_data), Wanted(options.ece, attack)
    console = commands.console()
    records = [_measured(evaluator, wanted, path, options, console) for path in paths]
    console.print(measures_table(records))
    print_sentences(console, seen_before_lines(records))
    if len(records) == 1:
        console.print(class_table(records[0]))
        if "corruptions" in records[0]:
            console.print(corruptions_table(records[0]["corruptions"]))
    commands.write_json(options.json, records)


def _measured(evaluator: Any, wanted: Any, path: str, options: Any, console: Any) -> dict[str, Any]:
    from tf_dlth.training.devices import first_device

    with first_device(options.devices), console.status(f"measuring {path}") as status:
        return evaluator.measure(
            wanted,
            path,
            options.weights,
            options.trust,
            options.data,
            options.data_dir,
            lambda done, of: status.update(f"measuring {path}: {done:,} of {of:,} images"),
        )


def _parser() -> commands.Parser:
    parser = commands.parser("evaluate", DESCRIPTION)
    parser.add_argument("tickets", nargs="+", metavar="TICKET")
    commands.subject_options(parser)
    parser.add_argument("--data", metavar="NAME|FOLDER", help="default: the ticket's own test images")
    parser.add_argument("--iterations", choices=["all"], help="every iteration of each run, not the winner alone")
    parser.add_argument("--ece", action="store_true", help="the expected calibration error too")
    parser.add_argument("--attack", choices=["fgsm", "pgd"], help="the accuracy on adversarial images too")
    parser.add_argument("--epsilon", default="8/255", metavar="8/255", help="the attack's largest change of a pixel")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(evaluate, arguments)


if __name__ == "__main__":
    sys.exit(main())
