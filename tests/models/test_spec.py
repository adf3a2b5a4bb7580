from __future__ import annotations

import json
from typing import Any

import pytest

from tf_dlth.config.loading import validated
from tf_dlth.errors import UserError
from tf_dlth.models.spec import ModelSpec

SPEC = ModelSpec(architecture="resnet18", width=64, stem="small", head="linear", classes=10, input_shape=(32, 32, 3))
TREE: dict[str, Any] = SPEC.model_dump(mode="json")


def read(tree: Any) -> ModelSpec:
    return validated(tree, ModelSpec, "ticket.json model.")


def test_round_trip_through_json():
    assert read(json.loads(json.dumps(TREE))) == SPEC
    assert TREE["input_shape"] == [32, 32, 3]


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
        ("input_shape", [32, 32.5, 3]),
        ("input_shape", "abc"),
    ],
)
def test_unfit_values_are_refused_by_name(key: str, value: object):
    with pytest.raises(UserError, match=f"ticket.json model.{key}"):
        read({**TREE, key: value})


def test_unknown_and_missing_keys_are_refused():
    with pytest.raises(UserError, match="unknown key depth"):
        read({**TREE, "depth": 3})
    with pytest.raises(UserError, match="key stem is missing"):
        read({k: v for k, v in TREE.items() if k not in ("stem", "head")})
