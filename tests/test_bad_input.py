"""A user's mistake is exit 2 and one line that names the field or the file, and it leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tf_dlth
from tf_dlth import evaluate, files, train
from tf_dlth.config import Config

Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Refused:
    """Runs a command that must fail: exit 2, nothing on standard output, one line of ours, which it returns."""

    def run(main: Callable[[list[str]], int], *words: object) -> str:
        assert main([str(word) for word in words]) == 2
        written = capfd.readouterr()
        assert written.out == ""
        assert written.err.startswith("error: ")
        assert written.err.count("\n") == 1 and written.err.endswith("\n")
        assert "Traceback" not in written.err
        return written.err.removeprefix("error: ").rstrip("\n")

    return run


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A folder for runs, in which none may be left."""
    folder = tmp_path / "runs"
    yield folder
    assert not folder.exists() or not list(folder.iterdir())


@pytest.fixture
def config(tiny: Callable[..., Config], runs: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the tiny configuration with overrides to a file."""

    def write(*overrides: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(tiny(runs, *overrides).to_yaml())
        return path

    return write


# The command line and the config


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "required: --config; see python -m tf_dlth.train --help"),
        (("--config", "none.yaml"), "config file none.yaml does not exist"),
        (("--config", "none.yaml", "--overwite"), "unrecognized arguments: --overwite"),
        (("--config", "none.yaml", "--json"), "argument --json: expected one argument"),
    ],
)
def test_words_of_the_command_line(refused: Refused, words: tuple[str, ...], message: str) -> None:
    assert message in refused(train.main, *words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"- a\n- list\n", "must hold a mapping of keys to values"),
        (b"", "must hold a mapping of keys to values"),
        (b"name: [unclosed\n", "is not valid YAML at line 2"),
        (b"name: a\nname: b\n", "key 'name' is given twice"),
        (b"\xff\xfe\x00", "config.yaml cannot be read"),
        (b"name: a\ntraining: {epoch: 3}\n", "unknown key training.epoch; did you mean training.epochs?"),
        (b"name: a\ntraining: {epochs: many}\n", "training.epochs: "),
        (b"name: a\ntraining: {epochs: 0}\n", "training.epochs: "),
        (b"name: a\ntraining: 7\n", "training: "),
        (b"name: a\npruning: {rate: 1.5}\n", "pruning.rate: "),
        (b"seed: 1\n", "key name is missing"),
        (b"name: ../away\n", "name: "),
    ],
)
def test_the_text_of_a_config(refused: Refused, text: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(text)
    assert message in refused(train.main, "--config", path)


def test_a_config_that_is_a_folder(refused: Refused, tmp_path: Path) -> None:
    assert f"config file {tmp_path} is a folder" in refused(train.main, "--config", tmp_path)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("training.epochs", "'training.epochs' must look like key.path=value"),
        ("name.first=x", "name is a value, not a section"),
        (
            "training.precision=half",
            "training.precision: must be 'float32', 'mixed_bfloat16' or 'mixed_float16'",
        ),
        ("training.jit=maybe", "training.jit: must be auto, true or false, got 'maybe'"),
        ("model.width=wide", "model.width: must be a whole number from 1 to 4096"),
        ("model.architecture=resnet81", "did you mean resnet18"),
        ("model.architecture=nowhere:network", "model.architecture: nowhere cannot be imported"),
        ("data.per_class=51", "data.per_class: "),
    ],
)
def test_overrides(refused: Refused, config: Callable[..., Path], word: str, message: str) -> None:
    assert message in refused(train.main, "--config", config(), word)


@pytest.mark.parametrize("main", [train.main, evaluate.main])
def test_a_gpu_that_is_not_there(refused: Refused, main: Any, config: Callable[..., Path], finished: Any) -> None:
    words = ("--config", config()) if main is train.main else (finished.path,)
    assert "--devices gpu:9: there are " in refused(main, *words, "--devices", "gpu:9")
    assert "--devices tpu: must be all, cpu, or gpu:" in refused(main, *words, "--devices", "tpu")


# Images


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """``train/`` and ``test/`` with two classes of RGB images, all different."""
    for number, name in enumerate(
        f"{part}/{label}/{i}.png" for part in ("train", "test") for label in "ab" for i in range(6)
    ):
        paint(tmp_path / "images" / name, number)
    return tmp_path / "images"


def paint(path: Path, seed: int, side: int = 12, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 4), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path)


@pytest.fixture
def refused_images(refused: Refused, config: Callable[..., Path], images: Path) -> Refused:
    """Trains on the folder of images, which must fail."""

    def run(*words: str) -> str:
        folder = config("data.dataset=folder", "data.per_class=null", "data.heldout_per_class=1")
        return refused(train.main, "--config", folder, "--data-dir", images, *words)

    return run


def test_an_image_that_cannot_be_read(refused_images: Refused, images: Path) -> None:
    (images / "train/a/3.png").write_bytes((images / "train/a/3.png").read_bytes()[:100])
    assert "image train/a/3.png cannot be read" in refused_images()
    (images / "train/a/3.png").write_bytes(b"<html>")
    assert "image train/a/3.png cannot be read (no image format that can be read)" in refused_images()


def test_a_class_without_images(refused_images: Refused, images: Path) -> None:
    (images / "train/empty").mkdir()
    assert f"class folder {images}/train/empty holds no images" in refused_images()


def test_a_class_that_training_does_not_know(refused_images: Refused, images: Path) -> None:
    paint(images / "test/new/0.png", 99)
    assert f"class new is in {images}/test but not in {images}/train" in refused_images()


def test_a_folder_of_one_class(refused_images: Refused, images: Path) -> None:
    for part in ("train", "test"):
        shutil.rmtree(images / part / "b")
    assert "needs at least two classes, and the images have 1 (a); add another" in refused_images()


def test_images_of_different_sizes(refused_images: Refused, images: Path) -> None:
    paint(images / "test/b/0.png", 99, side=13)
    message = refused_images()
    assert (
        "images differ in size: train/a/0.png is 12 x 12, test/b/0.png is 13 x 13 pixels; set data.image_size"
        in message
    )


def test_32_bit_pixels(refused_images: Refused, images: Path) -> None:
    Image.fromarray(np.zeros((12, 12), np.float32)).save(images / "train/a/9.tif")
    assert "image train/a/9.tif has 32-bit pixels" in refused_images()


def test_the_same_image_in_two_parts(refused_images: Refused, images: Path) -> None:
    shutil.copy(images / "train/a/0.png", images / "test/a/0.png")
    message = refused_images()
    assert "train/a/0.png" in message and "test/a/0.png" in message and "identical" in message


def test_a_folder_that_is_not_there(refused: Refused, config: Callable[..., Path]) -> None:
    words = ("data.dataset=folder", "data.per_class=null")
    assert "data.data_dir" in refused(train.main, "--config", config(*words))
    assert "data.data_dir: folder nowhere does not exist" in refused(
        train.main, "--config", config(*words), "--data-dir", "nowhere"
    )


def test_gray_and_transparent_among_rgb_are_no_mistake(
    config: Callable[..., Path], images: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    paint(images / "train/a/gray.png", 100, mode="L")
    paint(images / "train/b/transparent.png", 101, mode="RGBA")
    folder = config("data.dataset=folder", "data.per_class=null", "data.heldout_per_class=1")
    record = tmp_path / "plan.json"
    words = ["--config", str(folder), "--data-dir", str(images), "--dry-run", "--json", str(record)]
    assert train.main(words) == 0
    assert capfd.readouterr().err == ""
    (plan,) = json.loads(record.read_text())
    assert plan["images_per_class"]["train"] == {"a": 6, "b": 6}
    assert len(plan["config"]["data"]["normalisation"]["mean"]) == 3


def test_a_set_that_is_not_prepared_and_cannot_be_downloaded(
    refused: Refused, config: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    message = refused(train.main, "--config", config(), "data.dataset=cifar10", "--data-dir", tmp_path / "tfds")
    assert "dataset cifar10 is not prepared" in message and "cannot be downloaded" in message
    assert "tfds build cifar10" in message
    assert not (tmp_path / "tfds").exists()


# The disk


def test_a_folder_that_cannot_be_made(refused: Refused, config: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = refused(train.main, "--config", config(), f"output.directory={tmp_path}/file")
    assert f"cannot write {tmp_path}/file/tiny/.lock: Not a directory; " in message


@pytest.mark.parametrize(("limit", "saved"), [(3_000, "winner"), (20_000, "winner"), (20_000, "all")])
def test_r06_files_that_the_disk_does_not_take(
    quick: Callable[..., Config], limit: int, saved: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The kernel refuses to let any file grow beyond the limit, whoever writes it."""
    path = tmp_path / "config.yaml"
    path.write_text(quick(f"output.savedmodel={saved}").to_yaml())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        code = train.main(["--config", str(path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    written = capfd.readouterr().err
    assert code == 2, written
    assert written.startswith(f"error: cannot write {tmp_path}/tiny/")
    assert written.count("\n") == 1
    assert not list((tmp_path / "tiny").rglob(".partial-*"))
    assert train.main(["--config", str(path)]) == 0


def test_a_result_that_cannot_be_written_is_told_before_the_work(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.json", tmp_path):
        assert f"--json {path}: cannot be written there" in refused(evaluate.main, tmp_path, "--json", path)


# Runs and tickets


def test_a_run_of_another_config(refused: Refused, tiny: Callable[..., Config], damaged: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(tiny(damaged.parent, "training.momentum=0.5", "seed=3").to_yaml())
    before = files.digests(damaged)
    message = refused(train.main, "--config", path)
    assert f"{damaged} holds a run that differs in seed, training.momentum; " in message
    assert files.digests(damaged) == before


def test_a_folder_that_is_no_runs(refused: Refused, tiny: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "thesis.tex").write_text("years of work")
    path = tmp_path / "config.yaml"
    path.write_text(tiny(tmp_path).to_yaml())
    assert "holds files that are no run's" in refused(train.main, "--config", path)
    assert "thesis.tex, which is no run's" in refused(train.main, "--config", path, "--overwrite")
    assert [p.name for p in (tmp_path / "tiny").iterdir()] == ["thesis.tex"]


def test_a_loss_that_is_no_number(
    quick: Callable[..., Config], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(quick("training.learning_rate=1e30").to_yaml())
    for _ in range(2):  # the second takes up what the first left
        assert train.main(["--config", str(path)]) == 2
        written = capfd.readouterr().err
        assert (
            written.startswith("error: the training diverged (the loss is no finite number) in epoch 1 of iteration 0")
            and written.count("\n") == 1
        )
        assert "lower training.learning_rate (now 1e+30)" in written


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("mask.safetensors", lambda content: content[:-1] + b"\2", "mask.safetensors is damaged: expected SHA-256"),
        ("weights_heldout.safetensors", lambda content: content[:50], "is damaged: expected SHA-256"),
        ("ticket.json", lambda content: content[:-20], "ticket.json is damaged: not valid JSON"),
        ("ticket.json", lambda content: b"[]", "ticket.json is damaged: it must hold a JSON object"),
    ],
)
def test_a_damaged_ticket(
    refused: Refused, damaged: Path, name: str, damage: Callable[[bytes], bytes], message: str
) -> None:
    ticket = next(p for p in sorted(damaged.glob("iteration_*")) if (p / name).exists())
    (ticket / name).write_bytes(damage((ticket / name).read_bytes()))
    assert message in refused(evaluate.main, ticket, "--weights", "heldout")


def test_what_cannot_be_evaluated(refused: Refused, finished: Any, images: Path, tmp_path: Path) -> None:
    assert "nowhere does not exist" in refused(evaluate.main, "nowhere")
    assert "is no ticket: it holds neither ticket.json nor run.json" in refused(evaluate.main, tmp_path)
    assert "invalid choice: 'best'" in refused(evaluate.main, finished.path, "--weights", "best")
    assert f"--data {tmp_path}/no is neither a folder nor one of " in refused(
        evaluate.main, finished.path, "--data", tmp_path / "no"
    )
    assert "has the classes a, b, but " in refused(evaluate.main, finished.path, "--data", images)


def test_a_run_without_a_winner(refused: Refused, damaged: Path, edit: Callable[..., None]) -> None:
    edit(damaged / "run.json", lambda tree: tree.update(winner=None))
    assert f"{damaged} has no winner yet" in refused(evaluate.main, damaged)


# A process of its own


def process(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "PYTHON"))}
    environment = {**kept, "PYTHONPATH": str(Path(tf_dlth.__file__).parents[1])}
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_found_before_tensorflow_starts(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: a\ntraining: {epoch: 3}\n")
    words = ("-X", "importtime", "-m", "tf_dlth.train", "--config", "config.yaml")
    done = process(*words, folder=tmp_path)
    assert done.returncode == 2
    assert "tensorflow" not in done.stderr
    assert done.stderr.splitlines()[-1] == "error: unknown key training.epoch; did you mean training.epochs?"


def test_found_after_tensorflow_has_started(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("name: a\ndata: {dataset: npz, data_dir: none.npz}\n")
    done = process("-m", "tf_dlth.train", "--config", "config.yaml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "error: none.npz does not exist; it must be a .npz file with x_train, y_train, x_test, y_test\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_keras_3_was_there_first(tmp_path: Path) -> None:
    """The one mistake that is made in Python."""
    done = process("-c", "import tensorflow as tf; tf.keras.layers; import tf_dlth", folder=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: tf_dlth needs Keras 2, but TensorFlow is already bound to Keras 3")
    assert "import tf_dlth before tensorflow" in last
