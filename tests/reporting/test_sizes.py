from __future__ import annotations

import gzip

import numpy as np

from tf_dlth.reporting.sizes import sizes
from tf_dlth.tickets.ticket import load_ticket


def packed(weights: dict[str, np.ndarray], masks: dict[str, np.ndarray]) -> bytes:
    """One bit a prunable weight, then the values that remain, written out."""
    bits = np.packbits(np.concatenate([masks[name].ravel() for name in masks])).tobytes()
    values = [w[masks[n]] if n in masks else w.ravel() for n, w in weights.items()]
    return bits + np.concatenate(values).astype("<f4").tobytes()


def unpacked(content: bytes, weights: dict[str, np.ndarray], masks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    count = sum(mask.size for mask in masks.values())
    head = -(-count // 8)
    bits = iter(np.unpackbits(np.frombuffer(content[:head], np.uint8))[:count].astype(bool))
    places = {
        name: np.array([next(bits) for _ in range(mask.size)]).reshape(mask.shape) for name, mask in masks.items()
    }
    values, offset, result = np.frombuffer(content[head:], "<f4"), 0, {}
    for name, weight in weights.items():
        kept = places.get(name, np.ones(weight.shape, bool))
        result[name] = np.zeros(weight.shape, np.float32)
        result[name][kept] = values[offset : offset + kept.sum()]
        offset += kept.sum()
    return result


def test_against_packing_it(finished):
    ticket = load_ticket(finished.path / "iteration_02")
    weights, measured = ticket.weights(), sizes(ticket)
    content = packed(weights, ticket.mask)
    assert measured.packed == len(content)
    assert all(np.array_equal(value, weights[n]) for n, value in unpacked(content, weights, ticket.mask).items())
    assert measured.dense == sum(weight.nbytes for weight in weights.values())


def test_gzip_gains_what_zeros_give(finished):
    first, last = (sizes(load_ticket(finished.path / f"iteration_{k:02d}")) for k in (0, 2))
    assert last.gzip < first.gzip < first.dense == last.dense
    weights = load_ticket(finished.path / "iteration_02").weights()
    content = b"".join(weights[name].tobytes() for name in sorted(weights))
    assert gzip.decompress(gzip.compress(content)) == content
    assert abs(last.gzip - len(gzip.compress(content))) < 100
