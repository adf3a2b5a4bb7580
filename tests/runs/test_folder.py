from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tf_dlth import files
from tf_dlth.config import Config, parse_config
from tf_dlth.errors import Stopped, UserError
from tf_dlth.runs import folder as module
from tf_dlth.runs.checkpoint import Checkpoint
from tf_dlth.runs.facts import Facts
from tf_dlth.runs.folder import RunFolder, clear, opened, require_space, run_path, verify_files


def config(*overrides: str) -> Config:
    return parse_config("name: run", overrides)


def facts(settings: Config, **other: Any) -> Facts:
    given: dict[str, Any] = {
        "status": "running",
        "config_sha256": settings.sha256(),
        "data_sha256": "a" * 64,
        "seed": settings.seed,
        "initialisation": {"init": "random"},
        "versions": {"tensorflow": "2.21.0"},
        "host": {"cpu": "any", "threads": 2},
    }
    return Facts.model_validate({**given, **other})


def opened_again(path: Path, settings: Config, allowed: Iterable[str] = (), **other: Any) -> RunFolder:
    """The folder as the next process finds it, after it has looked for changes."""
    path.mkdir(exist_ok=True)
    folder = RunFolder(path, "train", facts(settings, **other))
    folder.refuse_changes(settings, allowed)
    return folder


def begun(path: Path, settings: Config, allowed: Iterable[str] = (), **other: Any) -> RunFolder:
    folder = opened_again(path, settings, allowed, **other)
    folder.begin(settings, {"images": {}})
    return folder


def run_json(path: Path) -> dict[str, Any]:
    return json.loads((path / "run.json").read_text())


# Changes


def test_r08_what_differs_is_refused_by_name_and_nothing_is_written(tmp_path: Path):
    begun(tmp_path, config())
    before = files.digests(tmp_path)
    with pytest.raises(UserError, match=r"differs in pruning\.rate, seed, data_sha256; give this one another name"):
        opened_again(tmp_path, config("pruning.rate=.5", "seed=1"), data_sha256="b" * 64)
    with pytest.raises(UserError, match=r"differs in seed;"):
        opened_again(tmp_path, config("pruning.rate=.5", "seed=1"), ["pruning.rate"])
    with pytest.raises(UserError, match=r"differs in versions\.tensorflow;"):
        opened_again(tmp_path, config(), versions={"tensorflow": "2.22.0"})
    assert files.digests(tmp_path) == before


def test_where_a_run_lies_is_no_change(tmp_path: Path):
    begun(tmp_path, config())
    assert begun(tmp_path, config("output.tensorboard=false", "data.data_dir=elsewhere")).admitted == ()
    assert run_json(tmp_path)["admitted"] == []


def test_an_admitted_change_is_noted_with_what_was_before(tmp_path: Path):
    before, after = config(), config("pruning.rate=.5")
    begun(tmp_path, before).save(Checkpoint({"iteration": 3}))
    folder = begun(tmp_path, after, ["pruning.rate", "data_sha256"], data_sha256="b" * 64)
    assert run_json(tmp_path)["admitted"] == [
        {
            "from_iteration": 3,
            "config_sha256": before.sha256(),
            "data_sha256": "a" * 64,
            "keys": {
                "pruning.rate": {"old": 0.2, "new": 0.5},
                "data_sha256": {"old": "a" * 64, "new": "b" * 64},
            },
        }
    ]
    assert folder.admitted == (
        "from iteration 3 on pruning.rate is 0.5, before 0.2",
        f"from iteration 3 on data_sha256 is {'b' * 64}, before {'a' * 64}",
    )
    assert run_json(tmp_path)["config_sha256"] == after.sha256()


def test_a_change_before_anything_was_kept_is_from_iteration_0(tmp_path: Path):
    begun(tmp_path, config())
    after = begun(tmp_path, config("pruning.rate=.5"), ["pruning.rate"])
    assert after.admitted == ("from iteration 0 on pruning.rate is 0.5, before 0.2",)


def test_changes_one_after_the_other_are_all_kept(tmp_path: Path):
    begun(tmp_path, config()).save(Checkpoint({"iteration": 1}))
    begun(tmp_path, config("pruning.rate=.5"), ["pruning.rate"]).save(Checkpoint({"iteration": 2}))
    last = begun(tmp_path, config("pruning.rate=.1"), ["pruning.rate"])
    expected = (
        "from iteration 1 on pruning.rate is 0.5, before 0.2",
        "from iteration 2 on pruning.rate is 0.1, before 0.5",
    )
    assert last.admitted == expected
    last.write_status("running", winner=1)
    assert begun(tmp_path, config("pruning.rate=.1")).admitted == expected
    digests = [change["config_sha256"] for change in run_json(tmp_path)["admitted"]]
    assert digests == [config().sha256(), config("pruning.rate=.5").sha256()]


@pytest.mark.parametrize("name", ["config.yaml", "subset.json"])
def test_a_change_is_noted_once_though_the_process_died_while_noting_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    """Whatever was written by then: never a config.yaml that shows a change which run.json does not know."""
    begun(tmp_path, config()).save(Checkpoint({"iteration": 2}))
    write = files.write_bytes

    def die(path: Path, content: bytes) -> str:
        if path.name == name:
            raise KeyboardInterrupt
        return write(path, content)

    after, admitted = config("pruning.rate=.5"), ["pruning.rate", "data_sha256"]
    monkeypatch.setattr(files, "write_bytes", die)
    with pytest.raises(KeyboardInterrupt):
        begun(tmp_path, after, admitted, data_sha256="b" * 64)
    monkeypatch.undo()
    begun(tmp_path, after, admitted, data_sha256="b" * 64)
    (change,) = run_json(tmp_path)["admitted"]
    assert change["config_sha256"] == config().sha256()
    assert change["keys"].keys() == {"pruning.rate", "data_sha256"}


# What may be removed, and what may be begun in


def test_a_folder_that_is_no_runs_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="holds files that are no run's"):
        opened_again(tmp_path, config())


def test_clearing_takes_all_that_is_a_runs(tmp_path: Path):
    folder = begun(tmp_path, config())
    folder.save(Checkpoint({"iteration": 0}))
    for name in ("iteration_00", "tensorboard"):
        (tmp_path / name).mkdir()
    for name in ("iterations.csv", "initial.safetensors", "accuracy_by_density.png", "iteration_00/ticket.json"):
        (tmp_path / name).write_text("")
    clear(tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["notes", "iteration_1", "config.yaml.bak", "weights.safetensors"])
def test_clearing_removes_nothing_beside_a_file_of_somebody_else(tmp_path: Path, name: str):
    begun(tmp_path, config())
    (tmp_path / name).write_text("")
    before = files.digests(tmp_path)
    with pytest.raises(UserError, match=f"holds {name}, which is no run's"):
        clear(tmp_path)
    assert files.digests(tmp_path) == before


def test_clearing_half_way_leaves_an_unfinished_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process that dies between two files: what is left is no finished run, and is known as a run's folder."""
    begun(tmp_path, config()).finish(winner=0)
    (tmp_path / "iterations.csv").write_text("")
    removed, unlink = [], Path.unlink

    def die_later(path: Path, missing_ok: bool = False) -> None:
        if len(removed) == 2:
            raise KeyboardInterrupt
        removed.append(path.name)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", die_later)
    with pytest.raises(KeyboardInterrupt):
        clear(tmp_path)
    monkeypatch.undo()
    assert not {"run.json", "config.yaml"} & set(removed)
    assert not opened_again(tmp_path, config()).finished


# Space


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The bytes that a disk has left, and the folders that were asked about."""
    state: dict[str, Any] = {"bytes": 0, "asked": []}

    def usage(path: Path) -> SimpleNamespace:
        state["asked"].append(path)
        return SimpleNamespace(free=state["bytes"])

    monkeypatch.setattr(module.shutil, "disk_usage", usage)
    return state


def test_as_much_space_as_is_needed_is_enough(tmp_path: Path, free: dict[str, Any]):
    free["bytes"] = 3 * 2**20
    require_space(tmp_path, 3 * 2**20)
    with pytest.raises(UserError, match=r"needs up to 4 MiB in .*, but 3 MiB are free; set output\.savedmodel: winner"):
        require_space(tmp_path, 4 * 2**20)


def test_what_the_folder_holds_is_not_needed_again(tmp_path: Path, free: dict[str, Any]):
    (tmp_path / "iteration_00").mkdir()
    (tmp_path / "iteration_00" / "weights.safetensors").write_bytes(bytes(600))
    free["bytes"] = 400
    require_space(tmp_path, 1000)
    with pytest.raises(UserError, match="needs up to"):
        require_space(tmp_path, 1001)


def test_a_folder_that_is_not_there_yet_is_on_its_parents_disk(
    tmp_path: Path, free: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    free["bytes"] = 10
    require_space(Path("saved", "deeper", "run"), 10)
    assert free["asked"] == [tmp_path]
    assert not (tmp_path / "saved").exists()


def test_overwriting_needs_space_before_anything_is_removed(tmp_path: Path, free: dict[str, Any]):
    begun(tmp_path / "run", config()).finish(winner=0)
    before = files.digests(tmp_path)
    with (
        pytest.raises(UserError, match="are free"),
        opened(tmp_path / "run", "train", facts(config()), 2**30, overwrite=True),
    ):
        raise AssertionError("there is no space")
    assert files.digests(tmp_path) == before


def test_opened_with_overwrite_is_empty_and_locked(tmp_path: Path, free: dict[str, Any]):
    free["bytes"] = 10
    path, now = run_path(config(f"output.directory={tmp_path}")), facts(config())
    assert path == tmp_path / "run"
    begun(path, config()).finish(winner=0)
    with opened(path, "train", now, 10, overwrite=False) as folder:
        assert folder.finished
    with opened(path, "train", now, 10, overwrite=True) as folder:
        assert not folder.finished
        assert [found.name for found in path.iterdir()] == [".lock"]
    assert not path.exists()


# How it ends


def test_a_users_mistake_and_a_failure_of_ours_are_told(tmp_path: Path):
    for error, reason in (
        (UserError("lower training.batch_size"), "lower training.batch_size"),
        (RuntimeError("a bug"), "RuntimeError: a bug"),
        (AssertionError(), "AssertionError: "),
    ):
        folder = begun(tmp_path, config())
        with pytest.raises(type(error)) as raised, folder.told():
            raise error
        assert raised.value is error
        assert (run_json(tmp_path)["status"], run_json(tmp_path)["error"]) == ("failed", reason)
    begun(tmp_path, config())
    assert run_json(tmp_path)["status"] == "running"
    assert "error" not in run_json(tmp_path)


def test_a_stop_is_no_failure(tmp_path: Path):
    folder = begun(tmp_path, config())
    with pytest.raises(Stopped) as stopped, folder.told():
        raise Stopped(15, "stopped")
    assert stopped.value.exit_code == 143
    assert str(stopped.value) == f"stopped; all is saved in {tmp_path}, and the same command goes on from there"
    assert run_json(tmp_path)["status"] == "running"


def test_the_reason_is_the_first_one_though_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = begun(tmp_path, config())

    def full(*arguments: object, **more: object) -> None:
        raise UserError("cannot write run.json")

    monkeypatch.setattr(folder, "write_status", full)
    with pytest.raises(RuntimeError, match="the first"), folder.told():
        raise RuntimeError("the first")


def test_finishing_keeps_the_summary_and_drops_the_checkpoints(tmp_path: Path):
    folder = begun(tmp_path, config())
    folder.save(Checkpoint({"iteration": 0}))
    assert (tmp_path / "checkpoints").is_dir()
    folder.finish(winner=4)
    assert not (tmp_path / "checkpoints").exists()
    assert folder.finished
    tree = run_json(tmp_path)
    assert tree.pop("run_sha256") == files.digest_of(tree)
    own = {"subset.json": files.sha256(tmp_path / "subset.json")}
    expected = facts(config(), status="finished", winner=4, files=own)
    assert tree == expected.model_dump(mode="json", exclude_none=True)
    folder.remove_checkpoints()


# Metrics and checkpoints


def test_lines_after_the_checkpoint_are_cut(tmp_path: Path):
    folder = begun(tmp_path, config())
    folder.append_metrics({"epoch": 1, "heldout_accuracy": None})
    folder.append_metrics({"epoch": 2})
    folder.save(Checkpoint({"iteration": 0, "rows": []}))
    folder.append_metrics({"epoch": 3})
    again = opened_again(tmp_path, config())
    checkpoint = again.begin(config(), {})
    assert checkpoint is not None
    lines = (tmp_path / "metrics.jsonl").read_bytes()
    assert checkpoint.meta == {
        "iteration": 0, "rows": [], "config_sha256": config().sha256(), "data_sha256": "a" * 64,
        "metrics_bytes": len(lines), "metrics_sha256": hashlib.sha256(lines).hexdigest(),
    }  # fmt: skip
    assert again.metrics() == [{"epoch": 1, "heldout_accuracy": None}, {"epoch": 2}]


def test_without_a_checkpoint_all_lines_are_cut(tmp_path: Path):
    begun(tmp_path, config()).append_metrics({"epoch": 1})
    assert begun(tmp_path, config()).metrics() == []


def test_metrics_shorter_than_the_checkpoint_knows_are_refused(tmp_path: Path):
    folder = begun(tmp_path, config())
    folder.append_metrics({"epoch": 1})
    folder.save(Checkpoint({"iteration": 0}))
    (tmp_path / "metrics.jsonl").write_bytes(b"{}\n")
    with pytest.raises(UserError, match=r"metrics\.jsonl is damaged: its first 13 bytes are not those"):
        begun(tmp_path, config())


def test_what_shows_in_the_last_bits_is_warned_of(tmp_path: Path):
    begun(tmp_path, config(), host={"threads": 2, "onednn": True, "cpu_flags": ["avx"], "cores": 4})
    again = begun(tmp_path, config(), host={"threads": 8, "onednn": True, "cpu_flags": ["avx"], "cores": 8})
    (warning,) = again.warnings
    assert warning.startswith("the last bits differ from those of a run that was never stopped: threads was 2, is 8")
    assert warning.endswith("(training.threads pins that)")
    (warning,) = begun(tmp_path, config(), host={**again.facts.host, "onednn": False}).warnings
    assert warning.endswith("onednn was True, is False"), "no option of ours pins that"
    assert begun(tmp_path, config(), host={**again.facts.host, "onednn": False}).warnings == []


def test_a_metric_that_is_no_number_is_refused_whole(tmp_path: Path):
    folder = begun(tmp_path, config())
    folder.append_metrics({"epoch": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.append_metrics({"epoch": 2, "train_loss": float("nan")})
    assert folder.metrics() == [{"epoch": 1}]


def test_a_checkpoint_of_another_run_is_none_of_its_own(tmp_path: Path):
    for name, other in (("one", "a" * 64), ("other", "b" * 64)):
        (tmp_path / name).mkdir()
        begun(tmp_path / name, config(), data_sha256=other).save(Checkpoint({"iteration": 3}))
    for file in (tmp_path / "other" / "checkpoints").iterdir():
        (tmp_path / "one" / "checkpoints" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(UserError, match=r"no checkpoint in .* is whole"):
        begun(tmp_path / "one", config())


def test_results_without_a_run_json_are_left_alone(tmp_path: Path):
    begun(tmp_path, config())
    (tmp_path / "iteration_00").mkdir()
    (tmp_path / "run.json").unlink()
    with pytest.raises(UserError, match=r"holds iteration_00 but no run\.json; restore that from a copy"):
        opened_again(tmp_path, config())


def test_a_config_that_run_json_does_not_know(tmp_path: Path):
    begun(tmp_path, config())
    (tmp_path / "config.yaml").write_text(config("seed=1").to_yaml())
    for asked in (config(), config("seed=1")):
        with pytest.raises(UserError, match=r"config\.yaml is damaged: run\.json knows another config"):
            opened_again(tmp_path, asked)


def test_a_finished_jobs_files_have_digests(tmp_path: Path):
    folder = begun(tmp_path, config())
    folder.append_metrics({"epoch": 1})
    folder.finish()
    assert folder.facts.files == {
        name: files.sha256(tmp_path / name) for name in ("subset.json", "metrics.jsonl")
    }  # fmt: skip
    verify_files(tmp_path, folder.facts)
    (tmp_path / "metrics.jsonl").write_text('{"epoch": 2}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl is damaged: expected SHA-256"):
        verify_files(tmp_path, folder.facts)


@pytest.mark.parametrize("make", ["link", "pipe"])
def test_what_no_run_makes_is_refused(tmp_path: Path, make: str):
    begun(tmp_path / "run", config()).finish()
    odd = tmp_path / "run" / "tensorboard" / "events"
    odd.parent.mkdir()
    odd.symlink_to(tmp_path) if make == "link" else os.mkfifo(odd)
    with (
        pytest.raises(UserError, match="events is a link or a device, which no run makes"),
        opened(tmp_path / "run", "train", facts(config()), 10, overwrite=True),
    ):
        raise AssertionError("it is not refused")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: run\ndata: {stbset_seed: 1}", "unknown key data.stbset_seed"),
        (b"name: run\ntraining: {weight_decay: }", "training.weight_decay: must be a valid number"),
        (b"name: run\ndata: [1", "config.yaml is not valid YAML"),
        (b"", "must hold a mapping"),
        (b"name: \xff", "cannot be read"),
    ],
)
def test_r05_a_damaged_config_is_named_with_its_folder(tmp_path: Path, content: bytes, said: str):
    begun(tmp_path, config())
    (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(UserError) as caught:
        opened_again(tmp_path, config())
    assert str(tmp_path / "config.yaml") in str(caught.value) and said in str(caught.value)


def test_a_damaged_checkpoint_is_warned_of(tmp_path: Path):
    folder = begun(tmp_path, config())
    folder.save(Checkpoint({"iteration": 0}))
    folder.save(Checkpoint({"iteration": 1}))
    max((tmp_path / "checkpoints").glob("*.json")).write_text("{")
    again = begun(tmp_path, config())
    assert len(again.warnings) == 1
    assert "going on from the checkpoint before it" in again.warnings[0]
