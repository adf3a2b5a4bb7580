"""A ticket or a run in a line, for an interpreter, and as a table, for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from tf_dlth.errors import printable

if TYPE_CHECKING:
    from tf_dlth.tickets.ticket import Ticket

MOST_CLASSES = 5


def facts_of(ticket: Ticket) -> dict[str, str]:
    """What is worth knowing of it, by name."""
    manifest = ticket.manifest
    entry, classes = ticket.entry(), ticket.class_names
    named = ", ".join(classes[:MOST_CLASSES]) + (", ..." if len(classes) > MOST_CLASSES else "")
    return {
        "density": f"{ticket.density:.2%} ({manifest.remaining:,} of {manifest.prunable:,} weights)",
        "test accuracy": f"{entry.test_accuracy:.2%} ({manifest.default_weights}, epoch {entry.epoch})",
        "network": f"{manifest.model.architecture}, width {manifest.model.width}",
        "classes": f"{len(classes)} ({named})",
    }


def described(title: str, facts: Mapping[str, str]) -> str:
    """One line."""
    return printable(f"<{title}: " + ", ".join(f"{name} {value}" for name, value in facts.items()) + ">", 1000)


def as_html(title: str, facts: Mapping[str, str]) -> str:
    """A table; what comes from files is escaped."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"
