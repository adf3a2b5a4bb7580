"""Masks that are drawn instead of found, with exact counts; NumPy only. The seed alone decides them."""

from __future__ import annotations

import hashlib

import numpy as np

from tf_dlth.lottery.masks import Masks


def random_masks(like: Masks, remaining: int, seed: int) -> Masks:
    """Exactly ``remaining`` of all weights of ``like``'s variables, uniformly over all layers (paper section 4.4).

    What ``like`` holds but its shapes is not looked at; variables are drawn in the order of their names.
    """
    # paper: weights of the dense network zeroed to the ticket's sparsity, at once or in its release round by round;
    # here: at once, because both are one law.
    names = sorted(like)
    kept = np.zeros(like.prunable, bool)
    kept[_stream("random", seed).permutation(like.prunable)[:remaining]] = True
    ends = np.cumsum([like[name].size for name in names])
    parts = dict(zip(names, np.split(kept, ends[:-1]), strict=True))
    return Masks({name: parts[name].reshape(mask.shape) for name, mask in like.items()})


def permuted_masks(ticket: Masks, seed: int) -> Masks:
    """The ticket's count of every layer exactly, at positions permuted inside each kernel (paper section 4.4)."""
    # paper: its release flips a coin for each weight, so that counts only match on average; here: exact counts.
    drawn = {name: _stream(f"layerwise {name}", seed).permutation(mask.ravel()) for name, mask in ticket.items()}
    return Masks({name: drawn[name].reshape(mask.shape) for name, mask in ticket.items()})


def _stream(name: str, seed: int) -> np.random.RandomState:
    # RandomState, because NumPy freezes its stream for good and that of Generator only within a version.
    digest = hashlib.sha256(f"masks/{name}/{seed}".encode()).digest()
    return np.random.RandomState(np.frombuffer(digest, np.uint32))
