"""Studies: grids of runs over seeds, where their results lie, and what they say about the paper's claims."""
