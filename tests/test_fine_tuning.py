"""Fine-tuning through the train command: weights in PyTorch's naming, their provenance, the learning rate."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tf_dlth.config import load_config
from tf_dlth.files import read_tensors
from tf_dlth.train import main

WIDTH = 4


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random ResNet-18 of four base filters, written out in PyTorch's names and layouts, with its step counters."""
    draws, tensors = np.random.RandomState(0), {}

    def norm(name: str, channels: int) -> None:
        for leaf, values in (("weight", (0.5, 1.5)), ("bias", (-1, 1)), ("running_mean", (-1, 1))):
            tensors[f"{name}.{leaf}"] = draws.uniform(*values, channels).astype(np.float32)
        tensors[f"{name}.running_var"] = draws.uniform(0.5, 1.5, channels).astype(np.float32)
        tensors[f"{name}.num_batches_tracked"] = np.array(100)

    def conv(name: str, out: int, inner: int, size: int) -> None:
        tensors[f"{name}.weight"] = draws.normal(0, 0.1, (out, inner, size, size)).astype(np.float32)

    conv("conv1", WIDTH, 3, 7)
    norm("bn1", WIDTH)
    inner = WIDTH
    for stage in range(1, 5):
        out = WIDTH * 2 ** (stage - 1)
        for block in range(2):
            name = f"layer{stage}.{block}"
            conv(f"{name}.conv1", out, inner, 3)
            conv(f"{name}.conv2", out, out, 3)
            norm(f"{name}.bn1", out)
            norm(f"{name}.bn2", out)
            if out != inner:
                conv(f"{name}.downsample.0", out, inner, 1)
                norm(f"{name}.downsample.1", out)
            inner = out
    tensors["fc.weight"] = draws.normal(size=(1000, inner)).astype(np.float32)
    tensors["fc.bias"] = draws.normal(size=1000).astype(np.float32)
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    save_file(tensors, path)
    return path


def train(folder: Path, weights: Path, rate: float) -> Path:
    config = folder / "tuned.yaml"
    config.write_text(
        f"""
name: tuned
data: {{dataset: digits, per_class: 5, heldout_per_class: 0}}
model: {{width: {WIDTH}, init: "{weights}"}}
training: {{epochs: 2, batch_size: 25, learning_rate: {rate}, evaluate_every: 2}}
pruning: {{iterations: 1, rewind_epochs: 1}}
output: {{directory: "{folder}", tensorboard: false}}
"""
    )
    assert main(["--config", str(config)]) == 0
    return folder / "tuned"


@pytest.fixture(scope="module")
def tuned(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("tuned"), weights, 0.001)


def test_the_paper_s_rate_is_not_warned_of(tuned: Path) -> None:
    assert load_config(tuned / "config.yaml").warnings() == []


def test_the_run_says_where_its_weights_come_from(tuned: Path, weights: Path) -> None:
    found = json.loads((tuned / "run.json").read_text())["initialisation"]
    assert found["source"] == str(weights)
    assert found["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert found["naming"] == "pytorch"
    stem = [f"stem_bn/{leaf}" for leaf in ("gamma", "beta", "moving_mean", "moving_variance")]
    assert sorted(found["random"]) == sorted(["stem/kernel", *stem, "head/kernel", "head/bias"])
    assert found["copied"] == 19 + 4 * 19  # a kernel and four vectors of 16 convolutions and 3 shortcuts


def test_theta_0_is_the_file_but_for_stem_and_head(tuned: Path, weights: Path) -> None:
    initial, file = read_tensors(tuned / "initial.safetensors"), read_tensors(weights)
    kernel = file["layer3.1.conv2.weight"].transpose(2, 3, 1, 0)
    assert (initial["stage3_block2_conv2/kernel"] == kernel).all()
    assert (initial["stage2_block1_shortcut_bn/moving_mean"] == file["layer2.0.downsample.1.running_mean"]).all()
    assert initial["stem/kernel"].shape == (3, 3, 1, WIDTH)
    assert initial["head/kernel"].shape == (8 * WIDTH, 10)


def test_the_ticket_rewinds_to_fine_tuned_weights_not_to_the_file(tuned: Path) -> None:
    """theta_r is the state after `rewind_epochs` of fine-tuning."""
    initial, rewound = read_tensors(tuned / "initial.safetensors"), read_tensors(tuned / "rewind.safetensors")
    name = "stage1_block1_conv1/kernel"
    assert (initial[name] != rewound[name]).any()
    assert np.abs(initial[name] - rewound[name]).max() < 0.05


def test_a_rate_for_training_from_scratch_is_warned_of(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, weights, 0.1)
    assert "learning_rate 0.1 is high for fine-tuning" in capsys.readouterr().out
