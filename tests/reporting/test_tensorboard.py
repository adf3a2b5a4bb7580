from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from tf_dlth.experiment import run
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.figures.run import PICTURES
from tf_dlth.reporting.tensorboard import TensorBoard, grid
from tf_dlth.tickets.ticket import load_ticket


def events(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(accumulator: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, float(make_ndarray(event.tensor_proto))) for event in accumulator.Tensors(tag)]


def test_epochs_are_those_of_metrics_jsonl(finished):
    lines = [json.loads(line) for line in (finished.path / "metrics.jsonl").read_text().splitlines()]
    for iteration in range(3):
        own = [line for line in lines if line["iteration"] == iteration]
        read = events(finished.path / "tensorboard" / f"iteration_{iteration:02d}")
        for name in ("train_loss", "train_accuracy", "test_accuracy", "heldout_accuracy"):
            found = scalars(read, f"epoch/{name}")
            assert [step for step, _ in found] == [line["epoch"] for line in own]
            assert [value for _, value in found] == pytest.approx([line[name] for line in own], rel=1e-6)


@pytest.mark.parametrize("name", PICTURES)
def test_the_figures_of_the_run(finished, name: str):
    (event,) = events(finished.path / "tensorboard").Tensors(name.removesuffix(".png"))
    with Image.open(io.BytesIO(make_ndarray(event.tensor_proto)[2])) as shown, Image.open(finished.path / name) as own:
        assert np.array_equal(np.asarray(shown), np.asarray(own.convert("RGB")))


def test_iterations_and_layers(finished):
    table = run(finished.config).iterations
    read = events(finished.path / "tensorboard")
    assert [v for _, v in scalars(read, "density")] == pytest.approx(table.density.tolist(), rel=1e-6)
    for name, column in (("test_best", "best"), ("last", "last"), ("heldout", "heldout")):
        values = pytest.approx(table[f"test_accuracy_{column}"].tolist(), rel=1e-6)
        assert [v for _, v in scalars(read, f"test_accuracy_by_iteration/{name}")] == values
        by_density = scalars(read, f"test_accuracy_by_density/{name}")
        assert [step for step, _ in by_density] == [round(d * 1e4) for d in table.density]
        assert [v for _, v in by_density] == values
    for name, mask in load_ticket(finished.path / "iteration_02").mask.items():
        assert scalars(read, f"layer_density/{name}")[2] == (2, pytest.approx(mask.mean(), rel=1e-6))


def test_one_grid_of_training_images(finished):
    (event,) = events(finished.path / "tensorboard").Tensors("augmented training images")
    _, _, encoded = make_ndarray(event.tensor_proto)
    with Image.open(io.BytesIO(encoded)) as picture:
        assert picture.size == (64, 64)
        assert np.asarray(picture).any()


def test_going_on_writes_no_event_twice(finished, damaged: Path):
    """What was there is written anew from metrics.jsonl, never added to."""
    lines = (damaged / "metrics.jsonl").read_text().splitlines()
    (damaged / "metrics.jsonl").write_text("\n".join(lines[:4]) + "\n")
    prepared = Prepared(finished.config)
    with TensorBoard() as board:
        board.run_started(prepared, prepared.plan(), damaged)
        board.epoch_ended(json.loads(lines[4]))
    for name, steps in (("iteration_00", [1, 2, 3]), ("iteration_01", [2, 3])):
        folder = damaged / "tensorboard" / name
        assert [step for step, _ in scalars(events(folder), "epoch/train_loss")] == steps
        assert len(list(folder.iterdir())) == 1


def test_a_run_without_it(quick):
    done = run(quick("output.tensorboard=false", "pruning.iterations=0", "training.epochs=2"))
    assert not (done.path / "tensorboard").exists()
    shutil.rmtree(done.path)


@pytest.mark.parametrize("channels", [1, 3])
def test_grid(channels: int):
    images = np.arange(1, 11, dtype=np.uint8).reshape(10, 1, 1, 1) * np.ones((1, 2, 3, channels), np.uint8)
    picture = grid(images)
    assert picture.shape == (16, 24, channels)
    assert picture[0, ::3, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert picture[2, ::3, 0].tolist() == [9, 10, 0, 0, 0, 0, 0, 0]
    assert (picture[:2, :3] == 1).all()
    assert not picture[4:].any()


def test_a_grid_shows_64_images_of_more():
    images = np.arange(100, dtype=np.uint8).reshape(100, 1, 1, 1)
    assert grid(images)[..., 0].tolist() == np.arange(64).reshape(8, 8).tolist()
