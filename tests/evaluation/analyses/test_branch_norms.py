from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.branch_norms import analyse
from tf_dlth.evaluation.subject import open_subject
from tf_dlth.experiment import run
from tf_dlth.tickets.ticket import load_ticket


def test_against_the_outputs_of_the_layers(finished, ask):
    """By name: the block's input or its projection's BatchNorm, over the second BatchNorm."""
    path = finished.path / "iteration_02"
    request = ask(path, finished.path / "iteration_00", weights="last")
    found = analyse(request)
    _, examples = request.images(open_subject(str(path)))
    pixels = examples.read(np.arange(len(examples))).astype(np.float32)
    model = load_ticket(path).model("last")
    layers = {
        "stage1_block1": ("stem_relu", "stage1_block1_bn2"),
        "stage3_block1": ("stage3_block1_shortcut_bn", "stage3_block1_bn2"),
        "stage4_block2": ("stage4_block1_out", "stage4_block2_bn2"),
    }
    blocks = found.records[0]["blocks"]
    for block, names in layers.items():
        taps = tf_keras.Model(model.input, [model.get_layer(name).output for name in names])
        shortcut, main = (a.numpy().reshape(len(a), -1) for a in taps(pixels, training=False))
        expected = np.mean(np.linalg.norm(shortcut, axis=1) / np.linalg.norm(main, axis=1))
        assert blocks[block] == pytest.approx(expected, rel=1e-4)
    assert found.records[0]["mean"] == pytest.approx(np.mean(list(blocks.values())))
    assert list(blocks) == [f"stage{s}_block{b}" for s in (1, 2, 3, 4) for b in (1, 2)]
    assert found.records[0]["n"] == 1047
    assert found.records[1]["blocks"] != blocks
    assert len(found.rows) == 2 * 9


def test_a_network_without_residual_blocks(quick, ask):
    path = run(quick("pruning.iterations=0"), trust=True).path
    with pytest.raises(UserError, match="own is no ResNet"):
        analyse(ask(path, trust=True))
