"""Times as a person writes and reads them."""

from __future__ import annotations

import re

from tf_dlth.errors import UserError, printable

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = 10**7
"""Hours, say: no more than a person means."""


def parse_duration(text: str, option: str) -> float:
    """Seconds of ``90s``, ``30m`` or ``2h``; raises UserError that begins with ``option`` for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if found is None:
        raise UserError(f"{option} {printable(text, 40)}: write a time as 30m, 90s or 2h")
    number, unit = found.groups()
    if not unit:
        raise UserError(f"{option} {text}: {number} of what? write {number}m for minutes, {number}s or {number}h")
    if not 0 < float(number) <= LONGEST:
        raise UserError(f"{option} {text}: must be more than nothing and at most {LONGEST:,}{unit}; write such as 30m")
    return float(number) * UNITS[unit]


def shown(seconds: float) -> str:
    """Two digits or so: ``40 s``, ``18 min``, ``3.5 h``, ``12 days``."""
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    if seconds < 99.5 * 60:
        return f"{round(seconds / 60)} min"
    hours = seconds / 3600
    if hours < 48:
        return f"{hours:.1f}".removesuffix(".0") + " h"
    return f"{round(hours / 24):,} days"


def at_least(seconds: float) -> str:
    """As an option takes it, rounded up: ``40s``, ``19m``."""
    whole = -(-seconds // 1)
    return f"{whole:.0f}s" if whole < 100 else f"{-(-seconds // 60):.0f}m"
