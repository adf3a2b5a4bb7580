from __future__ import annotations

import numpy as np

from tf_dlth.reporting.figures.learning import learning_curves

METRICS = [
    {"iteration": k, "epoch": epoch, "train_loss": 2.0 / epoch + k, "test_accuracy": epoch / 10, "heldout_accuracy": h}
    for k in (0, 1, 2)
    for epoch, h in ((1, 0.2), (2, 0.3), (4, None))
]


def test_loss_and_accuracy_of_the_named_iterations():
    loss, accuracy = learning_curves(METRICS, {0: "dense", 2: "ticket"}).axes
    lines = {str(line.get_label()): line for line in loss.get_lines()}
    assert lines.keys() == {"dense", "ticket"}
    np.testing.assert_allclose(np.asarray(lines["ticket"].get_xydata()), [[1, 4], [2, 3], [4, 2.5]])
    drawn = [np.asarray(line.get_xydata()) for line in accuracy.get_lines() if np.size(line.get_xdata())]
    assert [points.tolist() for points in drawn[:2]] == [[[1, 10], [2, 20], [4, 40]], [[1, 20], [2, 30]]]
    assert len(drawn) == 4
    assert loss.get_ylim()[0] == 0


def test_without_held_out_images():
    metrics = [{"iteration": 0, "epoch": 1, "train_loss": 1.0, "test_accuracy": 0.5}]
    _, accuracy = learning_curves(metrics, {0: "dense"}).axes
    assert len([line for line in accuracy.get_lines() if np.size(line.get_xdata())]) == 1
