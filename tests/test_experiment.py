from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml
from sklearn.metrics import balanced_accuracy_score

from tf_dlth import experiment, files
from tf_dlth.config import load_config
from tf_dlth.data import load_data
from tf_dlth.errors import UserError
from tf_dlth.evaluation.accuracy import predict
from tf_dlth.experiment import Run, rehearse, run
from tf_dlth.files import read_tensors
from tf_dlth.lottery.masks import Masks, prune_global
from tf_dlth.lottery.rows import Row
from tf_dlth.models.inference import predictor
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.observer import RunObserver
from tf_dlth.runs import folder as run_folders
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.runs.lock import locked
from tf_dlth.tickets.ticket import load_ticket
from tf_dlth.training.network import Network

COLUMNS = (
    "iteration,density,remaining,prunable,epochs,train_loss,train_accuracy,test_accuracy_best,best_epoch,"
    "test_accuracy_last,heldout_accuracy,heldout_epoch,test_accuracy_heldout,seconds,train_images_per_second"
)
METRICS = ["iteration", "epoch", "train_loss", "train_accuracy", "test_accuracy", "heldout_accuracy"]
RUN_KEYS = {
    "format_version", "status", "config_sha256", "data_sha256", "seed", "versions", "host", "seconds", "winner",
    "winners", "winners_16", "dense_would_win", "admitted", "initialisation", "files", "manifests", "run_sha256",
    "best_sparse",
}  # fmt: skip
TICKET_KEYS = {
    "format_version", "iteration", "density", "remaining", "prunable", "layers", "weights", "model", "preprocessing",
    "normalisation", "dataset", "class_names", "augment", "config_sha256", "default_weights", "rewind", "files",
    "manifest_sha256",
}  # fmt: skip
ENTRIES = {
    "config.yaml", "run.json", "subset.json", "iterations.csv", "metrics.jsonl", "initial.safetensors",
    "rewind.safetensors", "regressions.json", "classes.csv", "tensorboard", "accuracy_by_density.png",
    "learning_curves.png", "confusion.png", "mistakes.png",
    "iteration_00", "iteration_01", "iteration_02",
}  # fmt: skip
WEIGHT_FILES = {"weights.safetensors", "weights_test_best.safetensors", "weights_heldout.safetensors"}


def metrics(path: Path) -> pd.DataFrame:
    return pd.DataFrame([json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()])


def table_of(path: Path) -> pd.DataFrame:
    return pd.read_csv(path / "iterations.csv")


def rows_of(path: Path) -> list[Row]:
    return [Row(**{str(key): value for key, value in row.items()}) for row in table_of(path).to_dict("records")]


def iterations(path: Path) -> list[Path]:
    return sorted(path.glob("iteration_*"))


def masks_of(iteration: Path) -> Masks:
    return Masks(read_tensors(iteration / "mask.safetensors"))


# What a finished run holds


def test_the_folder_holds_what_the_contract_says_and_no_leftovers(finished):
    assert {path.name for path in finished.path.iterdir()} == ENTRIES
    for iteration in iterations(finished.path):
        names = {path.name for path in iteration.iterdir()}
        assert {"ticket.json", "mask.safetensors", "weights.safetensors", "saved_model"} <= names
        assert names <= {"ticket.json", "mask.safetensors", "saved_model"} | WEIGHT_FILES


def test_run_json(finished):
    tree = json.loads((finished.path / "run.json").read_text())
    assert tree.keys() == RUN_KEYS
    tables = ("subset.json", "iterations.csv", "metrics.jsonl", "regressions.json", "classes.csv")
    own = (*tables, "initial.safetensors", "rewind.safetensors")
    assert tree["files"] == {name: files.sha256(finished.path / name) for name in own}
    assert tree["manifests"] == {
        path.name: files.read_json(path / "ticket.json")["manifest_sha256"] for path in iterations(finished.path)
    }
    assert tree["status"] == "finished"
    assert tree["format_version"] == 1
    assert tree["seed"] == 0
    assert tree["config_sha256"] == load_config(finished.path / "config.yaml").sha256()
    assert set(tree["host"]) == {"cpu", "cores", "memory_gib", "threads", "onednn", "compiled", "cpu_flags"}
    assert {"python", "tensorflow", "tf_keras", "tf_dlth", "numpy"} <= tree["versions"].keys()
    for key in ("winners", "winners_16", "dense_would_win"):
        assert set(tree[key]) == {"heldout", "test_best", "last"}
    assert tree["winner"] == tree["winners"]["heldout"]


def test_config_yaml_has_every_default_written_out(finished):
    tree = yaml.safe_load((finished.path / "config.yaml").read_text())
    assert list(tree) == ["name", "seed", "data", "model", "training", "pruning", "probe", "pretrain", "output"]
    assert tree["model"] == {
        "architecture": "resnet18", "width": 4, "stem": "small", "head": "linear", "init": "random",
        "pretrained_stem": False,
    }  # fmt: skip
    assert tree["pruning"]["select_by"] == "heldout"
    assert tree["output"]["weights"] == "heldout"
    data = tree["data"]
    assert (data["flip"], data["crop_padding"], data["cutout"], data["heldout_per_class"]) == ("none", 1, 0, 3)
    assert len(data["normalisation"]["mean"]) == 1


def test_r18_paths_stay_as_they_were_typed(tiny, quick, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = run(quick("output.directory=here/there", "pruning.iterations=0", "training.epochs=2")).path
    assert not path.is_absolute()
    for file in (p for p in path.rglob("*") if p.is_file()):
        assert str(tmp_path).encode() not in file.read_bytes(), file


def test_r18_no_file_names_the_machine_or_its_folders(finished):
    for file in (p for p in finished.path.rglob("*") if p.suffix in (".json", ".jsonl", ".csv", ".txt")):
        assert os.uname().nodename.encode() not in file.read_bytes().split(), file
        assert str(finished.path).encode() not in file.read_bytes(), file


def test_subset_json_names_the_images_of_each_part(finished):
    tree = json.loads((finished.path / "subset.json").read_text())
    parts = tree["images"]
    assert {part: len(names) for part, names in parts.items()} == {"train": 50, "heldout": 30, "test": 1047}
    assert len({name for names in parts.values() for name in names}) == 50 + 30 + 1047
    assert set(tree["class_counts"]["train"].values()) == {5}


def test_iterations_csv(finished):
    text = (finished.path / "iterations.csv").read_text()
    assert text.splitlines()[0] == COLUMNS
    table = table_of(finished.path)
    assert table.iteration.tolist() == [0, 1, 2]
    assert table.epochs.tolist() == [3, 2, 2]
    assert (table.density == table.remaining / table.prunable).all()
    dense = table.prunable[0]
    first = dense - round(0.2 * dense)
    assert table.remaining.tolist() == [dense, first, first - round(0.2 * first)]
    pd.testing.assert_frame_equal(Run(finished.path).iterations, table, check_exact=True)


def test_metrics_jsonl_has_a_line_an_evaluated_epoch(finished):
    lines = [json.loads(line) for line in (finished.path / "metrics.jsonl").read_text().splitlines()]
    assert all(list(line) == METRICS for line in lines)
    assert [(line["iteration"], line["epoch"]) for line in lines] == [
        (0, 1),
        (0, 2),
        (0, 3),
        (1, 2),
        (1, 3),
        (2, 2),
        (2, 3),
    ]


def test_r04_the_losses_are_what_they_were(finished):
    """Of the seven epochs; another kind of CPU rounds otherwise, which grows from step to step."""
    stored = [2.748319, 2.362973, 2.371237, 2.467183, 2.317555, 2.263860, 2.026499]
    assert metrics(finished.path).train_loss.tolist() == pytest.approx(stored, rel=1e-3)


def test_iterations_csv_follows_from_metrics_jsonl(finished):
    """The best epoch is the earliest of the best."""
    lines = metrics(finished.path)
    for row in rows_of(finished.path):
        own = lines[lines.iteration == row.iteration].set_index("epoch")
        assert row.test_accuracy_best == own.test_accuracy.max()
        assert row.best_epoch == min(e for e in own.index if own.test_accuracy[e] == row.test_accuracy_best)
        assert row.heldout_accuracy == own.heldout_accuracy.max()
        assert row.heldout_epoch is not None
        assert row.heldout_epoch == min(e for e in own.index if own.heldout_accuracy[e] == row.heldout_accuracy)
        assert row.test_accuracy_heldout == own.test_accuracy[row.heldout_epoch]
        assert row.test_accuracy_last == own.test_accuracy[3]
        assert (row.train_loss, row.train_accuracy) == (own.train_loss[3], own.train_accuracy[3])


def test_r11_masks_nest_and_every_saved_weight_is_masked(finished):
    before = None
    for row, iteration in zip(rows_of(finished.path), iterations(finished.path), strict=True):
        masks = masks_of(iteration)
        assert masks.remaining == row.remaining
        assert masks.density == row.density
        assert before is None or masks.within(before)
        before = masks
        for file in iteration.glob("weights*.safetensors"):
            weights = read_tensors(file)
            assert all(not weights[name][~mask].any() for name, mask in masks.items())
            assert all(weights[name].shape == mask.shape for name, mask in masks.items())


def test_the_masks_follow_from_the_last_weights_before(finished):
    folders = iterations(finished.path)
    for before, after in pairwise(folders):
        weights, masks = read_tensors(before / "weights.safetensors"), masks_of(before)
        expected = prune_global(weights, masks, 0.2)
        assert all(np.array_equal(mask, expected[name]) for name, mask in masks_of(after).items())


def test_ticket_json(finished):
    for row, iteration in zip(rows_of(finished.path), iterations(finished.path), strict=True):
        tree = json.loads((iteration / "ticket.json").read_text())
        assert tree.keys() == TICKET_KEYS
        assert tree["weights"]["last"] == {
            "file": "weights.safetensors", "epoch": 3, "test_accuracy": row.test_accuracy_last
        }  # fmt: skip
        assert tree["weights"]["test_best"]["test_accuracy"] == row.test_accuracy_best
        assert tree["weights"]["heldout"]["test_accuracy"] == row.test_accuracy_heldout
        for name, mask in masks_of(iteration).items():
            assert tree["layers"][name] == {
                "remaining": int(mask.sum()), "total": mask.size, "density": mask.sum() / mask.size
            }  # fmt: skip
        assert tree["model"] == {
            "architecture": "resnet18", "width": 4, "stem": "small", "head": "linear", "classes": 10,
            "input_shape": [8, 8, 1],
        }  # fmt: skip
        assert set(tree["preprocessing"]) == {"channels", "resize", "crop", "interpolation", "antialias", "fit"}
        assert tree["class_names"] == list("0123456789")
        assert (tree["dataset"], tree["augment"]) == ("digits", "basic")
        assert tree["config_sha256"] == load_config(finished.path / "config.yaml").sha256()
        assert tree["rewind"] == {
            "file": "rewind.safetensors", "sha256": files.sha256(finished.path / "rewind.safetensors")
        }  # fmt: skip
        on_disk = files.digests(iteration)
        del on_disk["ticket.json"]
        assert tree["files"] == on_disk


def test_theta_0_and_theta_r_hold_every_variable(finished):
    initial, rewind = (read_tensors(finished.path / f"{name}.safetensors") for name in ("initial", "rewind"))
    weights = read_tensors(finished.path / "iteration_00" / "weights.safetensors")
    assert initial.keys() == rewind.keys() == weights.keys()
    assert {"stem/kernel", "stem_bn/gamma", "stem_bn/moving_variance", "head/bias"} <= initial.keys()
    assert not np.array_equal(initial["stem_bn/moving_mean"], rewind["stem_bn/moving_mean"])
    assert initial["stem/kernel"].shape == (3, 3, 1, 4)


def test_the_plan_is_an_upper_bound_of_what_was_written(finished):
    plan = Prepared(finished.config).plan()
    assert files.size(finished.path) <= plan.bytes
    assert plan.steps == 3 * (3 + 2 + 2)
    assert plan.images_per_class["heldout"] == dict.fromkeys("0123456789", 3)
    weights = read_tensors(finished.path / "initial.safetensors")
    trained = [w.size for name, w in weights.items() if "moving" not in name]
    assert plan.parameters == sum(trained)


# Repeating


def test_r03_one_seed_gives_one_result_and_another_another(quick):
    runs = {name: run(quick(f"name={name}", f"seed={seed}")).path for name, seed in (("a", 0), ("b", 0), ("c", 1))}
    for file in ("metrics.jsonl", "initial.safetensors", "rewind.safetensors", "subset.json"):
        a, b, c = ((path / file).read_bytes() for path in runs.values())
        assert a == b
        assert (a == c) == (file == "subset.json")
    for iteration in ("iteration_00", "iteration_02"):
        for file in ("mask.safetensors", "weights.safetensors"):
            assert (runs["a"] / iteration / file).read_bytes() == (runs["b"] / iteration / file).read_bytes()
    timings = ["seconds", "train_images_per_second"]
    a, b = (table_of(runs[name]).drop(columns=timings) for name in ("a", "b"))
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    masks = [masks_of(runs[name] / "iteration_02") for name in ("a", "c")]
    assert not all(np.array_equal(masks[0][n], masks[1][n]) for n in masks[0])
    # Only the winner has a SavedModel here.
    winner = json.loads((runs["a"] / "run.json").read_text())["winner"]
    assert [(p / "saved_model").is_dir() for p in iterations(runs["a"])] == [k == winner for k in range(3)]


def test_a_finished_run_is_left_alone(tiny, damaged: Path):
    before = files.digests(damaged)
    done = run(tiny(damaged.parent))
    assert not done.trained
    assert files.digests(damaged) == before
    assert done.winner.iteration == done.summary["winner"]


def test_an_own_architecture_with_a_normalised_head(quick):
    """The head's scale is a scalar: its shape must survive the files."""
    done = run(quick("model.head=cosine", "pruning.iterations=1"))
    weights = done.winner.weights("last")
    assert weights["head/scale"].shape == ()
    assert {"conv/kernel", "depthwise/depthwise_kernel"} == done.winner.mask.keys()
    assert done.iterations.density.tolist() == [1.0, done.winner.density]


def test_without_held_out_images(quick):
    done = run(quick("data.heldout_per_class=0", "pruning.iterations=1"))
    assert set(done.summary["winners"]) == {"test_best", "last"}
    assert done.iterations.heldout_accuracy.isna().all()
    assert done.winner.manifest.default_weights == "last"
    assert metrics(done.path).heldout_accuracy.isna().all()


def test_balanced_class_weights_choose_by_balanced_accuracy(quick):
    uneven = ("data.per_class=null", "data.imbalance=0.1", "data.heldout_from=train", "data.heldout_per_class=2")
    config = quick(*uneven, "training.class_weights=balanced")
    made = run(config)
    data = load_data(config.data)
    assert data.heldout is not None and len(set(data.class_counts(data.train).values())) > 1
    for row in made.iterations.itertuples():
        ticket = load_ticket(made.path / f"iteration_{row.iteration:02d}", trust=True)
        logits = predict(predictor(ticket.model("heldout")), data.heldout)
        assert row.heldout_accuracy == pytest.approx(
            balanced_accuracy_score(data.heldout.labels, logits.argmax(-1)), abs=1e-12
        )
    plain = run(quick(*uneven, "name=plain"))
    assert plain.iterations.train_loss[0] != made.iterations.train_loss[0]


def test_images_that_lie_on_the_devices_give_the_same_run(quick, monkeypatch):
    host = run(quick("name=host", "data.cutout=2", "pruning.iterations=1")).path
    monkeypatch.setattr(experiment, "on_gpus", lambda devices: True)
    device = run(quick("name=device", "data.cutout=2", "pruning.iterations=1")).path
    for name in ("metrics.jsonl", *(f"iteration_0{k}/weights.safetensors" for k in range(2))):
        assert (host / name).read_bytes() == (device / name).read_bytes()


def test_a_compiled_run_says_so_and_loses_no_accuracy(quick):
    plain, compiled = (run(quick(f"name=jit-{jit}", f"training.jit={jit}")).path for jit in ("auto", "true"))
    facts = [json.loads((path / "run.json").read_text()) for path in (plain, compiled)]
    assert [tree["host"]["compiled"] for tree in facts] == [False, True]
    assert facts[0]["config_sha256"] != facts[1]["config_sha256"]
    np.testing.assert_allclose(metrics(compiled).train_loss, metrics(plain).train_loss, rtol=1e-3)
    for iteration in iterations(compiled):
        masks, weights = masks_of(iteration), read_tensors(iteration / "weights.safetensors")
        assert all(not weights[name][~mask].any() for name, mask in masks.items())


def test_evaluating_seldom(quick):
    done = run(quick("training.evaluate_every=2", "training.epochs=5", "pruning.iterations=0"))
    assert metrics(done.path).epoch.tolist() == [2, 4, 5]


# Refusals


def test_r08_another_config_under_the_same_name(tiny, damaged: Path):
    before = files.digests(damaged)
    with pytest.raises(UserError) as refusal:
        run(tiny(damaged.parent, "seed=3", "training.learning_rate=0.2", "data.augment=none"))
    message = str(refusal.value)
    assert all(key in message for key in ("data.augment", "seed", "training.learning_rate", "--allow-change"))
    assert "pruning" not in message
    assert files.digests(damaged) == before


def test_r08_a_change_is_admitted_key_by_key(tiny, damaged: Path):
    changed = tiny(damaged.parent, "training.momentum=0.5", "training.learning_rate=0.2")
    with pytest.raises(UserError, match=r"differs in training\.learning_rate;"):
        run(changed, allow_change=["training.momentum"])
    assert not run(changed, allow_change=iter(["training.momentum", "training.learning_rate"])).trained


class Dies(RunObserver):
    """Ends the process, as it were, when an iteration is kept."""

    def __init__(self, after: int) -> None:
        self._after = after

    def iteration_ended(self, row: object, ticket: object) -> None:
        if getattr(row, "iteration", None) == self._after:
            raise KeyboardInterrupt


class Heard(RunObserver):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture(scope="module")
def half_done(tiny, own_networks: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[str]]:
    """A run whose process died after iteration 1 of 3, and what it was asked for."""
    asked = (f"model.architecture={own_networks}:convolutional", "output.savedmodel=winner", "pruning.iterations=3")
    folder = tmp_path_factory.mktemp("half_done")
    with pytest.raises(KeyboardInterrupt):
        run(tiny(folder, *asked), observers=[Dies(after=1)])
    return folder / "tiny", asked


@pytest.mark.parametrize(
    ("key", "old", "new", "rate"),
    [
        ("pruning.rate", 0.2, 0.5, 0.5),
        ("pruning.rate", 0.2, 0.1, 0.1),
        ("pruning.method", "magnitude", "none", 0.0),
    ],
)
def test_r08_an_admitted_change_holds_from_the_next_iteration_on(
    tiny, half_done: tuple[Path, Sequence[str]], tmp_path: Path, key: str, old: object, new: object, rate: float
):
    """What was kept stays as it is, and masks nest whatever the pruning is now."""
    before, asked = half_done
    path = Path(shutil.copytree(before, tmp_path / "tiny"))
    kept = {name: files.digests(path / name) for name in ("iteration_00", "iteration_01")}
    heard = Heard()
    done = run(tiny(tmp_path, *asked, f"{key}={new}"), allow_change=[key], observers=[heard])

    for name, digests in kept.items():
        now = files.digests(path / name)
        assert {file: now[file] for file in digests if file != "ticket.json"} == {
            file: digest for file, digest in digests.items() if file != "ticket.json"
        }, "only the winner's SavedModel may be added"
    masks = [masks_of(iteration) for iteration in iterations(path)]
    assert all(after.within(before) for before, after in pairwise(masks))
    counts = [mask.remaining for mask in masks]
    assert counts[1] == counts[0] - round(0.2 * counts[0])
    for fewer, more in ((2, 1), (3, 2)):
        assert counts[fewer] == counts[more] - round(rate * counts[more])
    assert done.iterations.remaining.tolist() == counts

    stored = load_config(before / "config.yaml")
    (change,) = done.summary["admitted"]
    assert change == {
        "from_iteration": 2, "config_sha256": stored.sha256(), "data_sha256": done.summary["data_sha256"],
        "keys": {key: {"old": old, "new": new}},
    }  # fmt: skip
    assert done.summary["config_sha256"] == load_config(path / "config.yaml").sha256() != stored.sha256()
    assert heard.warnings == [f"from iteration 2 on {key} is {new}, before {old}"]
    assert [load_ticket(iteration, trust=True).run for iteration in iterations(path)] == [path] * 4


def test_where_things_are_is_no_change(tiny, damaged: Path):
    assert not run(tiny(damaged.parent, "output.tensorboard=false")).trained


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("data_sha256", lambda tree: tree.update(data_sha256="0" * 64)),
        ("versions.tensorflow", lambda tree: tree["versions"].update(tensorflow="2.20.0")),
        ("initialisation.sha256", lambda tree: tree["initialisation"].update(sha256="0" * 64)),
    ],
)
def test_r08_other_data_versions_or_first_weights_are_a_change(tiny, damaged: Path, edit, key: str, change):
    edit(damaged / "run.json", change)
    with pytest.raises(UserError, match=f"differs in {key};"):
        run(tiny(damaged.parent))


def test_overwriting_starts_anew(quick, tmp_path: Path):
    first = run(quick("pruning.iterations=1"))
    again = run(quick("pruning.iterations=0", "seed=1"), overwrite=True)
    assert again.trained
    assert again.summary["seed"] == 1
    assert not (first.path / "iteration_01").exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_that_is_no_runs_is_left_alone(quick, tmp_path: Path, overwrite: bool):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="no run's"):
        run(quick(), overwrite=overwrite)
    assert [p.name for p in (tmp_path / "tiny").iterdir()] == ["thesis.tex"]


def test_overwriting_keeps_what_is_not_the_runs_own(tiny, damaged: Path):
    (damaged / "notes").mkdir()
    before = files.digests(damaged)
    with pytest.raises(UserError, match="holds notes, which is no run's"):
        run(tiny(damaged.parent), overwrite=True)
    assert files.digests(damaged) == before


def test_the_lock_names_its_holder(tiny, damaged: Path):
    with locked(damaged), pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
        run(tiny(damaged.parent))
    assert not run(tiny(damaged.parent)).trained


@pytest.mark.parametrize("name", ["run.json", "config.yaml"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[]"])
def test_a_damaged_run_folder(tiny, damaged: Path, name: str, content: bytes):
    (damaged / name).write_bytes(content)
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        run(tiny(damaged.parent))


def test_too_little_disk_stops_before_anything_is_written(quick, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(run_folders.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match=r"needs up to .* MiB in .*tiny, but 0 MiB are free"):
        run(quick())
    assert not (tmp_path / "tiny").exists() or not any((tmp_path / "tiny").iterdir())


def test_going_on_needs_no_space_for_what_is_written_already(quick, monkeypatch):
    class Enough(Exception):
        pass

    def begin(*arguments: object) -> None:
        raise Enough

    config = quick()
    path = Path(config.output.directory) / config.name
    needed = Prepared(config).plan().bytes
    path.mkdir()
    (path / "config.yaml").write_text(Prepared(config).config.to_yaml())
    (path / "rewind.safetensors").write_bytes(bytes(needed // 2))
    monkeypatch.setattr(experiment.RunFolder, "begin", begin)
    monkeypatch.setattr(run_folders.shutil, "disk_usage", lambda path: SimpleNamespace(free=needed // 2 + 1))
    with pytest.raises(Enough):
        run(config)


def test_r06_a_full_disk_ends_the_run_in_one_line(quick, tmp_path: Path, monkeypatch):
    """The error is the first file's, and the status is written if the disk has room for it again."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if "mask.safetensors" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(UserError, match=r"cannot write .*mask\.safetensors: No space left on device"):
        run(quick())
    assert json.loads((tmp_path / "tiny" / "run.json").read_text())["status"] == "failed"
    assert not list((tmp_path / "tiny").glob(".partial-*"))

    monkeypatch.undo()
    assert run(quick()).trained


def test_a_diverging_loss(quick, tmp_path: Path):
    with pytest.raises(
        UserError, match=r"diverged .*epoch 1 of iteration 0; lower training\.learning_rate \(now 1e\+30\)"
    ):
        run(quick("training.learning_rate=1e30"))
    tree = json.loads((tmp_path / "tiny" / "run.json").read_text())
    assert tree["status"] == "failed"
    assert "diverged" in tree["error"]
    assert not (tmp_path / "tiny" / "iteration_00").exists()


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\na tensor")]
)
def test_running_out_of_memory_is_one_line(quick, tmp_path: Path, monkeypatch, error: Exception):
    def exhausted(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(Network, "run", exhausted)
    with pytest.raises(UserError) as told:
        run(quick())
    assert str(told.value) == "out of memory; lower training.batch_size, data.image_size or model.width"
    tree = json.loads((tmp_path / "tiny" / "run.json").read_text())
    assert (tree["status"], tree["error"]) == ("failed", str(told.value))


def test_a_failure_of_ours_is_noted_with_its_reason(quick, tmp_path: Path, monkeypatch):
    def broken(*arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Network, "run", broken)
    with pytest.raises(RuntimeError, match=r"^a bug$"):
        run(quick())
    tree = json.loads((tmp_path / "tiny" / "run.json").read_text())
    assert (tree["status"], tree["error"]) == ("failed", "RuntimeError: a bug")
    assert not (tmp_path / "tiny" / ".lock").exists()


def test_a_rehearsal_plans_what_a_run_would_do_and_writes_nothing(quick, tmp_path: Path):
    config = quick()
    assert rehearse(config) == Prepared(config).plan()
    assert not any(tmp_path.iterdir())


def test_a_rehearsal_finds_devices_and_space_that_are_not_there(quick, monkeypatch):
    with pytest.raises(UserError, match="--devices gpu:0: there are 0 GPUs here"):
        rehearse(quick(), devices="gpu:0")
    monkeypatch.setattr(run_folders.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError, match=r"needs up to .* MiB in .*tiny, but 0 MiB are free"):
        rehearse(quick())


def test_metrics_that_were_cut_are_not_gone_on_from(quick, edit, tmp_path: Path):
    """A file shorter than the checkpoint knows would silently lose lines."""
    config = quick("pruning.iterations=1")
    path = run(config).path
    folder = experiment.RunFolder(path, "train", Prepared(config).facts())
    folder.save(Checkpoint({"iteration": 0, "rows": []}))
    edit(path / "run.json", lambda tree: tree.update(status="running"))
    (path / "metrics.jsonl").write_bytes((path / "metrics.jsonl").read_bytes()[:-20])
    with pytest.raises(UserError, match=r"metrics\.jsonl is damaged: its first \d+ bytes are not those of the run"):
        run(config)


def test_a_timed_run_is_the_same_run(quick, tmp_path: Path):
    """The steps that tell its time leave no trace in what it finds."""
    heard: list[float] = []

    class Told(RunObserver):
        def estimated(self, seconds: float) -> None:
            heard.append(seconds)

    timed, plain = (
        run(quick("name=timed"), timed=True, observers=[Told()]),
        run(quick("name=plain"), observers=[Told()]),
    )
    assert len(heard) == 1 and heard[0] > 0
    assert (timed.path / "metrics.jsonl").read_bytes() == (plain.path / "metrics.jsonl").read_bytes()
    for name in (
        "initial.safetensors",
        "rewind.safetensors",
        *(f"iteration_0{k}/weights.safetensors" for k in range(3)),
    ):
        assert (timed.path / name).read_bytes() == (plain.path / name).read_bytes()


def test_a_timed_rehearsal_writes_nothing(quick, tmp_path: Path):
    before = sorted(tmp_path.rglob("*"))
    plan = rehearse(quick(), timed=True)
    assert plan.seconds is not None and plan.seconds > 0
    assert rehearse(quick()).seconds is None
    assert sorted(tmp_path.rglob("*")) == before
