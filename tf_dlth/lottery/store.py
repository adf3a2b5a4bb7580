"""What a ticket search keeps in its run's folder: theta_0, theta_r, tickets, their table, the winner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tf_dlth import files
from tf_dlth.lottery import selection
from tf_dlth.lottery.masks import Masks, Weights
from tf_dlth.lottery.rows import ITERATIONS, Row, row_of, to_csv
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.runs.facts import read_facts
from tf_dlth.runs.folder import RunFolder, verify_files
from tf_dlth.tickets.manifest import RewindEntry
from tf_dlth.tickets.saved_model import Serving
from tf_dlth.tickets.ticket import Ticket, iteration_name, load_ticket, own_ticket
from tf_dlth.tickets.writing import Chosen, Origin, add_saved_model, write_ticket
from tf_dlth.training.keeping import Trained

INITIAL, REWIND = "initial.safetensors", "rewind.safetensors"


class TicketStore:
    """The store of :func:`tf_dlth.lottery.imp.find_tickets`, and the log of its trainings.

    ``checkpoint`` is the newest one of the folder. ``serving`` is the network of ``origin``, which makes a SavedModel
    of every ticket, or of the winner and the best sparse one alone.
    """

    def __init__(
        self,
        folder: RunFolder,
        checkpoint: Checkpoint | None,
        origin: Origin,
        serving: Serving,
        served: Literal["all", "winner"],
    ) -> None:
        self.rows = [Row(**row) for row in checkpoint.meta["rows"]] if checkpoint else []
        self._folder, self._origin, self._serving, self._all_served = folder, origin, serving, served == "all"
        self._unfinished = checkpoint if checkpoint and checkpoint.groups else None
        self._summary: dict[str, Any] = {}
        for row in self.rows:  # what stands for hours of training is looked at before more is built on it
            self.ticket(row.iteration).verify()

    # tf_dlth.lottery.imp.Store

    def keep_initial(self, weights: Weights) -> None:
        path = self._folder.path / INITIAL
        if self.has_ticket(0):
            files.read_bytes(path, self._folder.facts.files[INITIAL])
        else:
            self._folder.write_status("running", files={INITIAL: files.write_tensors(path, weights)})

    def keep_rewind(self, weights: Weights) -> None:
        files.write_tensors(self._folder.path / REWIND, weights)

    def rewind(self) -> dict[str, np.ndarray]:
        return self.ticket(0).rewind

    def has_ticket(self, iteration: int) -> bool:
        return iteration < len(self.rows)

    def ticket(self, iteration: int) -> Ticket:
        return own_ticket(self._folder.path / iteration_name(iteration), self._folder.facts)

    def unfinished(self, iteration: int) -> Checkpoint | None:
        checkpoint = self._unfinished
        return checkpoint if checkpoint and checkpoint.meta["iteration"] == iteration else None

    def keep_ticket(self, iteration: int, masks: Masks, trained: Trained) -> None:
        """Writes the ticket, then its row, then the checkpoint that makes both count."""
        if iteration > 0 and not masks.within(Masks(self.ticket(iteration - 1).mask)):
            raise AssertionError(f"the masks of iteration {iteration} revive weights that were removed before")
        write_ticket(
            self._folder.path / iteration_name(iteration),
            self._origin,
            iteration,
            masks,
            {kind: Chosen(k.epoch, k.scores.test, k.weights) for kind, k in trained.kept.items()},
            RewindEntry(file=REWIND, sha256=files.sha256(self._folder.path / REWIND)),
            self._serving if self._all_served else None,
        )
        self.rows = [*self.rows, row_of(iteration, masks, trained)]
        self._list_ticket(iteration)
        files.write_bytes(self._folder.path / ITERATIONS, to_csv(self.rows).encode())
        self.save(Checkpoint({"iteration": iteration + 1}))

    # tf_dlth.training.session.Log

    def append_metrics(self, line: Mapping[str, Any]) -> None:
        self._folder.append_metrics(line)

    def save(self, checkpoint: Checkpoint) -> None:
        """Writes a checkpoint that also knows the finished iterations."""
        rows = [asdict(row) for row in self.rows]
        self._folder.save(Checkpoint({**checkpoint.meta, "rows": rows}, checkpoint.groups))

    # The end

    def choose_winner(self, select_by: selection.Rule) -> None:
        """Names the winner, under every rule, and gives it, and the best sparse ticket, a SavedModel."""
        self._summary = selection.summary(self.rows, select_by)
        for iteration in sorted({self._summary["winner"], self._summary["best_sparse"]}):
            if not (ticket := self.ticket(iteration)).has_saved_model:
                add_saved_model(ticket, self._serving)
            self._list_ticket(iteration)

    def _list_ticket(self, iteration: int) -> None:
        """Has run.json name the ticket with its digest, beside those of the other iterations that count."""
        own = {iteration_name(row.iteration) for row in self.rows}
        ticket = load_ticket(self._folder.path / iteration_name(iteration), trust=True)
        listed = {**self._folder.facts.manifests, ticket.path.name: ticket.manifest.sha256}
        manifests = {name: listed[name] for name in sorted(own & listed.keys())}
        self._folder.write_status("running", manifests=manifests, **self._summary)

    def finish(self) -> None:
        """After this the run is not taken up again."""
        self.rewind()  # its digest holds, or this raises
        files.write_bytes(self._folder.path / ITERATIONS, to_csv(self.rows).encode())
        self._folder.finish(seconds=sum(row.seconds for row in self.rows), **self._summary)


def verify_run(folder: Path) -> None:
    """Raises UserError unless a finished run's files and tickets are what its run.json says."""
    if (facts := read_facts(folder)) is None:
        return
    verify_files(folder, facts)
    for name in facts.manifests:
        own_ticket(folder / name, facts).verify()
