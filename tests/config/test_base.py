from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from tf_dlth.config.base import Normalisation, Section


class Example(Section):
    count: int = 1
    share: float = 0.5
    label: str | None = None


@pytest.mark.parametrize(
    "tree",
    [
        {"count": "1"}, {"count": 1.0}, {"count": True}, {"count": None}, {"share": "0.5"}, {"share": float("nan")},
        {"share": float("inf")}, {"label": 1}, {"counts": 1},
    ],
)  # fmt: skip
def test_values_of_other_types_no_numbers_and_unknown_keys_are_refused(tree: dict[str, object]):
    with pytest.raises(ValidationError):
        Example.model_validate(tree)


def test_a_whole_number_is_a_fraction_too():
    assert Example.model_validate({"share": 1}).share == 1.0


def test_it_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Example().count = 2


def test_normalisation_survives_json_which_has_no_tuples():
    normalisation = Normalisation(mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0))
    assert Normalisation.model_validate(json.loads(normalisation.model_dump_json())) == normalisation


@pytest.mark.parametrize(
    ("mean", "std", "reason"),
    [
        ([0.5], [0.0], "std must be from 1e-06 to 1e\\+06"),
        ([0.5], [-1.0], "std must be from 1e-06 to 1e\\+06"),
        ([0.5], [1e-7], "std must be from 1e-06 to 1e\\+06"),
        ([0.5], [1e7], "std must be from 1e-06 to 1e\\+06"),
        ([-1e7], [1.0], "mean must be at most 1e\\+06 in magnitude"),
        ([0.5, 0.5], [0.5], "one value a channel"),
        ([], [], "at least 1"),
        ([0.5] * 5, [0.5] * 5, "at most 4"),
    ],
)
def test_normalisation_that_no_image_has(mean: list[float], std: list[float], reason: str):
    with pytest.raises(ValidationError, match=reason):
        Normalisation.model_validate({"mean": mean, "std": std})
