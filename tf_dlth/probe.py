"""``python -m tf_dlth.probe``: a linear classifier on a ticket's features of other images."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from tf_dlth import commands
from tf_dlth.config import Config, parse_config
from tf_dlth.config.naming import is_dataset
from tf_dlth.errors import UserError
from tf_dlth.startup import start_tensorflow

DESCRIPTION = (
    "Trains a linear classifier on the frozen features that a ticket (an iteration_NN folder), a run (then its winner) "
    "or a SavedModel gives of the training images of a dataset, and measures it on the test images."
)
READ = ("seed", "data", "probe")
"""What of a configuration decides a probe."""


def probe(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_paths([options.ticket])
    config = _config(options)
    start_tensorflow()
    from tf_dlth.evaluation.linear import MOST_ITERATIONS
    from tf_dlth.evaluation.probe import probe as measure
    from tf_dlth.evaluation.transfer import open_backbone, transfer_images
    from tf_dlth.reporting.probing import ProbeLines

    lines = ProbeLines(commands.console(), config.probe.epochs)
    backbone = open_backbone(options.ticket, options.weights, options.trust)
    images = transfer_images(config.data, backbone.preprocessing)
    if images.resized:
        lines.line(images.resized)
    found = measure(backbone, images, config, options.devices, lines.progress)
    record = {
        "ticket": options.ticket,
        "weights": found.weights,
        "data": options.data,
        "protocol": config.probe.protocol,
        "accuracy": found.accuracy,
        "train_n": len(images.train),
        "test_n": len(images.test),
        "logistic_regression": found.logistic_regression,
    }
    lines.result(record)
    if not found.converged:
        lines.line(f"the logistic regression stopped after {MOST_ITERATIONS:,} iterations, before it converged")
    commands.write_json(options.json, [record])


def _config(options: Any) -> Config:
    """The defaults with the dataset or folder that is named, then the overrides."""
    named = {"dataset": options.data} if is_dataset(options.data) else {"dataset": "folder", "data_dir": options.data}
    config = parse_config(json.dumps({"name": "probe", "data": named}), commands.overrides(options), "probe")
    if unread := sorted(config.model_fields_set - {"name", *READ}):
        raise UserError(f"{unread[0]}.*: a probe reads seed, data.* and probe.* alone; leave it out")
    if other := [key for key, value in named.items() if getattr(config.data, key) != value]:
        raise UserError(f"data.{other[0]}: --data {options.data} says it already; give one of them")
    if options.weights and config.probe.protocol == "rewind_bn":
        raise UserError(f"--weights {options.weights}: probe.protocol=rewind_bn takes theta_r; leave --weights out")
    return config.model_copy(update={"data": commands.locate_data(config.data)})


def _parser() -> commands.Parser:
    parser = commands.parser("probe", DESCRIPTION)
    parser.add_argument("ticket", metavar="TICKET")
    parser.add_argument("overrides", nargs="*", metavar="key.path=value", help="such as probe.epochs=20")
    parser.add_argument("--data", required=True, metavar="NAME|FOLDER", help="a dataset, or a folder of class folders")
    commands.subject_options(parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(probe, arguments)


if __name__ == "__main__":
    sys.exit(main())
