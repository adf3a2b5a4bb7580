"""One self-contained HTML page, and the files beside it: what a report says, and how that is written down."""
