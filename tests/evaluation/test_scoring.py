from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tf_keras
from sklearn.metrics import accuracy_score, recall_score

from tf_dlth.config import DataConfig
from tf_dlth.data import load_data
from tf_dlth.evaluation.scoring import Scorer
from tf_dlth.models.inference import BATCH, Inference


def linear() -> tf_keras.Model:
    images = tf_keras.Input((8, 8, 1), name="images")
    return tf_keras.Model(images, tf_keras.layers.Dense(10, name="head")(tf_keras.layers.Flatten()(images)))


@pytest.mark.parametrize("heldout", [0, 2])
def test_each_part_is_scored_by_the_weights_that_are_given(heldout: int):
    """Twice with other weights, as after two epochs; the reference is a product of matrices."""
    data = load_data(DataConfig(per_class=3, heldout_per_class=heldout))
    scorer, random = Scorer(Inference(linear()), data, "all"), np.random.RandomState(0)
    parts = {"test": data.test} | ({"heldout": data.heldout} if data.heldout else {})
    for _ in range(2):
        kernel, bias = random.normal(size=(64, 10)).astype(np.float32), random.normal(size=10).astype(np.float32)
        scores = dict(scorer({"head/kernel": kernel, "head/bias": bias}, lambda: None))
        assert scores.keys() == parts.keys()
        for name, examples in parts.items():
            pixels = examples.read(np.arange(len(examples))).reshape(len(examples), -1).astype(np.float64)
            right = (pixels @ kernel + bias).argmax(-1) == examples.labels
            assert scores[name] == right.mean()


def test_balanced_is_the_mean_recall_of_the_held_out_images_alone():
    data = load_data(DataConfig(per_class=3, heldout_per_class=3))
    assert data.heldout is not None
    data = dataclasses.replace(data, heldout=data.heldout.take(np.arange(17)))  # of the last classes fewer, or none
    kernel, bias = np.random.RandomState(0).normal(size=(64, 10)).astype(np.float32), np.zeros(10, np.float32)
    scores = dict(
        Scorer(Inference(linear()), data, "all", balanced=True)(
            {"head/kernel": kernel, "head/bias": bias}, lambda: None
        )
    )
    for name, measure in (("test", accuracy_score), ("heldout", recall_score)):
        examples = getattr(data, name)
        guesses = (examples.in_memory().images.reshape(len(examples), -1).astype(np.float64) @ kernel).argmax(-1)
        own = {"labels": np.unique(examples.labels), "average": "macro"} if measure is recall_score else {}
        assert scores[name] == pytest.approx(measure(examples.labels, guesses, **own))


def test_a_signal_can_be_heard_after_every_batch():
    data = load_data(DataConfig(per_class=3, heldout_per_class=2))
    calls: list[int] = []
    weights = {"head/kernel": np.zeros((64, 10), np.float32), "head/bias": np.zeros(10, np.float32)}
    list(Scorer(Inference(linear()), data, "all")(weights, lambda: calls.append(1)))
    assert len(calls) == -(-len(data.test) // BATCH) + 1


def test_some_images_are_the_first_of_the_test_set():
    data = load_data(DataConfig(per_class=3, heldout_per_class=2))
    scorer = Scorer(Inference(linear()), data, "all")
    weights = {"head/kernel": np.zeros((64, 10), np.float32), "head/bias": np.eye(10, dtype=np.float32)[4]}
    some = scorer.of_some(30)
    assert (scorer.images, some.images) == (len(data.test) + 20, 30)
    assert dict(some(weights, lambda: None)) == {"test": (data.test.labels[:30] == 4).mean()}
    assert set(dict(scorer(weights, lambda: None))) == {"test", "heldout"}
