"""Iterative magnitude pruning with rewinding, and the tickets that it finds."""

from __future__ import annotations

from tf_dlth.lottery import masks

__all__ = ["masks"]
