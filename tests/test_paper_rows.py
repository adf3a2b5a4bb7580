"""The rows of Table 1 at work: a tiny search of each, from its own config to a SavedModel, and steps at full size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from tf_dlth import experiment
from tf_dlth.config import Normalisation, load_config
from tf_dlth.lottery import wrapping
from tf_dlth.lottery.masks import Masks
from tf_dlth.models.build import build
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.pretrained import pytorch_names
from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.spec import ModelSpec
from tf_dlth.pretrain import main as pretrain
from tf_dlth.training.devices import mirrored
from tf_dlth.training.losses import per_example_loss
from tf_dlth.training.network import Network
from tf_dlth.training.objectives import Classification

PAPER = Path(__file__).parents[1] / "configs" / "paper"
SMOKE = ["model.width=8", "training.epochs=2", "training.evaluate_every=2"]
SMOKE += ["pruning.iterations=2", "pruning.rewind_epochs=1", "output.tensorboard=false"]
OWN_IMAGES = ["data.dataset=npz", "data.fraction=null"]
ROWS = {
    "random_init_r18": "cifar10_1pct",
    "imagenet_init_r18": "cifar10_1pct",
    "imagenet_init_r50": "eurosat",
    "simclr_init_r18": "cifar10_1pct",
    "cosine_loss": "cifar10_1pct",
    "tvmf_loss": "cifar10_1pct",
    "full_conv": "cifar10_1pct",
    "harmonic": "cifar10_1pct",
    "vgg": "cifar10_1pct",
    "mobilenet_v2": "cifar10_1pct",
}
SERVE = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
outputs = model.signatures["serving_default"](images=tf.constant(np.load(sys.argv[2])))
np.save(sys.argv[3], outputs["logits"].numpy())
assert not any(name.partition(".")[0] in ("tf_dlth", "tensorflow_model_optimization") for name in sys.modules)
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten classes of 32-pixel noise around a colour each, 10 training and 4 test images a class."""
    draws = np.random.RandomState(0)
    colours = draws.randint(60, 196, (10, 1, 1, 3))

    def part(per_class: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(np.arange(10), per_class)
        noise = draws.normal(0, 40, (len(labels), 32, 32, 3))
        return np.clip(colours[labels] + noise, 0, 255).astype(np.uint8), labels

    (x_train, y_train), (x_test, y_test) = part(10), part(4)
    path = tmp_path_factory.mktemp("images") / "images.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


def own_images(path: Path) -> list[str]:
    return [*OWN_IMAGES, f"data.data_dir={path}"]


def pytorch_weights(path: Path, architecture: str, width: int) -> Path:
    """Random weights of a network of this width, in PyTorch's names and layouts."""
    spec = ModelSpec(
        architecture=architecture, width=width, stem="full", head="linear", classes=1000, input_shape=(64, 64, 3)
    )
    weights = initial_weights(build(spec, Normalisation(mean=(0.0,) * 3, std=(1.0,) * 3)), seed=1)
    names = pytorch_names(architecture)

    def theirs(tensor: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(tensor.transpose(3, 2, 0, 1) if tensor.ndim == 4 else tensor.T)

    save_file({name: theirs(weights[ours]) for name, ours in names.items()}, path)
    return path


def first_weights(row: str, images: Path, folder: Path) -> list[str]:
    """The override that gives a row of its kind weights of width 8 to start from."""
    if row.startswith("imagenet"):
        architecture = {"r18": "resnet18", "r50": "resnet50"}[row[-3:]]
        return [f"model.init={pytorch_weights(folder / 'weights.safetensors', architecture, 8)}"]
    if row.startswith("simclr"):
        size = ["model.width=8", "pretrain.epochs=2", "pretrain.batch_size=50", f"output.directory={folder}"]
        assert pretrain(["--config", str(PAPER / "pretrain_simclr.yaml"), *own_images(images), *size]) == 0
        return [f"model.init={folder / 'paper-pretrain-simclr'}"]
    return []


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS)
def test_a_tiny_search_ends_in_a_model_that_serves_alone(row: str, images: Path, tmp_path: Path) -> None:
    overrides = [*SMOKE, *own_images(images), f"output.directory={tmp_path}", *first_weights(row, images, tmp_path)]
    config = load_config(PAPER / "table1" / f"{ROWS[row]}_{row}.yaml", overrides)
    done = experiment.run(config)
    assert done.iterations["iteration"].tolist() == [0, 1, 2]
    counts = done.iterations["remaining"].tolist()
    assert counts[2] < counts[1] < counts[0] == done.iterations["prunable"][0]
    with np.load(images) as arrays:
        shown = arrays["x_test"][:5]
    np.save(tmp_path / "shown.npy", shown)
    saved = done.winner.path / "saved_model"
    assert [p.parent.name for p in done.path.glob("*/saved_model")] == [saved.parent.name]
    served = tmp_path / "logits.npy"
    words = [sys.executable, "-I", "-c", SERVE, str(saved), str(tmp_path / "shown.npy"), str(served)]
    subprocess.run(words, check=True, cwd=tmp_path, capture_output=True)
    expected = done.winner.model()(shown.astype(np.float32), training=False).numpy()
    assert np.isfinite(expected).all()
    assert np.allclose(np.load(served), expected, atol=1e-4)


FULL_SIZE = {
    "table1/isic_imagenet_init_r50": (7, (224, 224, 3)),
    "table1/clamm_full_conv": (12, (224, 224, 1)),
    "table1/isic_harmonic": (7, (224, 224, 3)),
    "table2/imagenet_5pct": (1000, (224, 224, 3)),
}


def step_at_full_size(spec: ModelSpec, cell: str) -> None:
    """One step of two images: a loss near that of a guess, finite weights, and all kernels moved."""
    config = load_config(PAPER / f"{cell}.yaml").training
    channels = spec.input_shape[2]
    model = build(spec, Normalisation(mean=(0.5,) * channels, std=(0.25,) * channels))
    weights, prunable = initial_weights(model, 0), prunable_names(model)
    objective = Classification(per_example_loss(config.loss, config.loss_ce_weight))
    network = Network(model, config, mirrored(["CPU:0"]), wrapping, objective)
    network.load(weights, Masks.ones(weights, prunable))
    images = np.random.RandomState(0).randint(0, 256, (2, *spec.input_shape), np.uint8)
    batch = tf.data.Dataset.from_tensors((images, np.array([0, spec.classes - 1], np.int32)))
    loss, _, count = network.run(network.batches(batch), 1)
    after = network.weights()
    assert count == 2
    assert abs(loss / count - np.log(spec.classes)) < 2
    assert all(np.isfinite(weight).all() for weight in after.values())
    assert all((after[name] != weights[name]).any() for name in prunable)


@pytest.mark.slow
@pytest.mark.parametrize("cell", FULL_SIZE)
def test_a_step_at_full_size(cell: str) -> None:
    model, (classes, shape) = load_config(PAPER / f"{cell}.yaml").model, FULL_SIZE[cell]
    assert model.stem is not None
    assert model.width == 64
    step_at_full_size(
        ModelSpec(
            architecture=model.architecture,
            width=64,
            stem=model.stem,
            head=model.head,
            classes=classes,
            input_shape=shape,
        ),
        cell,
    )


@pytest.mark.slow
def test_a_step_of_resnet50_with_a_thousand_classes() -> None:
    step_at_full_size(
        ModelSpec(
            architecture="resnet50", width=64, stem="full", head="linear", classes=1000, input_shape=(224, 224, 3)
        ),
        "table2/imagenet_5pct",
    )
