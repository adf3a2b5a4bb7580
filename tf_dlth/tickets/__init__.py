"""A ticket at rest: opening, verifying and writing its folder."""
