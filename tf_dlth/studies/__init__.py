"""Grids of runs: which there are, what is done, who does the rest, and the tables that come of it."""
