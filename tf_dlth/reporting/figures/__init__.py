"""Figures, drawn with matplotlib's objects alone: no state, no window."""
