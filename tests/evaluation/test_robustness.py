from __future__ import annotations

import numpy as np
import pytest
import tf_keras

from tf_dlth.data.examples import ArrayExamples
from tf_dlth.evaluation.accuracy import accuracy, predict
from tf_dlth.evaluation.robustness import Attack, corruption_matrix, under_attack
from tf_dlth.models.inference import predictor


def linear() -> tf_keras.Model:
    images = tf_keras.Input((2, 2, 1))
    x = tf_keras.layers.Flatten()(tf_keras.layers.Rescaling(1 / 255)(images))
    model = tf_keras.Model(images, tf_keras.layers.Dense(2)(x))
    model.set_weights([np.array([[1.0, -1.0], [-2.0, 2.0], [3.0, -3.0], [0.5, 0.25]]), np.array([0.05, -0.05])])
    return model


def examples(n: int) -> ArrayExamples:
    random = np.random.RandomState(3)
    return ArrayExamples(random.randint(0, 256, (n, 2, 2, 1), np.uint8), random.randint(0, 2, n), map(str, range(n)))


@pytest.mark.parametrize("epsilon", [1e-6, 8 / 255, 0.2])
def test_fgsm_by_hand_on_a_linear_model(epsilon: float) -> None:
    """Against the label's class every pixel moves by epsilon, in the direction of the other class's weights."""
    data, model = examples(300), linear()
    weights, bias = (np.asarray(w, np.float64) for w in model.get_weights())
    images = data.images.reshape(300, 4) / 255
    towards = np.sign(weights[:, 1 - data.labels] - weights[:, data.labels]).T
    logits = np.clip(images + epsilon * towards, 0, 1) @ weights + bias
    calls: list[None] = []
    found = dict(under_attack(model, data, Attack("fgsm", epsilon), lambda: calls.append(None)))
    expected = float(np.mean(logits.argmax(-1) == data.labels))
    assert found == {"attack": {"kind": "fgsm", "epsilon": epsilon, "accuracy": expected}}
    assert len(calls) == 2


def test_pgd_and_fgsm_end_in_one_corner_of_a_linear_model() -> None:
    data, model = examples(300), linear()
    plain = accuracy(predict(predictor(model), data), data.labels)
    found = {
        kind: dict(under_attack(model, data, Attack(kind, 8 / 255), lambda: None))["attack"]["accuracy"]  # type: ignore[arg-type]
        for kind in ("fgsm", "pgd")
    }
    assert found["pgd"] == found["fgsm"] < plain


def test_every_corruption_counts_alike() -> None:
    names = ("fog/1/0", "fog/1/1", "fog/5/0", "fog/5/1", "snow/1/0", "snow/5/0", "gaussian_noise/1/0")
    logits = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1]])
    found = dict(corruption_matrix(logits, np.zeros(7, int), names, regenerated=True))["corruptions"]
    assert found["cells"] == {"fog": {"1": 1, "5": 0.5}, "gaussian_noise": {"1": 0}, "snow": {"1": 0, "5": 1}}
    assert found["by_kind"] == {"fog": 0.75, "gaussian_noise": 0, "snow": 0.5}
    assert found["by_severity"] == {"1": pytest.approx(1 / 3), "5": 0.75}
    assert found["by_group"] == {"noise": 0, "weather": 0.625}
    assert found["mean"] == pytest.approx(2.5 / 5)
    assert found["regenerated"] is True
