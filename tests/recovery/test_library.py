"""Runs on Keras-CV's augmentations, broken off and taken up again."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tf_dlth.config import Config
from tf_dlth.errors import Stopped
from tf_dlth.experiment import run
from tf_dlth.reporting.figures.run import Figures
from tf_dlth.reporting.tensorboard import TensorBoard
from tf_dlth.training.network import Network


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("mixup", "cosine_barz"),
        ("cutmix", "cross_entropy"),
        pytest.param("augmix", "cross_entropy", marks=pytest.mark.slow),
        pytest.param("randaugment", "cross_entropy", marks=pytest.mark.slow),
    ],
)
def test_a_run_goes_on_with_the_same_bits(
    kind: str,
    loss: str,
    quick: Callable[..., Config],
    result: Callable[[Path], dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = (f"data.augment={kind}", f"training.loss={loss}", "training.epochs=2", "pruning.iterations=1")
    whole = run(quick(f"output.directory={tmp_path / 'whole'}", *words), observers=[Figures(), TensorBoard()]).path

    train = Network.run

    def heard_in_the_first_call(self: Network, batches: Any, steps: int) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return train(self, batches, steps)

    monkeypatch.setattr(Network, "run", heard_in_the_first_call)
    for _ in range(2):  # after one step of three, and after another
        with pytest.raises(Stopped):
            run(quick(*words))
    monkeypatch.undo()
    path = run(quick(*words), observers=[Figures(), TensorBoard()]).path
    assert result(path) == result(whole)

    accuracies = [json.loads(line)["train_accuracy"] for line in (path / "metrics.jsonl").read_text().splitlines()]
    mixed = kind in ("mixup", "cutmix")
    assert all((accuracy is None) == mixed for accuracy in accuracies)
    assert pd.read_csv(path / "iterations.csv").train_accuracy.isna().tolist() == [mixed, mixed]
