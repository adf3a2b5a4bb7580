"""``python -m tf_dlth.pretrain``: an encoder from unlabelled images, for ``model.init``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tf_dlth import commands
from tf_dlth.startup import start_tensorflow

DESCRIPTION = (
    "Trains the architecture of a config on its training images without their labels (SimCLR) and writes "
    "encoder.safetensors; `model.init: FOLDER` starts a run from it. The same command goes on where a stopped one "
    "left off."
)


def pretrain(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    from tf_dlth.config import load_config

    config = load_config(options.config, commands.overrides(options))
    config = config.model_copy(update={"data": commands.locate_data(config.data)})
    start_tensorflow()
    from tf_dlth.pretraining.run import pretrain as run
    from tf_dlth.reporting.pretraining import PretrainingLines

    console = commands.console()
    done = run(
        config,
        PretrainingLines(console),
        devices=options.devices,
        overwrite=options.overwrite,
        allow_change=options.allow_change,
    )
    ending = "encoder:" if done.trained else f"{done.path} is finished already; its encoder:"
    console.print(f"{ending} {done.path / done.summary['encoder']['file']}", soft_wrap=True)
    commands.write_json(options.json, [{"run": str(done.path), **done.summary}])


def _parser() -> commands.Parser:
    parser = commands.parser("pretrain", DESCRIPTION)
    parser.add_argument("--config", required=True, metavar="FILE", help="a YAML file; see configs/")
    parser.add_argument("overrides", nargs="*", metavar="key.path=value", help="such as pretrain.epochs=20")
    parser.add_argument("--overwrite", action="store_true", help="remove an earlier run of this name first")
    parser.add_argument(
        "--allow-change", action="append", default=[], metavar="key.path", help="go on although this key differs"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(pretrain, arguments)


if __name__ == "__main__":
    sys.exit(main())
