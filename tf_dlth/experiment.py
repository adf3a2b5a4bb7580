"""One run, from its configuration to its tickets: the only place that wires the parts together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow as tf
from rich.console import Console

from tf_dlth import files
from tf_dlth.config import Config
from tf_dlth.evaluation.regressions import measure
from tf_dlth.evaluation.scoring import Scorer
from tf_dlth.lottery import imp, wrapping
from tf_dlth.lottery.rows import ITERATIONS
from tf_dlth.lottery.starts import Start
from tf_dlth.lottery.store import TicketStore, verify_run
from tf_dlth.pacing.measuring import measured
from tf_dlth.pacing.pace import Pace
from tf_dlth.preparation import Plan, Prepared
from tf_dlth.reporting.figures.run import Figures
from tf_dlth.reporting.observer import Observers, RunObserver
from tf_dlth.reporting.terminal import Terminal
from tf_dlth.runs import regressions
from tf_dlth.runs.facts import RUN
from tf_dlth.runs.folder import RunFolder, opened, require_space, run_path
from tf_dlth.tickets.describing import as_html, described, facts_of
from tf_dlth.tickets.saved_model import Serving
from tf_dlth.tickets.ticket import Ticket, load_ticket
from tf_dlth.training import joined
from tf_dlth.training.compiling import compiles
from tf_dlth.training.devices import on_gpus, pin_threads, require_devices, strategy_for
from tf_dlth.training.losses import balanced_weights, class_weighted, per_example_loss
from tf_dlth.training.memory import exhaustion_told
from tf_dlth.training.network import Make, Network
from tf_dlth.training.objectives import Classification
from tf_dlth.training.schedule import Position
from tf_dlth.training.signals import StopRequest
from tf_dlth.training.team import Team
from tf_dlth.training.trainer import Trainer
from tf_dlth.training.workers import Workers

SHOWN = ("iteration", "density", "test_accuracy_best", "test_accuracy_last", "test_accuracy_heldout")
"""Columns of a run's table in a notebook."""


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run, on disk under ``path``; ``trained`` is False where it had been finished before."""

    path: Path
    trained: bool = True

    @property
    def iterations(self) -> pd.DataFrame:
        """iterations.csv, a row an iteration."""
        return pd.read_csv(self.path / ITERATIONS)

    @property
    def winner(self) -> Ticket:
        """The ticket that ``pruning.select_by`` chose."""
        return load_ticket(self.path, trust=True)

    @property
    def summary(self) -> dict[str, Any]:
        """run.json."""
        return files.read_json(self.path / RUN)

    def __repr__(self) -> str:
        return described(f"Run {self.path}", self._facts())

    def _repr_html_(self) -> str:
        return as_html(f"Run {self.path}", self._facts()) + self.iterations[list(SHOWN)].to_html(index=False)

    def _facts(self) -> dict[str, str]:
        winner = self.winner
        best = facts_of(winner)
        return {
            "iterations": f"{len(self.iterations)}",
            "winner": winner.path.name if winner.iteration else f"{winner.path.name}, the dense network",
            "density": best["density"],
            "test accuracy": best["test accuracy"],
        }


def rehearse(config: Config, *, devices: str = "all", trust: bool = False, timed: bool = False) -> Plan:
    """What :func:`run` would do; raises UserError for all that can be known to fail without training.

    ``timed`` takes some steps, of which nothing is kept, to say how long it takes. Nothing is written.
    """
    pin_threads(config.training.threads)
    require_devices(devices)
    compiles(config.training.jit, strategy_for(devices))
    prepared = Prepared(config, trust)
    prepared.start()
    plan = prepared.plan()
    require_space(run_path(config), plan.bytes)
    if not timed:
        return plan
    iterations = range(prepared.config.pruning.iterations + 1)
    return replace(plan, seconds=pace_of(prepared, devices).seconds(plan.schedule, iterations))


def pace_of(prepared: Prepared, devices: str) -> Pace:
    """How fast the search is on this machine, by steps of its own."""
    scorer = _scorer(prepared, devices)
    with exhaustion_told("training"):
        network = _network(prepared, devices)
        return measured(network, scorer, prepared.start(), prepared.schedule, _batches(prepared, devices))


def run(
    config: Config,
    *,
    devices: str = "all",
    overwrite: bool = False,
    allow_change: Iterable[str] = (),
    trust: bool = False,
    observers: Iterable[RunObserver] = (),
    workers: Workers | None = None,
    timed: bool = False,
    progress: bool = False,
) -> Run:
    """Finds the tickets that ``config`` asks for, or goes on where an earlier call of the same config stopped.

    With ``progress`` it shows and draws what the train command does: live in a terminal, by lines in a notebook.

    ``timed`` takes some steps first, of which nothing is kept, to tell observers how long it takes; not of several
    workers.

    ``trust`` lets a ticket that the config names ask for an architecture that is not built in. With ``workers`` this
    process leads them, and the others :func:`follow`. Raises UserError for a mistake in the configuration or the data,
    and Stopped after Ctrl-C or SIGTERM, with the state saved.
    """
    pin_threads(config.training.threads)
    team = Team(workers, devices) if workers else None
    require_devices(devices)
    compiled = compiles(config.training.jit, team.strategy if team else strategy_for(devices))
    path, prepared = run_path(config), Prepared(config, trust)
    plan, start = prepared.plan(), prepared.start()
    with ExitStack() as stack:
        if team:
            _join(team, prepared, stack)
            stack.enter_context(team.leading())
            stack.enter_context(team.losses_told())
        folder = stack.enter_context(opened(path, "train", prepared.facts(compiled), plan.bytes, overwrite))
        folder.refuse_changes(prepared.config, allow_change)
        if folder.finished:
            verify_run(path)
            folder.remove_checkpoints()
            return Run(path, trained=False)
        stop = stack.enter_context(StopRequest())
        observer = stack.enter_context(Observers([*observers, *(_shown() if progress else ())]))
        _train(prepared, plan, start, folder, devices, stop, observer, team, timed)
    return Run(path)


def _shown() -> list[RunObserver]:
    return [Figures(), Terminal(Console())]


def follow(config: Config, workers: Workers, *, devices: str = "all", trust: bool = False) -> None:
    """On every worker but the first: trains with it, writes nothing, and ends when and how it does."""
    pin_threads(config.training.threads)
    team = Team(workers, devices)
    require_devices(devices)
    compiles(config.training.jit, team.strategy)
    prepared = Prepared(config, trust)
    with ExitStack() as stack:
        _join(team, prepared, stack)
        stop = stack.enter_context(StopRequest())
        joined.follow(team, lambda: _joined_network(prepared, team, stop, devices), _batches(prepared, devices))


def _join(team: Team, prepared: Prepared, stack: ExitStack) -> None:
    stack.enter_context(team.losses_told())
    facts = prepared.facts()
    team.require_equal({"config": facts.config_sha256, "images": facts.data_sha256, "libraries": facts.versions})


def _train(
    prepared: Prepared,
    plan: Plan,
    start: Start,
    folder: RunFolder,
    devices: str,
    stop: StopRequest,
    observer: Observers,
    team: Team | None,
    timed: bool,
) -> None:
    config = prepared.config
    checkpoint = folder.begin(config, prepared.data.subset())
    origin = prepared.origin()
    serving = Serving(prepared.model, origin.class_names, origin.preprocessing)
    store = TicketStore(folder, checkpoint, origin, serving, config.output.savedmodel)
    observer.run_started(prepared, plan, folder.path)
    for warning in (*config.warnings(), *folder.warnings, *folder.admitted):
        observer.warning(warning)
    scorer = _scorer(prepared, devices)
    network = _joined_network(prepared, team, stop, devices) if team else _network(prepared, devices)
    trainer = _trainer(prepared, network, devices, scorer, store, stop, observer)
    losses_told = team.losses_told() if team else nullcontext()
    with folder.told(), exhaustion_told("training"), losses_told:
        if timed and team is None:
            pace = measured(network, scorer, start, prepared.schedule, _batches(prepared, devices))
            left = range(len(store.rows), config.pruning.iterations + 1)
            observer.estimated(replace(pace, compiling=0).seconds(prepared.schedule, left))
        for iteration in imp.find_tickets(trainer, store, config.pruning, start):
            observer.iteration_ended(store.rows[iteration], store.ticket(iteration))
        store.choose_winner(config.pruning.select_by or "test_best")
        regressions.write(folder.path, measure(prepared, devices))
        observer.run_ended(store.rows)
        store.finish()


def _trainer(
    prepared: Prepared,
    network: Network,
    devices: str,
    scorer: Scorer,
    store: TicketStore,
    stop: StopRequest,
    observer: Observers,
) -> Trainer:
    return Trainer(
        network=network,
        schedule=prepared.schedule,
        batches=_batches(prepared, devices),
        evaluate=scorer,
        log=store,
        observer=observer,
        stop=stop,
        checkpoint_seconds=prepared.config.output.checkpoint_seconds,
    )


def _network(prepared: Prepared, devices: str) -> Network:
    config = prepared.config
    return Network(
        prepared.model,
        config.training,
        strategy_for(devices),
        wrapping,
        _objective(prepared),
        stream=_stream(config),
        maker=_maker(prepared, devices),
    )


def _joined_network(prepared: Prepared, team: Team, stop: StopRequest, devices: str) -> joined.JoinedNetwork:
    config = prepared.config
    return joined.JoinedNetwork(
        team,
        stop,
        prepared.model,
        config.training,
        wrapping,
        _objective(prepared),
        stream=_stream(config),
        maker=_maker(prepared, devices),
    )


def _objective(prepared: Prepared) -> Classification:
    training, data = prepared.config.training, prepared.data
    loss = per_example_loss(training.loss, training.loss_ce_weight)
    if training.class_weights == "balanced":
        loss = class_weighted(loss, balanced_weights(data.train.class_counts(len(data.class_names))))
    return Classification(loss)


def _scorer(prepared: Prepared, devices: str) -> Scorer:
    balanced = prepared.config.training.class_weights == "balanced"
    return Scorer(prepared.inference, prepared.data, devices, balanced=balanced)


def _stream(config: Config) -> str:
    return f"training:{config.seed}"


def _resides(prepared: Prepared, devices: str) -> bool:
    """Whether the training images lie on the devices: a CPU makes batches ahead, beside the steps."""
    return on_gpus(devices) and prepared.can_reside


def _maker(prepared: Prepared, devices: str) -> Callable[[], Make] | None:
    return prepared.resident if _resides(prepared, devices) else None


def _batches(prepared: Prepared, devices: str) -> Callable[[int, Position], tf.data.Dataset]:
    """What the network takes: images, or what makes a batch of those on the devices."""
    batches = prepared.draws if _resides(prepared, devices) else prepared.batches
    return lambda iteration, position: batches(iteration, position.epoch, position.step)
