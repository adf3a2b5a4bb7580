"""The folder of any long job - a ticket search, a pre-training: its state, its checkpoints, its lock."""
