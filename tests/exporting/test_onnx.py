from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.exporting.compaction import compacted
from tf_dlth.exporting.onnx import open_onnx, write_onnx
from tf_dlth.exporting.reading import read_graph
from tf_dlth.models.registry import BUILT_IN


@pytest.mark.parametrize("architecture", BUILT_IN)
def test_every_architecture(network, prune, same, architecture: str, tmp_path: Path) -> None:
    model = prune(network(architecture), 0.5)
    write_onnx(tmp_path / "network.onnx", compacted(read_graph(model)))
    same(open_onnx(tmp_path / "network.onnx"), model)


@pytest.mark.parametrize("head", ["cosine", "tvmf"])
def test_heads_and_the_full_stem(network, same, head: str, tmp_path: Path) -> None:
    model = network("resnet18", head=head, stem="full")
    write_onnx(tmp_path / "network.onnx", read_graph(model))  # BatchNorm not folded
    same(open_onnx(tmp_path / "network.onnx"), model)


def test_inputs_and_outputs(network, tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    write_onnx(path, compacted(read_graph(network("vgg11"))))
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("images", "tensor(uint8)", [32, 32, 3])
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    logits, probabilities = map(np.asarray, session.run(["logits", "probabilities"], {"images": images}))
    odds = np.exp(logits)
    np.testing.assert_allclose(probabilities, odds / odds.sum(-1, keepdims=True), atol=1e-6)


def test_a_layer_without_an_operation_is_named(tmp_path: Path) -> None:
    images = tf_keras.Input((4, 4, 1), name="images")
    model = tf_keras.Model(images, tf_keras.layers.Dense(2)(tf_keras.layers.Flatten(name="flat")(images)))
    with pytest.raises(UserError, match=r"no operation stands for layer flat \(Flatten\); take savedmodel"):
        write_onnx(tmp_path / "network.onnx", read_graph(model))
    assert not list(tmp_path.iterdir())
