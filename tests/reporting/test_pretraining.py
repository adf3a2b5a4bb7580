from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tf_dlth.config import parse_config
from tf_dlth.reporting import lines as module
from tf_dlth.reporting.lines import SILENCE
from tf_dlth.reporting.pretraining import PretrainingLines
from tf_dlth.training.schedule import Position

CONFIG = parse_config("name: run\nmodel: {width: 8}\npretrain: {epochs: 40, batch_size: 32}")


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    state = {"now": 0.0}
    monkeypatch.setattr(module.time, "monotonic", lambda: state["now"])
    return state


@pytest.fixture
def lines(out: io.StringIO, clock: dict[str, float]) -> PretrainingLines:
    shown = PretrainingLines(Console(file=out, width=60))
    shown.started(CONFIG, 1234, Path("folder"))
    return shown


def test_it_begins_with_what_is_trained_on_what(lines: PretrainingLines, out: io.StringIO):
    assert out.getvalue() == (
        "run: SimCLR, resnet18 width 8, 1,234 digits images without labels, 40 epochs in batches of 32\n"
    )


def test_a_line_whenever_the_neighbours_were_asked(lines: PretrainingLines, out: io.StringIO):
    lines.epoch_ended({"epoch": 0, "nt_xent": None, "knn_accuracy": 0.5})
    lines.progress(Position(1, 1), 2345.6)
    lines.epoch_ended({"epoch": 1, "nt_xent": 3.5, "knn_accuracy": None})
    lines.epoch_ended({"epoch": 2, "nt_xent": 3.25, "knn_accuracy": 0.6789})
    assert out.getvalue().splitlines()[1:] == [
        "epoch 0/40  kNN accuracy 50.0%",
        "epoch 2/40  kNN accuracy 67.9%  NT-Xent 3.250  2,346 images/s",
    ]


def test_in_between_it_says_where_it_is_after_a_silence(
    lines: PretrainingLines, out: io.StringIO, clock: dict[str, float]
):
    for now, step in ((SILENCE, 1), (SILENCE + 1, 2), (2 * SILENCE, 3), (2 * SILENCE + 2, 4)):
        clock["now"] = now
        lines.progress(Position(3, step), 100.0)
    assert out.getvalue().splitlines()[1:] == ["epoch 3/40 step 2  100 images/s", "epoch 3/40 step 4  100 images/s"]


def test_a_warning_is_one_line_as_it_stands(lines: PretrainingLines, out: io.StringIO):
    message = "from iteration 0 on pretrain.epochs is 40, before 30, and more words than a narrow terminal holds"
    lines.warning(message)
    assert out.getvalue().splitlines()[1:] == [f"warning: {message}"]
