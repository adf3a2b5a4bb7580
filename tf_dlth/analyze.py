"""``python -m tf_dlth.analyze``: the paper's analyses of tickets and runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tf_dlth import commands
from tf_dlth.reporting import analyses
from tf_dlth.startup import start_tensorflow

DESCRIPTION = (
    "Analyses tickets (iteration_NN folders) and runs, and writes a table and a figure named by the kind. A run's "
    "folder stands for its winner, in density for iteration 15 where there is one. weight-norms takes a ticket, then "
    "a dense reference; longtail needs no run."
)


def analyze(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    out = Path(options.out)
    given = {name: getattr(options, name) for name in ("weights", "data", "data_dir")}
    analyses.require_sensible(options.kind, options.paths, given, out)
    commands.require_paths(options.paths)
    start_tensorflow()
    from tf_dlth.evaluation.analyses.findings import Request
    from tf_dlth.reporting.layout import print_sentences

    request = Request(
        paths=options.paths,
        images=lambda subject: commands.test_images(subject, options.data, options.data_dir),
        weights=options.weights,
        devices=options.devices,
        trust=options.trust,
    )
    findings = analyses.analyse(options.kind, request)
    paths = analyses.write(options.kind, findings, out, {"paths": options.paths, **given})
    console = commands.console()
    console.print(commands.table(findings.table, console.width))
    print_sentences(console, [*findings.notes, f"written: {', '.join(map(str, paths))}"])
    commands.write_json(options.json, findings.records)


def _parser() -> commands.Parser:
    parser = commands.parser("analyze", DESCRIPTION)
    parser.add_argument("kind", choices=tuple(analyses.KINDS), metavar="KIND", help=", ".join(analyses.KINDS))
    parser.add_argument("paths", nargs="*", metavar="TICKET_OR_RUN")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder for the table and the figure")
    commands.subject_options(parser)
    parser.add_argument("--data", metavar="NAME|FOLDER", help="cka, branch-norms: default: the ticket's test images")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(analyze, arguments)


if __name__ == "__main__":
    sys.exit(main())
