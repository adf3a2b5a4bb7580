from __future__ import annotations

import io

import pytest
from rich.console import Console

from tf_dlth.reporting import lines as module
from tf_dlth.reporting.probing import ProbeLines
from tf_dlth.training.schedule import Position

RECORD = {
    "ticket": "runs/pets/iteration_07", "weights": "heldout", "data": "cifar100", "protocol": "trained",
    "accuracy": 0.20791, "train_n": 50_000, "test_n": 10_000, "logistic_regression": 0.3,
}  # fmt: skip


def test_the_table_has_all_of_the_record() -> None:
    printed = io.StringIO()
    ProbeLines(Console(file=printed, width=80), epochs=7).result(RECORD)
    for text in (
        "accuracy of the probe      20.79 %",
        "of a logistic regression   30.00 %",
        "50,000 trained on, 10,000 tested on",
        *(str(RECORD[name]) for name in ("ticket", "weights", "data", "protocol")),
    ):
        assert text in printed.getvalue()


def test_progress_is_told_after_a_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    printed, now = io.StringIO(), [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    lines = ProbeLines(Console(file=printed, width=60), epochs=7)
    for seconds in (1.0, module.SILENCE + 1, module.SILENCE + 2, 2 * module.SILENCE + 2):
        now[0] = seconds
        lines.progress(Position(int(seconds), 3), 1234.5)
    assert printed.getvalue() == "epoch 31/7  1,234 images/s\nepoch 62/7  1,234 images/s\n"
