from __future__ import annotations

import re

import pytest
from pydantic import BaseModel, Field, ValidationError

from tf_dlth.config import Config, parse_config
from tf_dlth.config.keys import dotted_keys
from tf_dlth.config.mistakes import one_line
from tf_dlth.errors import UserError


def parse(*overrides: str, text: str = "name: run") -> Config:
    return parse_config(text, overrides)


REFUSED = [
    ("pruning.rate=1.5", r"pruning\.rate: must be less than 1, got 1\.5; accepted: above 0 and below 1"),
    ("pruning.rate=0", r"pruning\.rate: must be greater than 0, got 0"),
    ("training.epochs=0", r"training\.epochs: must be a whole number from 1 to 1000000 or match:RUN, got 0"),
    ("training.epochs=2", r"pruning\.rewind_epochs must be below training\.epochs \(2\), got 2; accepted: 0 to 1"),
    ("training.epochs=2.5", r"training\.epochs: must be a whole number from 1 to 1000000 or match:RUN, got '2\.5'"),
    ("training.epochs=true", r"training\.epochs: must be a whole number from 1 to 1000000 or match:RUN, got 'true'"),
    ("training.epochs='3'", r"training\.epochs: must be a whole number from 1 to 1000000 or match:RUN, got \"'3'\""),
    ("training.epochs=", r"training\.epochs: must be a whole number from 1 to 1000000 or match:RUN, got ''"),
    ("training.learning_rate=0", r"training\.learning_rate: must be greater than 0"),
    ("training.learning_rate=.nan", r"training\.learning_rate: must be a finite number"),
    ("training.learning_rate=.inf", r"training\.learning_rate: must be a finite number"),
    ("training.momentum=1", r"training\.momentum: must be less than 1"),
    ("training.weight_decay=-0.1", r"training\.weight_decay: must be greater than or equal to 0"),
    ("training.batch_size=0", r"training\.batch_size"),
    ("training.evaluate_every=0", r"training\.evaluate_every"),
    ("training.loss=hinge", r"training\.loss: must be 'cross_entropy' or 'cosine_barz', got 'hinge'"),
    ("pruning.rewind_epochs=200", r"pruning\.rewind_epochs must be below training\.epochs \(200\)"),
    ("pruning.rewind_epochs=-1", r"pruning\.rewind_epochs: must be greater than or equal to 0"),
    ("pruning.iterations=-1", r"pruning\.iterations"),
    ("pruning.method=random", r"pruning: method random needs source"),
    ("pruning.method=layerwise", r"pruning: method layerwise needs source"),
    ("pruning.method=transplant", r"pruning: method transplant needs source"),
    ("data.fraction=0", r"data\.fraction: must be greater than 0"),
    ("data.fraction=1.1", r"data\.fraction: must be less than or equal to 1"),
    ("data.per_class=0", r"data\.per_class: must be greater than or equal to 1"),
    ("data={fraction: 0.1, per_class: 5}", r"data: fraction and per_class exclude each other; keep one"),
    ("data={fraction: 0.1, imbalance: 0.5}", r"fraction and imbalance exclude each other"),
    ("data={per_class: 1, imbalance: 0.5}", r"per_class and imbalance exclude each other"),
    ("data={fraction: .1, per_class: 1, imbalance: .5}", r"fraction and per_class and imbalance exclude"),
    ("data.split=3", r"data\.split"),
    ("data.dataset=cifar", r"data\.dataset: must be 'digits', .*got 'cifar'"),
    ("data.normalisation={mean: [0.5], std: [0.0]}", r"data\.normalisation: std must be from 1e-06"),
    ("data.normalisation={mean: [0.5, 0.5], std: [0.5]}", r"data\.normalisation: mean and std need one value"),
    ("data.normalisation={mean: [0.5]}", r"data\.normalisation\.std is missing"),
    ("data.normalisation={mean: [a], std: [1.0]}", r"data\.normalisation\.mean"),
    ("data.normalisation={mean: [.nan], std: [1.0]}", r"data\.normalisation\.mean: must be a finite number"),
    ("data=5", r"data: must be a valid dictionary"),
    ("model.width=0", r"model\.width: must be a whole number from 1 to 4096 or match:TICKET, got 0"),
    ("model.width=wide", r"model\.width: must be a whole number from 1 to 4096 or match:TICKET, got 'wide'"),
    ("model.width='match:'", r"model\.width: must be a whole number"),
    ("model.width=true", r"model\.width: must be a whole number from 1 to 4096 or match:TICKET, got .true."),
    ("seed=-1", r"seed: must be greater than or equal to 0"),
    ("seed=4294967296", r"seed: must be less than 4294967296"),
    ("name=a/b", r"name: 'a/b' cannot be a run's name"),
    (
        "name=my pets",
        r"^name: 'my pets' cannot be a run's name, which is a folder's: 1 to 100 letters \(a to z\), digits, '\.', '_' "
        r"and '-', a letter or digit first; such as name=my-pets$",
    ),
    ("name=été 2024", r"; such as name=t-2024$"),
    ("name=猫", r"a letter or digit first$"),
    ("name=" + "a" * 101, r"1 to 100 letters .*; such as name=a{100}$"),
    ("name=..", r"name: "),
    ("name=.hidden", r"name: "),
    ("name=''", r"name: "),
    ("trainig.epochs=5", r"unknown key trainig; did you mean training\?"),
    ("training.epoch=5", r"unknown key training\.epoch; did you mean training\.epochs\?"),
    ("model.batch_size=5", r"unknown key model\.batch_size; did you mean (training|probe|pretrain)\.batch_size\?"),
    ("epochs=5", r"unknown key epochs; did you mean training\.epochs\?"),
    ("sed=5", r"unknown key sed; did you mean seed\?"),
    ("data.normalisation.median=[1.0]", r"key data\.normalisation\.mean is missing"),
    ("qqqqqqqq=5", r"unknown key qqqqqqqq; known keys: name, seed, data"),
    ("seed", r"override 'seed' must look like key\.path=value"),
    ("pets", r"^override 'pets' must look like .*; a value with blanks goes between quotes$"),
    ("=5", r"override '=5' must look like"),
    ("seed.deep=5", r"seed: must be a valid integer, got \{'deep': 5\}"),
    ("seed=[1", r"override 'seed=\[1' is not valid YAML at line 1"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "line"), REFUSED, ids=[override for override, _ in REFUSED])
def test_every_mistake_is_one_line(override: str, line: str):
    with pytest.raises(UserError) as refusal:
        parse(override)
    message = str(refusal.value)
    assert re.search(line, message), message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("key", [key for key in dotted_keys(Config) if key not in ("name", "seed") and "." in key])
def test_a_slip_of_the_finger_is_told_the_right_key(key: str):
    section, _, leaf = key.rpartition(".")
    if "." in section:
        return
    with pytest.raises(UserError, match=rf"unknown key {section}\.{leaf}x; did you mean [a-z.]*{leaf[:3]}"):
        parse(f"{section}.{leaf}x=1")


class Layer(BaseModel):
    size: int = Field(default=1, ge=1, le=9)
    shape: tuple[int, int] = (1, 1)
    name: str = "a"


class Network(BaseModel, extra="forbid"):
    layer: Layer = Layer()
    rate: float = Field(default=0.5, gt=0, lt=1)
    label: str


def told(**tree: object) -> str:
    with pytest.raises(ValidationError) as error:
        Network.model_validate(tree)
    return one_line(error.value, Network)


def test_a_line_of_any_model():
    assert told() == "key label is missing"
    assert told(label="x", rate=2) == "rate: must be less than 1, got 2; accepted: above 0 and below 1"
    assert told(label="x", layer={"size": 0}).endswith("got 0; accepted: at least 1 and at most 9")
    assert told(label="x", rates=1) == "unknown key rates; did you mean rate?"
    assert told(label="x", size=1) == "unknown key size; did you mean layer.size?"
    assert told(label="x", zzz=1) == "unknown key zzz; known keys: layer, rate, label"
    assert told(label="x", layer={"shape": [1]}) == "layer.shape: it has too few values"


def test_the_first_mistake_counts():
    assert told(rate=2, label=5).startswith("rate: ")


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000, list(range(10_000)), 10**5000, {"a": {"b": list(range(999))}}],
    ids=["text", "list", "number", "mapping"],
)
def test_a_long_value_is_shown_short(value: object):
    line = told(label="x", rate=value)
    assert line.startswith("rate: ")
    assert len(line) < 200


def test_a_key_within_a_named_section_is_told_as_it_was_typed():
    class Layers(BaseModel):
        named: dict[str, Layer] = {}
        sizes: dict[str, int] = {}

    def line(**tree: object) -> str:
        with pytest.raises(ValidationError) as error:
            Layers.model_validate(tree)
        return one_line(error.value, Layers)

    assert line(named={"first": {"size": 0}}).startswith("named.first.size: must be greater than or equal to 1, got 0")
    assert line(named={"first": {"size": 0}}).endswith("accepted: at least 1 and at most 9")
    assert line(named={"first": {"shape": ["x", 1]}}).startswith("named.first.shape: must be a valid integer")
    assert line(sizes={"first": "x"}).startswith("sizes.first: must be a valid integer")
