"""The tables of ``evaluate``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table

from tf_dlth.errors import printable
from tf_dlth.reporting.layout import titled

Record = Mapping[str, Any]
COMPARED = {"sha256": "the SHA-256 of their pixels", "name": "name"}


def measures_table(records: Sequence[Record]) -> Group:
    """A row a ticket; columns for what was asked for."""
    attack = next((r["attack"] for r in records if "attack" in r), None)
    columns = {
        "accuracy %": lambda r: _percent(r["accuracy"]),
        "balanced %": lambda r: _percent(r["balanced_accuracy"]),
        "loss": lambda r: f"{r['loss']:.4f}",
        "ECE %": lambda r: _percent(r["ece"]) if "ece" in r else None,
        f"{attack['kind']} %" if attack else "": lambda r: _percent(r["attack"]["accuracy"]) if "attack" in r else None,
        "density %": lambda r: _percent(r["density"]) if "density" in r else None,
        "images": lambda r: f"{r['n']:,}" if len({x["n"] for x in records}) > 1 else None,
    }
    columns |= {name: lambda r, key=name: r[key] for name in ("data", "weights") if len({r[name] for r in records}) > 1}
    shown = {name: cell for name, cell in columns.items() if any(cell(r) is not None for r in records)}
    title, names = _named(records)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    if len(records) > 1:
        table.add_column("ticket", overflow="fold", ratio=1, min_width=12)
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for record, name in zip(records, names, strict=True):
        cells = [cell(record) or "-" for cell in shown.values()]
        table.add_row(*([name] if len(records) > 1 else []), *cells)
    return titled(title, table)


def _named(records: Sequence[Record]) -> tuple[str, list[str]]:
    """What all rows have in common, and what is left of each ticket's path."""
    paths = [str(record["ticket"]).rstrip("/") for record in records]
    common = os.path.commonpath(paths) if len({path.startswith("/") for path in paths}) == 1 else ""
    names = [os.path.relpath(path, common) if common else path for path in paths]
    alike = [f"{kind} {records[0][kind]}" for kind in ("data", "weights") if len({r[kind] for r in records}) == 1]
    if len({record["n"] for record in records}) == 1:
        alike.append(f"{records[0]['n']:,} images")
    return printable(", ".join([*([common] if common else []), *alike]), 500), [printable(name) for name in names]


def seen_before_lines(records: Sequence[Record]) -> list[str]:
    """What the tickets have met of a folder's images, a line each, or one where it is the same of all."""
    told = [(str(record["ticket"]), _seen_before(record)) for record in records if "seen_before" in record]
    if len({line for _, line in told}) <= 1:
        return [line for _, line in told[:1]]
    return [f"{printable(ticket)}: {line}" for ticket, line in told]


def _seen_before(record: Record) -> str:
    found, n = record["seen_before"], record["n"]
    if found is None:
        return f"Whether any of the {n:,} images were used in training is not known: the run's own are not at hand."
    if not (found["train"] or found["heldout"] or found["test"]):
        return f"None of the {n:,} images is the run's own (compared by {COMPARED[found['by']]})."
    return (
        f"Of the {n:,} images {found['train']:,} were trained on, {found['heldout']:,} held out to choose and "
        f"{found['test']:,} the run's own test images (compared by {COMPARED[found['by']]})."
    )


def class_table(record: Record) -> Group:
    """Recall by class of one ticket."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("class", overflow="fold")
    table.add_column("%", justify="right")
    for name, recall in zip(record["class_names"], record["per_class"], strict=True):
        table.add_row(printable(name, 60), "no images" if recall is None else _percent(recall))
    return titled("recall by class", table)


def corruptions_table(corruptions: Mapping[str, Any]) -> Group:
    """Kinds by severities, with the means of both and of the groups."""
    made = "regenerated look-alikes, not the published arrays" if corruptions["regenerated"] else "published arrays"
    table = Table(box=box.SIMPLE_HEAD)
    severities = list(corruptions["by_severity"])
    for name in ("kind", *severities, "mean"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, row in corruptions["cells"].items():
        cells = [_percent(row[level]) if level in row else "-" for level in severities]
        table.add_row(kind, *cells, _percent(corruptions["by_kind"][kind]))
    table.add_section()
    table.add_row("mean", *map(_percent, corruptions["by_severity"].values()), _percent(corruptions["mean"]))
    for group, mean in corruptions["by_group"].items():
        table.add_row(f"group {group}", *[""] * len(severities), _percent(mean))
    return titled(f"accuracy by corruption (%): {made}", table)


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"
