"""TensorFlow as the tests need it, and one tiny finished run that many of them read."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tf_dlth  # noqa: F401 - first of all: binds TensorFlow to Keras 2
from tf_dlth import files
from tf_dlth.config import Config, parse_config
from tf_dlth.runs.facts import Facts
from tf_dlth.startup import start_tensorflow

from .hub import hub
from .installed import installed

__all__ = ["hub", "installed"]

TINY = """
name: tiny
data: {dataset: digits, per_class: 5, heldout_per_class: 3}
model: {width: 4}
training: {epochs: 3, batch_size: 20, evaluate_every: 1}
pruning: {iterations: 2, rewind_epochs: 1}
"""
"""Three steps an epoch, the last of them on half a batch."""

Tiny = Callable[..., Config]
Edit = Callable[[Path, Callable[[dict[str, Any]], Any]], None]
SIGNATURES = {"ticket.json": "manifest_sha256", "run.json": "run_sha256"}


def pytest_configure(config: pytest.Config) -> None:
    """Starts TensorFlow with deterministic operations and three virtual CPU devices, which must precede any use."""
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="tf_dlth-tests-")  # not the user's own
    start_tensorflow()
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)


@dataclass(frozen=True)
class Finished:
    """A finished run: its folder, what it was asked for, and what it printed (200 columns wide)."""

    path: Path
    config: Config
    printed: str


@pytest.fixture(scope="session")
def make_facts() -> Callable[..., Facts]:
    """``make_facts(seed=1)``: what the run.json of a finished search says, or with other values."""
    given: dict[str, Any] = {
        "status": "finished",
        "config_sha256": "a" * 64,
        "data_sha256": "a" * 64,
        "seed": 0,
        "initialisation": {},
        "versions": {},
        "host": {},
    }
    return lambda **other: Facts.model_validate({**given, **other})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Makes configurations of tiny runs: ``tiny(folder, "seed=1")``; without a folder, one that nobody writes to."""
    nowhere = tmp_path_factory.mktemp("nowhere")

    def make(directory: Path = nowhere, *overrides: str) -> Config:
        return parse_config(TINY, [f"output.directory={directory}", *overrides])

    return make


@pytest.fixture(scope="session")
def finished(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The tiny run, trained once a session and only read; tests that damage it take ``damaged``."""
    from rich.console import Console

    from tf_dlth.experiment import run
    from tf_dlth.reporting.figures.run import Figures
    from tf_dlth.reporting.tensorboard import TensorBoard
    from tf_dlth.reporting.terminal import Terminal

    config = tiny(tmp_path_factory.mktemp("finished"))
    printed = io.StringIO()
    observers = [Figures(), TensorBoard(), Terminal(Console(file=printed, width=200))]
    return Finished(run(config, observers=observers).path, config, printed.getvalue())


@pytest.fixture
def damaged(finished: Finished, tmp_path: Path) -> Path:
    """A copy of the finished run for a test to damage."""
    return Path(shutil.copytree(finished.path, tmp_path / "copied" / "tiny"))


@pytest.fixture(scope="session")
def edit() -> Edit:
    """Changes a ticket.json or run.json and signs it again, as an attacker would."""

    def changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
        tree, key = json.loads(path.read_text()), SIGNATURES[path.name]
        del tree[key]
        change(tree)
        path.write_text(json.dumps({**tree, key: files.digest_of(tree)}))

    return changed


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of prepared datasets."""
    if not (root := os.environ.get("TF_DLTH_DATA")):
        pytest.skip("TF_DLTH_DATA is not set to a tensorflow_datasets folder with cifar10")
    return Path(root)


NETWORKS = """
from tf_keras import Input, Model, layers


def convolutional(input_shape, classes, width):
    images = Input(input_shape)
    x = layers.Conv2D(width, 3, use_bias=False, name="conv")(images)
    x = layers.ReLU()(layers.BatchNormalization(name="bn")(x))
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    return Model(images, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)), name="own")


def linear(input_shape, classes, width):
    images = Input(input_shape)
    return Model(images, layers.Dense(classes)(layers.Flatten()(images)), name="linear")
"""


@pytest.fixture(scope="session")
def own_networks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a module with ``convolutional``, small enough to be traced in a second, and ``linear``."""
    folder = tmp_path_factory.mktemp("architectures")
    (folder / "tiny_networks.py").write_text(NETWORKS)
    sys.path.insert(0, str(folder))
    return "tiny_networks"


@pytest.fixture
def quick(tiny: Tiny, own_networks: str, tmp_path: Path) -> Tiny:
    """Configurations of runs that take about three seconds: ``quick("seed=1")``; they land below ``tmp_path``."""

    def make(*overrides: str) -> Config:
        return tiny(
            tmp_path, f"model.architecture={own_networks}:convolutional", "output.savedmodel=winner", *overrides
        )

    return make
