"""The page of one run, for whoever wants to use its network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tf_dlth.config import WeightsKind
from tf_dlth.evaluation.analyses.opening import Opened, open_tickets
from tf_dlth.evaluation.judged import Images, Judged, judge
from tf_dlth.lottery.selection import rules, test_accuracy
from tf_dlth.reporting.figures.learning import drawn_iterations, learning_curves
from tf_dlth.reporting.figures.run import accuracy_by_density, layer_densities
from tf_dlth.reporting.next_commands import command_line, next_commands
from tf_dlth.reporting.page import run_tables
from tf_dlth.reporting.page.content import Block, Command, Notes, Page, Paragraph, Section, drawn
from tf_dlth.reporting.page.mistakes import mistakes_sections
from tf_dlth.reporting.rules import explained, shown
from tf_dlth.reporting.run_record import RunRecord, labels_used, outcome, read_record
from tf_dlth.reporting.standings import beside, better, standings
from tf_dlth.reporting.terminal import WHY_NOT_SMALLER
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.ticket import Ticket, iteration_name, load_ticket


def reported(path: str, weights: WeightsKind | None, trust: bool, images: Images) -> Page:
    """The page of the run in a folder; ``images`` reads a network's own test images."""
    record = read_record(Path(path))
    folder = record.path / iteration_name(record.chosen.iteration)
    judged = judge(folder, weights or record.rule, trust, images)
    if record.images is None and isinstance(judged, Judged):
        record = replace(record, images={"test": len(judged.examples)})
    sparse = _ticket(record, record.best_sparse.iteration)
    pruned = sparse is not None and sparse.density < 1
    return run_page(record, judged, open_tickets([str(sparse.path)], trust)[0] if sparse and pruned else None)


def run_page(record: RunRecord, judged: Judged | str, sparse: Opened | None) -> Page:
    """``judged`` is the chosen network on its test images, or why they are not at hand.

    ``sparse`` is the best sparse ticket, None where there is none or it was not kept.
    """
    seen = (
        mistakes_sections(judged)
        if isinstance(judged, Judged)
        else [Section("Mistakes", [Paragraph(f"No confusion matrix and no pictures: {judged}.")])]
    )
    sections = [
        Section("Which network is best", _rules(record)),
        Section("Accuracy by density", _accuracy(record)),
        Section("Learning curves", _learning(record)),
        *seen,
        Section("Size", _size(record)),
        *([_layers(sparse)] if sparse else []),
        Section("How it was made", _making(record)),
        Section("What to do next", _next(record)),
    ]
    name = record.config.name
    return Page(name, f"Run {name}", outcome(record), sections)


def _rules(record: RunRecord) -> list[Block]:
    every = record.config.training.evaluate_every
    notes = [
        f"{shown(rule, every)} – {explained(rule, every)}. Labels: {labels_used(record, rule)}."
        for rule in rules(record.rows)
    ]
    notes.append("One run is one seed: another seed or other training images move every number here.")
    found = standings(record)
    beaten = [f"{line[0].upper()}{line[1:]}." for line in better(found)]
    return [
        run_tables.standings_table(record, found),
        *map(Paragraph, beaten),
        run_tables.rules_table(record),
        Notes(notes),
    ]


def _accuracy(record: RunRecord) -> list[Block]:
    tables = [run_tables.iterations_table(record)]
    if len(record.rows) == 1:
        return [*tables]
    rows, rule = record.rows, record.rule
    images = record.images["test"] if record.images else None
    chosen = record.chosen
    others = {other.name: other.test for other in beside(record)}
    every = record.config.training.evaluate_every
    figure = accuracy_by_density(rows, chosen.iteration, rule, every, images, others)
    band = f" The band is one standard error on {images:,} test images." if images else ""
    caption = f"Test accuracy of every iteration by the share of weights that remain.{band}"
    lowest, highest = min(test_accuracy(row, rule) for row in rows), max(test_accuracy(row, rule) for row in rows)
    alt = (
        f"Test accuracy against density for {len(rows)} iterations. By the rule {rule} it lies between {lowest:.1%} "
        f"and {highest:.1%}; iteration 0 has {test_accuracy(rows[0], rule):.1%}, the starred iteration "
        f"{chosen.iteration} at density {chosen.density:.1%} has {test_accuracy(chosen, rule):.1%}. All numbers are in "
        "the table below."
    )
    return [drawn("accuracy_by_density", figure, caption, alt), *tables]


def _learning(record: RunRecord) -> list[Block]:
    if record.metrics is None:
        return [Paragraph("No learning curves: metrics.jsonl is not in the run's folder.")]
    names = drawn_iterations(record)
    caption = "Training loss, and accuracy on test and held-out images, epoch by epoch."
    ends = [f"{name} ends with a training loss of {record.rows[k].train_loss:.3g}" for k, name in names.items()]
    alt = f"Two panels of curves by epoch, training loss and accuracy. {'; '.join(ends)}."
    return [drawn("learning_curves", learning_curves(record.metrics, names), caption, alt)]


def _size(record: RunRecord) -> list[Block]:
    chosen = dict.fromkeys((0, record.best_sparse.iteration, record.chosen.iteration))
    tickets = [ticket for ticket in (_ticket(record, k) for k in chosen) if ticket is not None]
    if not tickets:
        return [Paragraph("No sizes: the tickets are not in the run's folder.")]
    return [run_tables.sizes_table(tickets), Paragraph(WHY_NOT_SMALLER)]


def _layers(sparse: Opened) -> Section:
    manifest = sparse.ticket.manifest
    layers = {name: manifest.layers[name].density for name in sparse.masks}
    lowest, highest = min(layers, key=layers.__getitem__), max(layers, key=layers.__getitem__)
    alt = (
        f"Bars of the share of weights that remain in each of {len(layers)} layers: from {layers[lowest]:.1%} in "
        f"{lowest} to {layers[highest]:.1%} in {highest}."
    )
    caption = f"Which share of each layer's weights remains in iteration {manifest.iteration}."
    figure = drawn("layer_densities", layer_densities(layers, manifest.density), caption, alt)
    return Section("Layers", [figure, run_tables.layers_table(sparse)])


def _making(record: RunRecord) -> list[Block]:
    changes = [
        f"Admitted change: from iteration {change.from_iteration} on {key} is {values.new}, before {values.old}."
        for change in record.facts.admitted
        for key, values in change.keys.items()
    ]
    warnings = [f"Warning: {warning}." for warning in record.config.warnings()]
    failed = [f"The run failed: {record.facts.error}"] if record.facts.error else []
    notes = [*failed, *warnings, *changes] or ["Nothing was changed in the course of the run."]
    return [Notes(notes), run_tables.settings_table(record), run_tables.machine_table(record)]


def _next(record: RunRecord) -> list[Block]:
    config, name = f"{record.path}/config.yaml", record.config.name
    if not record.finished:
        return [Paragraph("Go on where it stopped:"), Command(command_line("train", "--config", config))]
    seed = record.config.seed + 1
    again = command_line("train", "--config", config, f"name={name}-seed{seed}", f"seed={seed}")
    lines = {
        **next_commands(record.path),
        "train again with another seed, to see how much of the result is chance": again,
    }
    return [
        block
        for purpose, line in lines.items()
        for block in (Paragraph(f"{purpose[0].upper()}{purpose[1:]}:"), Command(line))
    ]


def _ticket(record: RunRecord, iteration: int) -> Ticket | None:
    """None where it was not kept with the run."""
    folder = record.path / iteration_name(iteration)
    return load_ticket(folder, trust=True) if (folder / MANIFEST).is_file() else None
