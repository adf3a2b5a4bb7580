"""``python -m tf_dlth.card``: a ticket's model card."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tf_dlth import commands, files
from tf_dlth.errors import UserError
from tf_dlth.reporting.card import CARD, FIGURE, LIBRARY, Shown, card, front_matter, shown_ticket
from tf_dlth.tickets.ticket import load_ticket

DESCRIPTION = (
    "Writes the model card of a ticket (an iteration_NN folder) or of a run's winner: Markdown with the metadata that "
    "the Hub reads. It compares the ticket with the run's dense network, says how each number was chosen, and shows "
    "the run's figure, which --out puts beside the card."
)


def write_card(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    commands.require_writable(options.out, "--out")
    commands.require_paths([options.ticket])
    shown = shown_ticket(load_ticket(options.ticket, trust=True))
    text = card(shown)
    if options.out is None:
        print(text, end="")
    else:
        _write(Path(options.out), text, shown)
    commands.write_json(options.json, [front_matter(shown)])


def _write(path: Path, text: str, shown: Shown) -> None:
    """The card, and the run's figure beside it; raises UserError where a file of someone else's is in the way."""
    if path.is_file() and f"\nlibrary_name: {LIBRARY}\n" not in files.read_bytes(path).decode(errors="replace"):
        raise UserError(f"--out {path} is no card that this command made; name another file")
    beside, figure = path.with_name(FIGURE), shown.figure and files.read_bytes(shown.figure)
    if figure and beside.exists() and files.read_bytes(beside) != figure:
        raise UserError(f"--out {path}: {beside} is another figure; name a file in another folder")
    if figure and not beside.exists():
        files.write_bytes(beside, figure)
    commands.write_result(str(path), text.encode())


def _parser() -> commands.Parser:
    parser = commands.parser("card", DESCRIPTION)
    parser.add_argument("ticket", metavar="TICKET")
    parser.add_argument("--out", metavar="FILE", help=f"such as card/{CARD}; default: standard output")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(write_card, arguments)


if __name__ == "__main__":
    sys.exit(main())
