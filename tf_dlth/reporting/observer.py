"""The events of a run, for whoever shows them; nothing an observer does changes a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tf_dlth.lottery.rows import Row
from tf_dlth.tickets.ticket import Ticket
from tf_dlth.training.schedule import Position

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan, Prepared


class RunObserver:
    """Hears of everything and does nothing; subclasses take what they need.

    After a resume, ``iteration_ended`` comes again for the iterations that were finished before.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        """The run ended, well or not."""

    def run_started(self, prepared: Prepared, plan: Plan, folder: Path) -> None: ...

    def warning(self, message: str) -> None: ...

    def estimated(self, seconds: float) -> None:
        """About how long the rest of the run takes, by its first steps."""

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None: ...

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None: ...

    def iteration_ended(self, row: Row, ticket: Ticket) -> None: ...

    def run_ended(self, rows: Sequence[Row]) -> None: ...


class Observers(RunObserver):
    """Several observers as one."""

    def __init__(self, observers: Iterable[RunObserver]) -> None:
        self._observers = list(observers)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:  # closes those that were entered before one that fails
            for observer in self._observers:
                stack.enter_context(observer)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def run_started(self, prepared: Prepared, plan: Plan, folder: Path) -> None:
        for observer in self._observers:
            observer.run_started(prepared, plan, folder)

    def warning(self, message: str) -> None:
        for observer in self._observers:
            observer.warning(message)

    def estimated(self, seconds: float) -> None:
        for observer in self._observers:
            observer.estimated(seconds)

    def progress(self, iteration: int, position: Position, images_per_second: float) -> None:
        for observer in self._observers:
            observer.progress(iteration, position, images_per_second)

    def epoch_ended(self, metrics: Mapping[str, Any]) -> None:
        for observer in self._observers:
            observer.epoch_ended(metrics)

    def iteration_ended(self, row: Row, ticket: Ticket) -> None:
        for observer in self._observers:
            observer.iteration_ended(row, ticket)

    def run_ended(self, rows: Sequence[Row]) -> None:
        for observer in self._observers:
            observer.run_ended(rows)
