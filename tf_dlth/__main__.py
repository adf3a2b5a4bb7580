"""``tf-dlth COMMAND`` and ``python -m tf_dlth COMMAND``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from tf_dlth import __version__
from tf_dlth.startup import heed_signals

COMMANDS = {
    "init": "write a commented config for a folder of your own images",
    "train": "find winning tickets",
    "evaluate": "measure a ticket, a run or a SavedModel",
    "predict": "name the classes of images",
    "probe": "train a linear classifier on a ticket's features of other images",
    "analyze": "compare tickets and runs: densities, similarity, norms, curves",
    "report": "write a page about runs, with every table and figure beside it",
    "list": "show the runs of a folder in a table",
    "card": "write the model card of a ticket",
    "push": "upload a ticket and its card to the Hugging Face Hub",
    "pretrain": "train an encoder without labels",
    "corrupt": "make corrupted copies of a dataset's test images",
    "export": "write a ticket for elsewhere: SavedModel, compacted, LiteRT, ONNX",
    "study": "run a grid of runs over seeds",
}


def script() -> int:
    """``tf-dlth``."""
    heed_signals()
    return main()


def main(arguments: Sequence[str] | None = None) -> int:
    """Hands the words after the command's name to that command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print("usage: tf-dlth COMMAND [OPTIONS]\n")
        print("\n".join(f"  {name:10} {purpose}" for name, purpose in COMMANDS.items()))
        print("\ntf-dlth COMMAND --help tells a command's options,\ntf-dlth --version this package's version.")
        return 0
    if words[0] == "--version":
        print(f"tf_dlth {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"error: no command {words[0]!r}; known are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    return importlib.import_module(f"tf_dlth.{words[0]}").main(words[1:])


if __name__ == "__main__":
    sys.exit(main())
