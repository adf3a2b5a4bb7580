from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from tf_dlth.reporting.observer import Observers, RunObserver

EVENTS: dict[str, tuple[Any, ...]] = {
    "run_started": ("prepared", "plan", Path("folder")),
    "warning": ("careful",),
    "estimated": (60.0,),
    "progress": (1, "position", 2.5),
    "epoch_ended": ({"epoch": 1},),
    "iteration_ended": ("row", "ticket"),
    "run_ended": (["row"],),
}


class Noting(RunObserver):
    """Writes down when it is entered and left, and what it hears; fails where it is told to."""

    def __init__(self, name: str, log: list[tuple], fails_on: str = "") -> None:
        self._name, self._log, self._fails_on = name, log, fails_on

    def _note(self, event: str, *arguments: Any) -> None:
        self._log.append((self._name, event, *arguments))
        if event == self._fails_on:
            raise OSError(f"{self._name} cannot {event}")

    def __enter__(self) -> Self:
        self._note("enter")
        return self

    def __exit__(self, *error: Any) -> None:
        self._note("leave", error[0])

    def __getattribute__(self, name: str) -> Any:
        if name in EVENTS:
            return lambda *arguments: self._note(name, *arguments)
        return super().__getattribute__(name)


@pytest.mark.parametrize("event", EVENTS)
def test_each_hears_every_event_in_turn(event: str):
    log: list[tuple] = []
    getattr(Observers([Noting("a", log), Noting("b", log)]), event)(*EVENTS[event])
    assert log == [(name, event, *EVENTS[event]) for name in "ab"]


@pytest.mark.parametrize("event", EVENTS)
def test_an_observer_need_not_take_any(event: str):
    getattr(RunObserver(), event)(*EVENTS[event])


def test_the_list_names_every_event():
    events = {name for name, value in vars(RunObserver).items() if isinstance(value, Callable)}
    assert events - {"__enter__", "__exit__"} == set(EVENTS)
    assert events <= vars(Observers).keys()


def test_all_are_closed_the_last_first():
    log: list[tuple] = []
    with Observers(Noting(name, log) for name in "ab"):
        log.append(("inside",))
    assert log == [("a", "enter"), ("b", "enter"), ("inside",), ("b", "leave", None), ("a", "leave", None)]


def test_those_that_were_opened_are_closed_when_the_next_cannot_be():
    log: list[tuple] = []
    observers = Observers([Noting("a", log), Noting("b", log, "enter"), Noting("c", log)])
    with pytest.raises(OSError, match="b cannot enter"), observers:
        raise AssertionError("it was not opened")
    assert log == [("a", "enter"), ("b", "enter"), ("a", "leave", OSError)]


def test_the_others_are_closed_when_one_fails_on_closing():
    log: list[tuple] = []
    with pytest.raises(OSError, match="b cannot leave"), Observers(Noting(n, log, "leave" * (n == "b")) for n in "abc"):
        log.clear()
    assert [(name, event) for name, event, _ in log] == [("c", "leave"), ("b", "leave"), ("a", "leave")]


def test_all_are_closed_and_told_when_the_run_fails():
    log: list[tuple] = []
    with pytest.raises(ValueError, match="the run"), Observers(Noting(name, log) for name in "ab"):
        raise ValueError("the run")
    assert log[2:] == [("b", "leave", ValueError), ("a", "leave", ValueError)]
