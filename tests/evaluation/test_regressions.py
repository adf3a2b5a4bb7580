from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from tf_dlth.data.features import colour_and_edges
from tf_dlth.evaluation import regressions
from tf_dlth.evaluation.regressions import fitted, measure
from tf_dlth.models import variables
from tf_dlth.models.build import encoder
from tf_dlth.preparation import Prepared
from tf_dlth.runs.regressions import REGRESSIONS


def by_scikit_learn(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    scaler = StandardScaler().fit(train.astype(np.float64))
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(train.astype(np.float64)), labels)
    return model.predict(scaler.transform(test.astype(np.float64)))


def test_a_finished_run_has_that_of_colours_and_edges(finished):
    data = Prepared(finished.config).data
    assert data.heldout is not None
    every = {"train": data.train, "heldout": data.heldout, "test": data.test}
    features = {name: colour_and_edges(part.read(np.arange(len(part)))) for name, part in every.items()}
    right = {
        name: float(np.mean(by_scikit_learn(features["train"], data.train.labels, features[name]) == part.labels))
        for name, part in every.items()
    }
    assert json.loads((finished.path / REGRESSIONS).read_text()) == {
        "format_version": 1,
        "regressions": {
            "colour_and_edges": {
                "train_images": 50,
                "test_images": 1047,
                "heldout_accuracy": right["heldout"],
                "test_accuracy": right["test"],
                "converged": True,
            }
        },
    }
    assert right["test"] > 0.6


def test_first_weights_that_were_given_have_one_of_their_features(finished):
    """theta_0 before training, whatever the model holds; here another run's first weights, given as a file."""
    prepared = Prepared(finished.config.model_copy(update={"model": _given(finished)}))
    variables.assign(prepared.model, {name: 0 * value for name, value in prepared.initial.items()})
    found = measure(prepared, "cpu").regressions["first_weights"]
    data = prepared.data
    train, test = (encoder(prepared.model)(part.read(np.arange(len(part)))).numpy() for part in (data.train, data.test))
    expected = float(np.mean(by_scikit_learn(train, data.train.labels, test) == data.test.labels))
    assert found.test_accuracy == pytest.approx(expected, abs=0.01)
    assert found.test_accuracy > 0.3


def _given(finished):
    return finished.config.model.model_copy(update={"init": str(finished.path / "initial.safetensors")})


def test_without_held_out_images():
    random = np.random.RandomState(0)
    labels = np.arange(40) % 2
    features = {part: random.randn(40, 3) + 4 * labels[:, None] for part in ("train", "test")}
    found = fitted(features, {"train": labels, "test": labels}, 0)
    assert (found.heldout_accuracy, found.train_images, found.test_images) == (None, 40, 40)
    assert found.test_accuracy > 0.9


@pytest.mark.parametrize("balanced", [False, True])
def test_held_out_images_are_scored_as_the_networks_are(balanced: bool):
    """By the mean recall where training is balanced; test images by the fraction that is right all the same."""
    random = np.random.RandomState(0)
    labels = {"train": np.arange(60) % 3, "heldout": np.array([0] * 20 + [1] * 5 + [2] * 3), "test": np.arange(30) % 3}
    features = {part: random.randn(len(own), 3) + own[:, None] for part, own in labels.items()}
    found = fitted(features, labels, 0, balanced)
    guesses = {part: by_scikit_learn(features["train"], labels["train"], features[part]) for part in labels}
    score = balanced_accuracy_score if balanced else accuracy_score
    assert found.heldout_accuracy == pytest.approx(score(labels["heldout"], guesses["heldout"]))
    assert found.test_accuracy == pytest.approx(accuracy_score(labels["test"], guesses["test"]))
    assert accuracy_score(labels["heldout"], guesses["heldout"]) != pytest.approx(
        balanced_accuracy_score(labels["heldout"], guesses["heldout"])
    )


def test_a_balanced_run_measures_its_regressions_so(finished):
    """As many images of each class are held out here: both measures agree, and what is measured is what a run asks."""
    training = finished.config.training.model_copy(update={"class_weights": "balanced"})
    asked: list[bool] = []
    real = regressions.fitted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regressions, "fitted", lambda *words: asked.append(words[-1]) or real(*words))
        measure(Prepared(finished.config.model_copy(update={"training": training})), "cpu")
    assert asked == [True]


def test_of_many_training_images_some_are_drawn(finished, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(regressions, "MOST", 20)
    found = measure(Prepared(finished.config), "cpu").regressions["colour_and_edges"]
    assert (found.train_images, found.test_images) == (20, 1047)
