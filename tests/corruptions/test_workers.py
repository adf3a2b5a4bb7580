from __future__ import annotations

import math
import os
import signal

import pytest

from tf_dlth.corruptions.workers import mapper
from tf_dlth.errors import UserError

OWN = "/proc/self"
"""A link to the reading process's number."""


def test_one_worker_is_this_process() -> None:
    with mapper(1) as over:
        assert list(over(os.readlink, [OWN] * 3)) == [str(os.getpid())] * 3


def test_several_are_other_processes_and_keep_the_order() -> None:
    with mapper(2) as over:
        assert list(over(abs, range(-20, 0))) == list(range(20, 0, -1))
        assert str(os.getpid()) not in set(over(os.readlink, [OWN] * 4))


def test_an_error_comes_through() -> None:
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"), mapper(2) as over:
        list(over(math.sqrt, [4.0, -1.0]))


def test_a_worker_that_is_killed_is_one_line() -> None:
    with pytest.raises(UserError, match=r"a worker was killed \(out of memory\?\)"), mapper(2) as over:
        list(over(signal.raise_signal, [signal.SIGKILL]))


def test_ctrl_c_is_left_to_the_parent() -> None:
    with mapper(2) as over:
        assert list(over(signal.raise_signal, [signal.SIGINT])) == [None]
        assert list(over(abs, [-1])) == [1]
