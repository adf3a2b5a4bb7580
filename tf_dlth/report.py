"""``python -m tf_dlth.report``: one page about runs and studies, with every table and figure beside it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tf_dlth import commands
from tf_dlth.config import WeightsKind
from tf_dlth.reporting import analysis_folder
from tf_dlth.startup import start_tensorflow
from tf_dlth.studies.results import NETWORKS, STUDY, read_results

if TYPE_CHECKING:
    from tf_dlth.reporting.page.content import Page

DESCRIPTION = (
    "Writes a page that needs nothing else (index.html), and every table and figure of it as files. Of a run: which "
    "network is best and by how much, learning curves, what is taken for what, the worst mistakes, sizes, and what to "
    "do next. Of a study: its verdicts, tables beside the paper's numbers, figures, and how to do it again."
)


def report(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_paths(options.paths)
    out = Path(options.out)
    analysis_folder.require_free(out, "report", ["index.html"], analysis_folder.REPORT)
    start_tensorflow()
    from tf_dlth.reporting.layout import print_sentences
    from tf_dlth.reporting.page.rendering import contents
    from tf_dlth.training.devices import first_device

    with first_device(options.devices):
        pages = [_page(path, options) for path in options.paths]
    paths = analysis_folder.write(out, "report", contents(pages), {"paths": options.paths}, analysis_folder.REPORT)
    named = [f"{path}: " if len(pages) > 1 else "" for path in options.paths]
    leads = [f"{name}{page.lead}" for name, page in zip(named, pages, strict=True)]
    print_sentences(commands.console(), [*leads, f"written: {paths[0]} and {len(paths) - 1} files beside it"])
    commands.write_json(options.json, [{"title": page.title, "lead": page.lead} for page in pages])


def _page(path: str, options: commands.argparse.Namespace) -> Page:
    if (Path(path) / STUDY).is_file() and (Path(path) / NETWORKS).is_file():
        return _study_page(Path(path), options)
    from tf_dlth.reporting.page.run import reported

    return reported(path, options.weights, options.trust, lambda s: commands.test_images(s, None, options.data_dir)[1])


def _study_page(folder: Path, options: commands.argparse.Namespace) -> Page:
    from tf_dlth.reporting.study_page import study_page
    from tf_dlth.studies.absence import missing
    from tf_dlth.studies.verdicts.judging import judge_study

    results = read_results(folder)
    lacking = missing(results, str(folder / STUDY), commands.data_dirs(options.data_dir))
    return study_page(results, judge_study(results), folder, lacking.absent, lacking.faults)


def _parser() -> commands.Parser:
    parser = commands.parser("report", DESCRIPTION)
    parser.add_argument("paths", nargs="+", metavar="RUN_OR_STUDY")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder for the page and its files")
    parser.add_argument("--weights", choices=get_args(WeightsKind), help="default: what the run's own rule keeps")
    parser.add_argument("--trust", action="store_true", help="import an architecture that is not built in")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(report, arguments)


if __name__ == "__main__":
    sys.exit(main())
