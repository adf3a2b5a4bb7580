"""``python -m tf_dlth.push``: a ticket and its card on the Hugging Face Hub."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tf_dlth import commands, files, hub
from tf_dlth.errors import UserError
from tf_dlth.reporting.card import CARD, FIGURE, Shown, card, shown_ticket
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.ticket import Ticket, load_ticket

DESCRIPTION = (
    "Uploads a ticket (an iteration_NN folder) or a run's winner with its model card to the Hugging Face Hub, where "
    "anyone may see a new repository. It shows what would go up, and asks. HF_ENDPOINT names another Hub."
)
Contents = Mapping[str, Path | bytes]


def push(arguments: Sequence[str] | None = None) -> None:
    options = commands.parsed(_parser(), arguments)
    repository = hub.repository_of(options.target)
    commands.require_paths([options.ticket])
    ticket = load_ticket(options.ticket, trust=True)
    ticket.verify()
    contents = _contents(shown_ticket(ticket), repository)
    hub.require_token()
    console = commands.console()
    there = hub.names_in(repository)
    console.print(commands.table([_row(name, content, there) for name, content in contents.items()]))
    total = sum(map(_size, contents.values()))
    console.print(f"{len(contents)} files, {total / 2**20:.2f} MiB, to {options.target}", soft_wrap=True)
    if not options.yes and not _agreed():
        console.print("nothing was uploaded")
        return
    pushed = hub.upload(repository, contents, f"Ticket of iteration {ticket.iteration}, density {ticket.density:.2%}")
    console.print(f"uploaded: {pushed}", soft_wrap=True)
    record = {"repository": repository, "revision": pushed.revision, "files": list(contents)}
    commands.write_json(options.json, [record])


def _contents(shown: Shown, repository: str) -> Contents:
    """All that the ticket needs away from its run, by name: what its manifest lists, and nothing else of its folder."""
    ticket = shown.ticket
    own = {name: ticket.path / name for name in (MANIFEST, *sorted(ticket.manifest.files))}
    figure = {FIGURE: shown.figure} if shown.figure else {}
    return {CARD: card(shown, repository).encode(), **own, **_rewind(ticket), **figure}


def _rewind(ticket: Ticket) -> dict[str, Path]:
    """theta_r, which a ticket that was moved lacks."""
    try:
        path = ticket.rewind_file
    except UserError:
        return {}
    files.read_bytes(path, ticket.manifest.rewind.sha256)
    return {path.name: path}


def _row(name: str, content: Path | bytes, there: frozenset[str]) -> dict[str, str]:
    return {"file": name, "bytes": f"{_size(content):,}", "": "replaces one" if name in there else "new"}


def _size(content: Path | bytes) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _agreed() -> bool:
    """Asks on the terminal; raises UserError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise UserError("push asks before it uploads, and no terminal is there to ask on; pass --yes")
    return input("upload? [y/N] ").strip().lower() in ("y", "yes")


def _parser() -> commands.Parser:
    parser = commands.parser("push", DESCRIPTION)
    parser.add_argument("ticket", metavar="TICKET")
    parser.add_argument("target", metavar="hf://OWNER/NAME")
    parser.add_argument("--yes", action="store_true", help="upload without asking")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    return commands.main(push, arguments)


if __name__ == "__main__":
    sys.exit(main())
