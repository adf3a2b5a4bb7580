"""How long a run takes on this machine, and what fits into a given time."""
