from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from safetensors.numpy import save_file

from tf_dlth import files
from tf_dlth import hub as hub_files
from tf_dlth.errors import UserError
from tf_dlth.models import pretrained
from tf_dlth.models.build import features
from tf_dlth.models.initialisation import initial_weights
from tf_dlth.models.pretrained import load_pretrained, pytorch_names
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import assign, read
from tf_dlth.runs.facts import Facts, write_facts

from ..hub import Hub

WIDTH, SIDE = 4, 32
SPEC = ModelSpec(
    architecture="resnet18", width=WIDTH, stem="full", head="linear", classes=10, input_shape=(SIDE, SIDE, 3)
)


def pytorch_file(path: Path, counts=(2, 2, 2, 2), seed: int = 0) -> dict[str, np.ndarray]:
    """A random ResNet-18 in PyTorch's names and layouts, written out name by name."""
    draws, tensors = np.random.default_rng(seed), {}

    def norm(name: str, channels: int) -> None:
        for leaf, low, high in [
            ("weight", 0.5, 1.5),
            ("running_var", 0.5, 1.5),
            ("bias", -1, 1),
            ("running_mean", -1, 1),
        ]:
            tensors[f"{name}.{leaf}"] = draws.uniform(low, high, channels).astype(np.float32)
        tensors[f"{name}.num_batches_tracked"] = np.array(7)

    def conv(name: str, out: int, inner: int, size: int) -> None:
        deviation = np.sqrt(2 / (inner * size**2))
        tensors[f"{name}.weight"] = draws.normal(0, deviation, (out, inner, size, size)).astype(np.float32)

    conv("conv1", WIDTH, 3, 7)
    norm("bn1", WIDTH)
    channels = WIDTH
    for stage, count in enumerate(counts):
        out = WIDTH * 2**stage
        for block in range(count):
            name = f"layer{stage + 1}.{block}"
            conv(f"{name}.conv1", out, channels, 3)
            norm(f"{name}.bn1", out)
            conv(f"{name}.conv2", out, out, 3)
            norm(f"{name}.bn2", out)
            if channels != out:
                conv(f"{name}.downsample.0", out, channels, 1)
                norm(f"{name}.downsample.1", out)
            channels = out
    tensors["fc.weight"] = draws.normal(size=(1000, channels)).astype(np.float32)
    tensors["fc.bias"] = draws.normal(size=1000).astype(np.float32)
    save_file(tensors, path)
    return tensors


class Reference:
    """A forward pass of one image [C, H, W] from PyTorch tensors, in NumPy and SciPy."""

    def __init__(self, tensors: dict[str, np.ndarray]) -> None:
        self.tensors = tensors

    def conv(self, x: np.ndarray, name: str, stride: int) -> np.ndarray:
        kernels = self.tensors[f"{name}.weight"]
        margin = kernels.shape[-1] // 2
        x = np.pad(x, ((0, 0), (margin, margin), (margin, margin)))
        maps = [scipy.signal.correlate(x, kernel, mode="valid")[0] for kernel in kernels]
        return np.stack(maps)[:, ::stride, ::stride]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        leaves = ("weight", "bias", "running_mean", "running_var")
        gamma, beta, mean, variance = (self.tensors[f"{name}.{leaf}"][:, None, None] for leaf in leaves)
        return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta

    def block(self, x: np.ndarray, name: str, stride: int) -> np.ndarray:
        y = np.maximum(self.norm(self.conv(x, f"{name}.conv1", stride), f"{name}.bn1"), 0)
        y = self.norm(self.conv(y, f"{name}.conv2", 1), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in self.tensors:
            x = self.norm(self.conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
        return np.maximum(x + y, 0)

    def stem(self, x: np.ndarray) -> np.ndarray:
        x = np.maximum(self.norm(self.conv(x, "conv1", 2), "bn1"), 0)
        x = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        return np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))[:, ::2, ::2].max((-1, -2))

    def features(self, x: np.ndarray) -> np.ndarray:
        x = self.stem(x)
        for stage, block in np.ndindex(4, 2):
            x = self.block(x, f"layer{stage + 1}.{block}", 2 if stage and not block else 1)
        return x.mean((1, 2))


@pytest.fixture
def model(network):
    return network(width=WIDTH, stem="full")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "weights.safetensors"
    return path, pytorch_file(path)


def test_a_whole_network_from_a_file_equals_a_numpy_forward_pass(model, file):
    path, tensors = file
    weights, _ = load_pretrained(str(path), SPEC, initial_weights(model, 0), pretrained_stem=True)
    assign(model, weights)
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3))
    normalised = (image / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.25, 0.3]
    expected = Reference(tensors).features(normalised.transpose(2, 0, 1))
    ours, _ = features(model)(image[None].astype(np.float32))
    assert expected.std() > 0.1
    np.testing.assert_allclose(ours[0], expected, rtol=1e-4, atol=1e-4)


def test_one_strided_block_equals_a_numpy_forward_pass(network, file):
    import tf_keras

    path, tensors = file
    model = network(width=WIDTH, stem="small")
    spec = ModelSpec(
        architecture="resnet18", width=WIDTH, stem="small", head="linear", classes=10, input_shape=(SIDE, SIDE, 3)
    )
    weights, _ = load_pretrained(str(path), spec, initial_weights(model, 0), pretrained_stem=False)
    assign(model, weights)
    taps = [model.get_layer(f"stage{stage}_out").output for stage in ("2_block2", "3_block1")]
    image = np.random.default_rng(1).integers(0, 256, (1, SIDE, SIDE, 3)).astype(np.float32)
    before, after = (tap[0].numpy().transpose(2, 0, 1) for tap in tf_keras.Model(model.input, taps)(image))
    expected = Reference(tensors).block(before, "layer3.0", 2)
    np.testing.assert_allclose(after, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pretrained_stem", [False, True])
def test_stem_and_head_policy(model, file, pretrained_stem: bool):
    path, _ = file
    initial = initial_weights(model, 0)
    weights, provenance = load_pretrained(str(path), SPEC, initial, pretrained_stem)
    kept = {name for name in weights if weights[name] is initial[name]}
    stem = {n for n in initial if n.startswith("stem")}
    head = {"head/kernel", "head/bias"}
    assert kept == (head if pretrained_stem else head | stem)
    assert list(weights) == list(initial)
    assert {w.dtype for w in weights.values()} == {np.dtype(np.float32)}
    assert provenance == {
        "source": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "naming": "pytorch",
        "copied": len(initial) - len(kept),
        "random": [n for n in initial if n in kept],
    }


def test_names_of_both_resnets_are_ours(network):
    for architecture, stem in (("resnet18", "full"), ("resnet50", "small")):
        ours = set(read(network(architecture, width=4, stem=stem)))
        assert set(pytorch_names(architecture).values()) == ours


def refused(path, message: str, spec: ModelSpec = SPEC, initial=None, stem: bool = False) -> None:
    with pytest.raises(UserError, match=message):
        load_pretrained(str(path), spec, initial or {}, stem)


def test_missing_and_unknown_tensors_are_named(model, file):
    path, tensors = file
    save_file({k: v for k, v in tensors.items() if k != "layer2.0.downsample.0.weight"}, path)
    refused(path, "lacks layer2.0.downsample.0.weight")
    save_file({**tensors, "layer1.2.conv1.weight": np.zeros(3)}, path)
    refused(path, "has unknown tensors layer1.2.conv1.weight")
    save_file({k: v for k, v in tensors.items() if not k.startswith("layer4")}, path)
    refused(path, "lacks layer4.0.bn1.bias, .* and 20 more")


def test_files_without_classifier_or_counters_will_do(model, file):
    path, tensors = file
    save_file({k: v for k, v in tensors.items() if "fc." not in k and "num_batches" not in k}, path)
    initial = initial_weights(model, 0)
    assert len(load_pretrained(str(path), SPEC, initial, True)[0]) == len(initial)


def test_shapes_that_do_not_fit(network, file):
    path, _ = file
    small = initial_weights(network(width=WIDTH), 0)
    refused(path, r"shape \[7, 7, 3, 4\] for stem/kernel.*pretrained_stem: false", initial=small, stem=True)
    wide = initial_weights(network(width=WIDTH * 2, stem="full"), 0)
    refused(path, "for stage1_block1_conv1/kernel.*model.width", initial=wide)


def test_other_architectures_and_damaged_files(tmp_path, file):
    path, _ = file
    refused(
        path,
        "for resnet18 or resnet50, not vgg16",
        ModelSpec(architecture="vgg16", width=4, stem="small", head="linear", classes=10, input_shape=(32, 32, 3)),
    )
    refused(
        path,
        "lacks layer1.0",
        ModelSpec(architecture="resnet50", width=4, stem="full", head="linear", classes=10, input_shape=(32, 32, 3)),
    )
    refused(tmp_path / "nothing.safetensors", "does not exist")
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "damaged")


@pytest.fixture
def finished_pretraining(make_facts: Callable[..., Facts]) -> Callable[[Path], None]:
    """Has run.json name the encoder that lies in the folder."""

    def finish(folder: Path) -> None:
        encoder = {"file": "encoder.safetensors", "sha256": files.sha256(folder / "encoder.safetensors")}
        write_facts(folder, make_facts(pretraining={"method": "simclr"}, encoder=encoder))

    return finish


def test_an_encoder_of_another_pretraining_is_refused(network, finished_pretraining, tmp_path):
    save_file({"stem/kernel": np.zeros(1, np.float32)}, tmp_path / "encoder.safetensors")
    refused(tmp_path, "holds no finished pre-training; run pretrain first")
    finished_pretraining(tmp_path)
    save_file({"stem/kernel": np.ones(1, np.float32)}, tmp_path / "encoder.safetensors")
    refused(tmp_path, "expected SHA-256")


def test_own_encoder_gives_all_but_the_head(network, finished_pretraining, tmp_path):
    model = network("harmonic_resnet18", width=4, head="cosine")
    initial, other = initial_weights(model, 0), initial_weights(model, 1)
    encoder = {name: value + 1 for name, value in other.items() if not name.startswith("head/")}
    spec = ModelSpec(
        architecture="harmonic_resnet18", width=4, stem="small", head="cosine", classes=10, input_shape=(32, 32, 3)
    )
    save_file({**encoder, "head/kernel": np.zeros((1, 1), np.float32)}, tmp_path / "encoder.safetensors")
    finished_pretraining(tmp_path)
    for reference in (tmp_path / "encoder.safetensors", tmp_path):
        weights, provenance = load_pretrained(str(reference), spec, initial, False)
        for name, value in weights.items():
            np.testing.assert_array_equal(value, encoder.get(name, initial[name]))
        assert provenance["naming"] == "tf_dlth"
        assert provenance["random"] == ["head/kernel", "head/scale"]
    save_file({**encoder, "tail/kernel": np.zeros(1)}, tmp_path / "encoder.safetensors")
    finished_pretraining(tmp_path)
    refused(tmp_path, "unknown tensors tail/kernel", spec, initial)
    del encoder["stem/kernel"]
    save_file(encoder, tmp_path / "encoder.safetensors")
    finished_pretraining(tmp_path)
    refused(tmp_path, "lacks stem/kernel", spec, initial)


def test_hub_reference_pins_a_revision(model, file, hub: Hub):
    path, _ = file
    reference = f"hf://owner/some.net-18@{hub.commit('owner/some.net-18', {'model.safetensors': path.read_bytes()})}"
    _, provenance = load_pretrained(reference, SPEC, initial_weights(model, 0), False)
    assert (provenance["source"], provenance["revision"]) == (reference, reference[-40:])
    assert provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    refused("hf://owner/net@main", "model.init: hf://owner/net@main is not pinned")
    refused("hf://net@abc", "must be hf://OWNER/NAME@REVISION")


def test_hub_without_its_library_or_the_repository(monkeypatch, hub: Hub):
    reference = f"hf://owner/net@{'a' * 40}"
    refused(reference, "model.init: model.safetensors of hf://owner/net@a+ cannot be downloaded: ")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused(reference, r"model.init: hf:// needs huggingface_hub: pip install -c constraints.txt '\.\[hub\]'")


WIDE = SPEC.model_copy(update={"width": 64})


def test_imagenet_is_the_published_file_of_the_architecture(model, file, hub: Hub, monkeypatch):
    """Small weights stand in for the published ones, at another width and commit."""
    path, _ = file
    content = path.read_bytes()
    pinned = hub_files.Reference(
        "timm/resnet18.tv_in1k", hub.commit("timm/resnet18.tv_in1k", {"model.safetensors": content})
    )
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(pretrained, "IMAGENET", {"resnet18": (pinned, digest)})
    monkeypatch.setattr(pretrained, "IMAGENET_WIDTH", WIDTH)
    weights, provenance = load_pretrained("imagenet", SPEC, initial_weights(model, 0), False)
    expected, _ = load_pretrained(str(path), SPEC, initial_weights(model, 0), False)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(weights[name], tensor)
    assert (provenance["source"], provenance["revision"]) == (str(pinned), pinned.revision)
    assert provenance["sha256"] == digest
    monkeypatch.setattr(pretrained, "IMAGENET", {"resnet18": (pinned, "0" * 64)})
    refused("imagenet", "is damaged: expected SHA-256 0+, found")


def test_imagenet_says_what_it_is_for_and_which_file_to_put_where(hub: Hub):
    refused("imagenet", f"imagenet needs model.width=64, not {WIDTH}")
    refused("imagenet", "for resnet18 or resnet50, not vgg16", SPEC.model_copy(update={"architecture": "vgg16"}))
    assert hub.asked == []
    way = "put model.safetensors of hf://timm/resnet18.tv_in1k@[0-9a-f]{40} at weights/resnet18.safetensors and set"
    refused("imagenet", f"cannot be downloaded: .*; {way} model.init=weights/resnet18.safetensors", WIDE)
    assert hub.asked
