"""Mapping over processes that hold no TensorFlow and never outlive their parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol, TypeVar

import cv2

from tf_dlth.errors import UserError

Task = TypeVar("Task")
Result = TypeVar("Result")


class Mapper(Protocol):
    """The type of ``map`` over one iterable."""

    def __call__(self, function: Callable[[Task], Result], tasks: Iterable[Task], /) -> Iterator[Result]: ...


@contextlib.contextmanager
def mapper(workers: int) -> Iterator[Mapper]:
    """``map``, in order, over so many processes; in this one for one worker.

    Raises UserError when a worker is killed.
    """
    if workers == 1:
        yield map
        return
    # Started afresh, not forked: the caller may hold TensorFlow's threads, which do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        yield pool.map
    except BrokenProcessPool:
        raise UserError("a worker was killed (out of memory?); run the same command to go on") from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Leaves Ctrl-C to the parent, uses one core, and ends when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
