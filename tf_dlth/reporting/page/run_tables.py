"""The tables of one run's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tf_dlth.analysis.accuracies import error_of_difference, standard_error
from tf_dlth.evaluation.analyses.opening import Opened
from tf_dlth.lottery.selection import PAPER_LAST_ITERATION, Rule, dense_would_win, score, test_accuracy, winners
from tf_dlth.reporting.page.content import Table
from tf_dlth.reporting.rules import BALANCED, heldout, is_balanced, shown
from tf_dlth.reporting.run_record import RunRecord, labels_used, settings
from tf_dlth.reporting.sizes import sizes
from tf_dlth.reporting.standings import Standing, cells, columns
from tf_dlth.tickets.ticket import Ticket


def standings_table(record: RunRecord, found: Sequence[Standing]) -> Table:
    """What was chosen beside what it has to beat."""
    dense = test_accuracy(record.rows[0], record.rule)
    rows = [cells(standing, dense, record.images) for standing in found]
    return Table(
        "standings",
        "What was chosen, and what it has to beat (%)",
        columns(record.config.training),
        rows,
        [asdict(standing) for standing in found],
    )


def rules_table(record: RunRecord) -> Table:
    """A row a rule: its ticket, what that gains on the test set over iteration 0, and the labels that were used."""
    records = [_rule_record(record, rule, best) for rule, best in winners(record.rows, PAPER_LAST_ITERATION).items()]
    rows = [
        [
            r["rule"], "yes" if r["decides"] else "no", str(r["iteration"]), f"{100 * r['density']:.2f}",
            f"{100 * r['score']:.1f}", f"{100 * r['ticket']:.2f}", f"{100 * r['dense']:.2f}",
            f"{100 * r['gain']:+.2f}", "-" if r["error"] == "" else f"{100 * r['error']:.2f}",
            "yes" if r["dense_wins"] else "no",
        ]
        for r in records
    ]  # fmt: skip
    headers = (
        "chosen by", "decides", "k", "density %", "score %", "test %", "test % of k = 0", "gain", "error",
        "k = 0 is better",
    )  # fmt: skip
    caption = (
        "The network that each rule chooses among iterations k = 1 to 15: the score that it is chosen by, its test "
        "accuracy beside that of iteration 0, and the gain in points with its largest standard error"
    )
    return Table("rules", caption, headers, rows, records)


def _rule_record(record: RunRecord, rule: Rule, best: int) -> dict[str, Any]:
    rows, images = record.rows, record.images
    ticket, dense = test_accuracy(rows[best], rule), test_accuracy(rows[0], rule)
    return {
        "rule": shown(rule, record.config.training.evaluate_every),
        "decides": rule == record.rule,
        "iteration": best,
        "density": rows[best].density,
        "score": score(rows[best], rule),
        "ticket": ticket,
        "dense": dense,
        "gain": ticket - dense,
        "error": error_of_difference(ticket, dense, images["test"]) if images else "",
        "dense_wins": dense_would_win(rows)[rule],
        "labels": labels_used(record, rule),
    }


def iterations_table(record: RunRecord) -> Table:
    """A row an iteration, accuracies under every rule."""
    images = record.images
    rows = [
        [
            str(row.iteration), f"{100 * row.density:.2f}", f"{row.remaining:,}", f"{row.train_loss:.3f}",
            _percent(row.train_accuracy), _percent(row.heldout_accuracy), _percent(row.test_accuracy_heldout),
            _percent(row.test_accuracy_best), _percent(row.test_accuracy_last), f"{row.seconds:,.0f}",
        ]
        for row in record.rows
    ]  # fmt: skip
    headers = (
        "k", "density %", "weights", "loss", "training %", f"{heldout(record.config.training)} %",
        "test: heldout", "test: test_best", "test: last", "seconds",
    )  # fmt: skip
    caption = "Every iteration k: accuracy in per cent, on the test images at the epoch that each rule keeps"
    if is_balanced(record.config.training):
        caption += f"; {BALANCED}"
    elif images and "heldout" in images:
        held = record.chosen.heldout_accuracy or 0.0
        error = 100 * standard_error(held, images["heldout"])
        caption += (
            f"; one standard error of the held-out accuracy is {error:.1f} points on {images['heldout']:,} images"
        )
    return Table("iterations", caption, headers, rows, [asdict(row) for row in record.rows])


def sizes_table(tickets: Sequence[Ticket]) -> Table:
    """Weights and bytes of each."""
    records = []
    for ticket in tickets:
        measured, manifest = sizes(ticket), ticket.manifest
        records.append(
            {
                "iteration": ticket.iteration, "parameters": measured.dense // 4, "prunable": manifest.prunable,
                "remaining": manifest.remaining, "float32_bytes": measured.dense, "gzip_bytes": measured.gzip,
                "packed_bytes": measured.packed,
            }
        )  # fmt: skip
    rows = [
        [
            str(r["iteration"]), *(f"{r[key]:,}" for key in ("parameters", "prunable", "remaining")),
            *(f"{r[key] / 2**20:.2f}" for key in ("float32_bytes", "gzip_bytes", "packed_bytes")),
        ]
        for r in records
    ]  # fmt: skip
    headers = ("k", "values", "prunable weights", "remaining", "float32 MiB", "gzip MiB", "packed MiB")
    caption = "How large the weights are: as float32, the same through gzip, and packed as a bit mask and what remains"
    return Table("sizes", caption, headers, rows, records)


def layers_table(opened: Opened) -> Table:
    """The counts of each layer, in the order of the network."""
    layers = opened.ticket.manifest.layers
    records = [{"layer": name, **layers[name].model_dump()} for name in opened.masks]
    rows = [[r["layer"], f"{r['remaining']:,}", f"{r['total']:,}", f"{100 * r['density']:.2f}"] for r in records]
    return Table(
        "layers", "Weights that remain, layer by layer", ("layer", "remaining", "of", "density %"), rows, records
    )


def settings_table(record: RunRecord) -> Table:
    """The settings that decide a run."""
    rows = [[key, value] for key, value in settings(record)]
    return Table("settings", "Settings (all of them are in config.yaml)", ("key", "value"), rows)


def machine_table(record: RunRecord) -> Table:
    """Versions, the kind of machine, and how long it took."""
    facts = record.facts
    host = {key: ", ".join(value) if isinstance(value, list) else str(value) for key, value in facts.host.items()}
    seconds = sum(row.seconds for row in record.rows)
    rows = [
        *facts.versions.items(),
        *((name.replace("_", " "), value) for name, value in host.items()),
        ("training seconds", f"{seconds:,.0f}"),
        ("SHA-256 of the config", facts.config_sha256),
        ("SHA-256 of the images", facts.data_sha256),
    ]
    return Table("machine", "Versions and machine", ("what", "value"), [list(row) for row in rows])


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
