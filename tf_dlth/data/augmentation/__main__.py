"""``python -m tf_dlth.data.augmentation``: a page of 8 images under every augmentation and every single operation."""

from __future__ import annotations

import sys
import typing
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_dlth import commands
from tf_dlth.config import DataConfig, Dataset
from tf_dlth.data import load_data
from tf_dlth.errors import UserError
from tf_dlth.startup import start_tensorflow


def show(arguments: Sequence[str] | None = None) -> None:
    """Writes the page as a PNG."""
    options = _parser().parse_args(arguments)
    out = Path(options.out)
    if out.suffix.lower() != ".png" or not out.parent.is_dir():
        raise UserError(f"--out: {out} must be a .png in a folder that exists")
    start_tensorflow()
    from tf_dlth.data.augmentation.picture import IMAGES, draw_page

    train = load_data(DataConfig(dataset=options.data, data_dir=options.data_dir)).train
    spread = np.linspace(0, len(train) - 1, IMAGES).astype(np.int64)
    draw_page(train.read(spread), options.seed).save(out)
    print(f"{out}: {IMAGES} images of {options.data} under every augmentation and operation")


def _parser() -> commands.Parser:
    made = commands.Parser(
        prog="python -m tf_dlth.data.augmentation",
        description="Draws 8 training images under every augmentation and every single operation.",
        allow_abbrev=False,
    )
    made.add_argument("--data", default="digits", choices=typing.get_args(Dataset), help="default: digits")
    made.add_argument("--data-dir", metavar="DIR", help="TFDS directory, image folder or file (data.data_dir)")
    made.add_argument("--out", required=True, metavar="FILE", help="the PNG to write")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="of the strengths' draws; default: 0")
    return made


if __name__ == "__main__":
    sys.exit(commands.main(show))
