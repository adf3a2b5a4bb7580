from __future__ import annotations

from tf_dlth.experiment import Run
from tf_dlth.tickets.describing import as_html, described
from tf_dlth.tickets.ticket import load_ticket


def test_a_ticket_in_a_line_and_as_a_table(finished) -> None:
    ticket = load_ticket(finished.path / "iteration_01")
    entry = ticket.entry()
    line = repr(ticket)
    assert line.startswith(f"<Ticket {ticket.path}: density {ticket.density:.2%} (")
    assert f"test accuracy {entry.test_accuracy:.2%} (heldout, epoch {entry.epoch})" in line
    assert "classes 10 (0, 1, 2, 3, 4, ...)" in line and "\n" not in line
    assert "<td>resnet18, width 4</td>" in ticket._repr_html_()


def test_a_run_names_its_winner(finished) -> None:
    run = Run(finished.path)
    assert f"iterations 3, winner {run.winner.path.name}" in repr(run)
    assert run._repr_html_().count("<tr") >= 3 + len(run.iterations)


def test_what_comes_from_files_is_harmless() -> None:
    assert "<script>" not in as_html("<script>", {"<script>": "<script>"})
    assert described("a", {"b": "c\x1b[2J\n"}).count("\n") == 0
