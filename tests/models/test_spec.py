from __future__ import annotations

import json

import pytest

from tf_dlth.errors import UserError
from tf_dlth.models.spec import ModelSpec

SPEC = ModelSpec("resnet18", 64, "small", "linear", 10, (32, 32, 3))


def test_round_trip_through_json():
    assert ModelSpec.from_json(json.loads(json.dumps(SPEC.to_json()))) == SPEC


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("architecture", ""),
        ("architecture", "x" * 201),
        ("architecture", 3),
        ("width", 0),
        ("width", 4097),
        ("width", True),
        ("width", 64.0),
        ("width", "64"),
        ("stem", "large"),
        ("stem", ["small"]),
        ("head", None),
        ("classes", 0),
        ("classes", 100_001),
        ("input_shape", [32, 32]),
        ("input_shape", [2049, 32, 3]),
        ("input_shape", [32, 0, 3]),
        ("input_shape", [32, 32, 5]),
        ("input_shape", "abc"),
    ],
)
def test_unfit_values_are_refused_by_name(key: str, value: object):
    with pytest.raises(UserError, match=f"ticket.json model.{key}"):
        ModelSpec.from_json({**SPEC.to_json(), key: value}, "ticket.json model")


def test_unknown_missing_and_foreign_are_refused():
    with pytest.raises(UserError, match="unknown keys depth"):
        ModelSpec.from_json({**SPEC.to_json(), "depth": 3})
    with pytest.raises(UserError, match="lacks head, stem"):
        ModelSpec.from_json({k: v for k, v in SPEC.to_json().items() if k not in ("stem", "head")})
    with pytest.raises(UserError, match="JSON object, got list"):
        ModelSpec.from_json([SPEC.to_json()])
