"""The event files, read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util.tensor_util import make_ndarray

from tf_dlth.reporting.hparams import write_hparams
from tf_dlth.studies.results import Results


def events(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(read: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, float(make_ndarray(event.tensor_proto))) for event in read.Tensors(tag)]


def plugin_data(read: EventAccumulator, tag: str) -> plugin_data_pb2.HParamsPluginData:
    content = read.PluginTagToContent("hparams")[tag]
    return plugin_data_pb2.HParamsPluginData.FromString(content)


@pytest.fixture(scope="module")
def some(frames) -> Results:
    """Of each arm the runs of 1 %, rand and the first pair."""
    n = frames.networks
    return replace(frames, networks=n[(n["data.fraction"] == 0.01) & (n["data.augment"] == "rand") & (n.seed == 0)])


def test_one_run_a_line(some: Results, tmp_path: Path):
    root = write_hparams(some, tmp_path)
    assert root == tmp_path / "tensorboard"
    config = plugin_data(events(root), "_hparams_/experiment").experiment
    assert [h.name for h in config.hparam_infos][:3] == ["arm", "data.fraction", "data.augment"]
    assert [m.name.tag for m in config.metric_infos] == ["accuracy", "dense_accuracy", "density"]
    folders = sorted(path.name for path in root.iterdir() if path.is_dir())
    assert folders == sorted(Path(run).name for run in some.networks.run.unique())
    read = events(root / "ticket-0.01-rand-0-0")
    hparams = plugin_data(read, "_hparams_/session_start_info").session_start_info.hparams
    assert hparams["arm"].string_value == "ticket"
    assert hparams["data.fraction"].string_value == "0.01"
    assert hparams["seed"].number_value == 0
    assert scalars(read, "accuracy") == [(0, pytest.approx(0.55))]
    assert scalars(read, "dense_accuracy") == [(0, pytest.approx(0.37))]
    assert scalars(read, "density") == [(0, pytest.approx(0.4096))]


def test_a_single_training_has_no_dense_network_of_its_own(some: Results, tmp_path: Path):
    read = events(write_hparams(some, tmp_path) / "random-0.01-rand-0-2")
    assert scalars(read, "accuracy") == [(0, pytest.approx(0.56 - 0.09 - 0.01 + 0.01))]
    assert "dense_accuracy" not in read.Tags()["tensors"]


def test_accuracy_against_density(some: Results, tmp_path: Path):
    root = write_hparams(some, tmp_path)
    points = scalars(events(root / "ticket-0.01-rand-0-0"), "test_accuracy_by_density")
    assert points == [(d, pytest.approx(a)) for d, a in
                      ((10000, 0.37), (8000, 0.41), (6400, 0.45), (5120, 0.49), (4096, 0.55))]  # fmt: skip
    assert scalars(events(root / "matched-0.01-rand-0-0"), "test_accuracy_by_density") == [(10000, pytest.approx(0.37))]


def test_without_held_out_images_the_paper_s_rule(some: Results, tmp_path: Path):
    networks = some.networks.assign(heldout_accuracy=np.nan, test_accuracy_heldout=np.nan)
    read = events(write_hparams(replace(some, networks=networks), tmp_path) / "ticket-0.01-rand-0-0")
    assert scalars(read, "accuracy") == [(0, pytest.approx(0.57))]
    assert scalars(read, "test_accuracy_by_density")[1] == (8000, pytest.approx(0.51))


def test_layer_densities_are_the_tickets(some: Results, tmp_path: Path):
    run = tmp_path / "runs" / "own"
    for k, densities in ((0, (1.0, 1.0)), (1, (0.9, 0.7))):
        (run / f"iteration_{k:02d}").mkdir(parents=True)
        layers = {f"layer{i}": {"density": density} for i, density in enumerate(densities)}
        (run / f"iteration_{k:02d}" / "ticket.json").write_text(json.dumps({"layers": layers}))
    ticket = some.networks[some.networks.arm == "ticket"]
    networks = ticket.assign(run=str(run))
    read = events(write_hparams(replace(some, networks=networks), tmp_path) / "own")
    histograms = [(event.step, make_ndarray(event.tensor_proto)) for event in read.Tensors("layer_density")]
    assert [step for step, _ in histograms] == [0, 1]
    buckets = histograms[1][1]  # [left, right, count]
    assert buckets[:, 2].sum() == 2
    assert (buckets[:, 0].min(), buckets[:, 1].max()) == pytest.approx((0.7, 0.9))


def test_written_anew(some: Results, tmp_path: Path):
    write_hparams(some, tmp_path)
    root = write_hparams(replace(some, networks=some.networks[some.networks.arm == "ticket"]), tmp_path)
    assert [path.name for path in root.iterdir() if path.is_dir()] == ["ticket-0.01-rand-0-0"]
    assert len(scalars(events(root / "ticket-0.01-rand-0-0"), "accuracy")) == 1
