from __future__ import annotations

import math

import numpy as np
import pytest

from tf_dlth.analysis.significance import t_interval
from tf_dlth.reporting import study_text as text


def test_a_cell_is_mean_reach_and_pairs():
    # t(.975, 2 degrees) = 4.302653, standard error .01 / sqrt(3): reach .024841
    three = t_interval(np.array([0.60, 0.61, 0.62]))
    assert text.cell(three) == "61.0 ± 2.5 (3)"
    assert text.cell(three, scale=1, digits=2) == "0.61 ± 0.02 (3)"
    assert text.cell(t_interval(np.array([0.5]))) == "50.0 (1)"
    assert text.cell(t_interval(np.array([]))) == "not run"
    assert text.cell(t_interval(np.array([])), missing="-") == "-"


def test_a_gain_has_its_sign():
    assert text.gain(t_interval(np.array([0.1, 0.1]))) == "+10.0 ± 0.0 (2)"
    assert text.gain(t_interval(np.array([-0.1]))) == "-10.0 (1)"
    assert text.gain(t_interval(np.array([]))) == "-"


def test_limits_and_percent():
    assert text.limits(-1.24, 3.0) == "[-1.2, +3.0]"
    assert text.limits(math.nan, math.nan) == "-"
    assert text.percent(0.5966) == "59.66"
    assert text.percent(None) == text.percent(math.nan) == "-"


@pytest.mark.parametrize(
    ("axis", "value", "title"),
    [("data.fraction", "0.01", "1 %"), ("data.fraction", "None", "None"), ("cell", "clamm_vgg", "clamm_vgg")],
)
def test_values(axis: str, value: str, title: str):
    assert text.value_title(axis, value) == title


def test_axes_places_and_models(frames):
    assert text.axis_title("data.augment") == "augmentation"
    assert text.axis_title("model.base_width") == "base width"
    assert text.place_title(frames.study, ("0.02",)) == "2 %"
    assert text.places_title(frames.study) == "share of the training images"
    titles = ["matched", "mixup, dense", "rate, dense", "my_arm"]
    assert [text.model_title(model) for model in titles] == [
        "dense, chosen as often", "dense under mixup", "dense, arm rate", "my arm"
    ]  # fmt: skip
    assert [text.listed(words) for words in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b and c"]
