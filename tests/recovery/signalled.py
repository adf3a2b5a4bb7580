"""Runs a command that sends itself a signal at the n-th call of a function.

python signalled.py SIGKILL os:replace 7 tf_dlth.train --config FILE
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import signal
import sys
from typing import Any


def send_at(signal_name: str, reference: str, call: int) -> None:
    """Wraps ``module:name`` or ``module:Class.name``; the signal comes before the function's own work."""
    module, _, path = reference.partition(":")
    *owners, name = path.split(".")
    owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
    original, calls = getattr(owner, name), itertools.count(1)

    @functools.wraps(original)
    def signalled(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == call:
            os.kill(os.getpid(), signal.Signals[signal_name])
        return original(*args, **kwargs)

    setattr(owner, name, signalled)


if __name__ == "__main__":
    signal_name, reference, call, command, *words = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and nohup's this
    main = importlib.import_module(command).main
    if not reference.startswith("os:"):  # TensorFlow's own imports would count, and be heard
        importlib.import_module("tf_dlth.startup").start_tensorflow()
    send_at(signal_name, reference, int(call))
    sys.exit(main(words))
