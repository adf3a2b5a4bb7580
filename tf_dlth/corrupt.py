"""``python -m tf_dlth.corrupt``: corrupted copies of a dataset's test images, in CIFAR-10-C's file layout."""

from __future__ import annotations

import os
import sys
import typing
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tf_dlth import commands
from tf_dlth.config import DataConfig, Dataset
from tf_dlth.corruptions import KINDS, SEVERITIES, require_libraries
from tf_dlth.corruptions.severities import ascending, published_order
from tf_dlth.errors import Stopped, UserError

if TYPE_CHECKING:
    from tf_dlth.corruptions.generate import Progress

DESCRIPTION = (
    "Makes the 19 corruptions of CIFAR-10-C, at five severities, of a dataset's 32 px test images. The set "
    "is a look-alike, and says so: the published arrays have other random draws. A stopped command goes on "
    "when it is given again."
)


def corrupt(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    kinds, severities = published_order(options.kinds), ascending(options.severities)
    require_libraries()
    from tf_dlth.corruptions.generate import generate

    images, labels = _test_images(options.data, options.data_dir)
    out = Path(options.out)
    progress = generate(
        images,
        labels,
        out,
        source=options.data,
        kinds=kinds,
        severities=severities,
        seed=options.seed,
        frost=Path(options.frost) if options.frost else None,
        workers=len(os.sched_getaffinity(0)),
    )
    console = commands.console()
    records = _shown(progress, len(kinds) * len(severities) * len(images), out, console)
    made = f"{len(kinds)} corruptions of {len(images):,} images at severity {', '.join(map(str, severities))}"
    console.print(f"{out}: {made}; not the published arrays, see corruptions.json", soft_wrap=True)
    commands.write_json(options.json, records)


def _parser() -> commands.Parser:
    parser = commands.parser("corrupt", DESCRIPTION)
    parser.add_argument(
        "--data",
        required=True,
        choices=[name for name in typing.get_args(Dataset) if name != "cifar10_c"],
        metavar="NAME",
        help="a dataset with 32 px images, such as cifar10",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder for the arrays")
    parser.add_argument("--kinds", type=_words, default=KINDS, metavar="a,b", help="default: all 19")
    parser.add_argument("--severities", type=_numbers, default=SEVERITIES, metavar="1,5", help="default: 1 to 5")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the random draws; default: 0")
    parser.add_argument(
        "--frost", metavar="DIR", help="photographs of frost; without them, ice crystals are drawn instead"
    )
    return parser


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in _words(text)]
    except ValueError:
        raise UserError(f"severities: whole numbers from 1 to 5, such as 1,3,5, not {text}") from None


def _test_images(name: Any, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Test images uint8 [N, 32, 32, C] and labels; raises UserError for images of another size."""
    from tf_dlth.corruptions.recipe import require_size
    from tf_dlth.data.sources import load_source
    from tf_dlth.startup import start_tensorflow

    start_tensorflow(deterministic=False)
    test = load_source(DataConfig(dataset=name, data_dir=data_dir)).test
    require_size(test.image_shape, name)
    return test.read(np.arange(len(test))), test.labels


def _shown(progress: Generator[Progress], total: int, out: Path, console: Console) -> list[dict[str, Any]]:
    """Shows the progress to its end and returns a record of each kind; raises Stopped on a signal."""
    from tf_dlth.corruptions.manifest import read_manifest
    from tf_dlth.training.signals import StopRequest

    kept: dict[str, bool] = {}
    columns = (TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with StopRequest() as stop, closing(progress), Bar(*columns, console=console) as bar:
        task = bar.add_task("images", total=total)
        for step in progress:
            finished = len(kept) - (step.kind in kept)
            kept[step.kind] = step.kept
            bar.update(task, completed=finished * step.total + step.done, description=step.kind)
            if stop.received:
                raise Stopped(stop.received, f"stopped; the same command goes on with {out}")
    digests = read_manifest(out)["files"]
    return [
        {"kind": kind, "file": f"{kind}.npy", "sha256": digests[f"{kind}.npy"], "kept": was_kept}
        for kind, was_kept in kept.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(corrupt, arguments)


if __name__ == "__main__":
    sys.exit(main())
