from __future__ import annotations

import os
import signal
import threading

import pytest

from tf_dlth.training.signals import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_the_second_one_is_ordinary(number: signal.Signals):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert stop.received is None
        assert signal.getsignal(number) != before
        os.kill(os.getpid(), number)
        assert stop.received == number
        assert signal.getsignal(number) == before
    assert signal.getsignal(number) == before


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError), StopRequest():
        raise RuntimeError
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_another_thread_there_is_nothing_to_hear():
    """Python lets only the main thread set handlers; a run in another one must not fail for that."""
    received: list[int | None] = [-1]

    def run() -> None:
        with StopRequest() as stop:
            received[0] = stop.received

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert received == [None]
