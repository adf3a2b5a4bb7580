"""How many bytes a ticket takes, dense, compressed and packed."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from tf_dlth.tickets.ticket import Ticket

FLOAT32 = 4


@dataclass(frozen=True)
class Sizes:
    """Bytes of one set of weights: as float32, the same through gzip, and packed.

    ``packed`` is what a sparse format needs at least: a bit a prunable weight, and every other value as float32.
    """

    dense: int
    gzip: int
    packed: int


def sizes(ticket: Ticket) -> Sizes:
    """Measures the weights that the ticket means by default."""
    weights, manifest = ticket.weights(), ticket.manifest
    values = sum(weight.size for weight in weights.values())
    stored = values - manifest.prunable + manifest.remaining
    content = b"".join(weights[name].tobytes() for name in sorted(weights))
    return Sizes(
        dense=FLOAT32 * values,
        gzip=len(gzip.compress(content, mtime=0)),
        packed=FLOAT32 * stored + -(-manifest.prunable // 8),
    )
