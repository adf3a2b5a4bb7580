from __future__ import annotations

import copy
import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_dlth.config import Config, build_config, differing_keys, load_config, parse_config
from tf_dlth.config.keys import dotted_keys, flat
from tf_dlth.errors import UserError

DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {
        "dataset": "digits", "data_dir": None, "train_list": None, "test_list": None, "split": 0,
        "train_part": "trainval", "fraction": None, "per_class": None, "imbalance": None, "subset_seed": 0,
        "heldout_per_class": None, "heldout_from": None, "image_size": None, "normalisation": None, "augment": "basic",
        "flip": None, "crop_padding": None, "cutout": None,
    },
    "model": {
        "architecture": "resnet18", "width": 64, "stem": None, "head": "linear", "init": "random",
        "pretrained_stem": False,
    },
    "training": {
        "epochs": 200, "batch_size": 100, "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0005,
        "loss": "cross_entropy", "loss_ce_weight": 0.0, "evaluate_every": 10,
    },
    "pruning": {
        "method": "magnitude", "iterations": 16, "rate": 0.2, "rewind": "weights", "rewind_epochs": 2,
        "select_by": None, "source": None, "start": "rewind", "mask_seed": 0,
    },
    "probe": {"protocol": "trained", "epochs": 100, "learning_rate": 0.1, "batch_size": 100},
    "pretrain": {
        "epochs": 200, "batch_size": 512, "temperature": 0.5, "projection": 128, "learning_rate": 0.5, "knn_every": 10,
    },
    "output": {
        "directory": "saved_tickets", "savedmodel": "all", "checkpoint_seconds": 60, "weights": None,
        "tensorboard": True,
    },
}  # fmt: skip


def parse(*overrides: str, text: str = "name: run") -> Config:
    return parse_config(text, overrides)


def test_every_key_and_default_of_the_contract():
    assert parse().model_dump() == {"name": "run", "seed": 0, **DEFAULTS}


def test_every_value_of_the_contract_is_accepted():
    accepted = {
        "data.dataset": "digits cifar10 cifar100 cifar10_2 cifar10_c eurosat isic2018 clamm imagenet2012 folder npz",
        "data.train_part": "trainval train",
        "data.heldout_from": "unused train null",
        "data.augment": "none basic contrast auto rand",
        "data.flip": "none horizontal both null",
        "data.split": "0 1 2",
        "model.stem": "small full null",
        "model.head": "linear cosine tvmf",
        "model.width": "1 64 4096 match:some/ticket",
        "model.architecture": "resnet50 package.module:function",
        "training.loss": "cross_entropy cosine_barz",
        "training.learning_rate": "0.001 1e-3 1.e-3 .1 1",
        "pruning.method": "magnitude none",
        "pruning.rewind": "weights rate",
        "pruning.rewind_epochs": "0 1 199",
        "pruning.iterations": "0 16",
        "pruning.select_by": "heldout test_best null",
        "pruning.start": "rewind fresh",
        "probe.protocol": "trained rewind_bn",
        "output.savedmodel": "all winner",
        "output.weights": "last test_best heldout null",
        "data.normalisation": "{mean: [0.5], std: [0.5]} null",
    }
    for key, values in accepted.items():
        for value in re.findall(r"\{.*?\}|\S+", values):
            assert parse(f"{key}={value}") is not None


REFUSED = [
    ("pruning.rate=1.5", r"pruning\.rate: must be less than 1, got 1\.5; accepted: above 0 and below 1"),
    ("pruning.rate=0", r"pruning\.rate: must be greater than 0, got 0"),
    ("training.epochs=0", r"training\.epochs: must be greater than or equal to 1, got 0; accepted: at least 1"),
    ("training.epochs=2", r"pruning\.rewind_epochs must be below training\.epochs \(2\), got 2; accepted: 0 to 1"),
    ("training.epochs=2.5", r"training\.epochs: must be a valid integer.*got 2\.5"),
    ("training.epochs=true", r"training\.epochs: must be a valid integer, got True"),
    ("training.epochs='3'", r"training\.epochs: must be a valid integer, got '3'"),
    ("training.epochs=", r"training\.epochs: must be a valid integer, got None"),
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
    ("pruning.method=random", r"pruning\.method: random is not available yet"),
    ("pruning.method=layerwise", r"pruning\.method: layerwise is not available yet"),
    ("pruning.method=transplant", r"pruning\.method: transplant is not available yet"),
    ("data.fraction=0", r"data\.fraction: must be greater than 0"),
    ("data.fraction=1.1", r"data\.fraction: must be less than or equal to 1"),
    ("data.per_class=0", r"data\.per_class: must be greater than or equal to 1"),
    ("data={fraction: 0.1, per_class: 5}", r"data: fraction and per_class exclude each other; keep one"),
    ("data={fraction: 0.1, imbalance: 0.5}", r"fraction and imbalance exclude each other"),
    ("data={per_class: 1, imbalance: 0.5}", r"per_class and imbalance exclude each other"),
    ("data={fraction: .1, per_class: 1, imbalance: .5}", r"fraction and per_class and imbalance exclude"),
    ("data.split=3", r"data\.split"),
    ("data.dataset=cifar", r"data\.dataset: must be 'digits', .*got 'cifar'"),
    ("data.normalisation={mean: [0.5], std: [0.0]}", r"data\.normalisation: std must be above 0"),
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
    ("name=a/b", r"name: .*got 'a/b'"),
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


def test_choosing_on_held_out_images_needs_some():
    with pytest.raises(
        UserError, match=r"pruning\.select_by: heldout needs held-out images; set data\.heldout_per_class"
    ):
        parse("pruning.select_by=heldout", "data.heldout_per_class=0")


@pytest.mark.parametrize("key", [key for key in dotted_keys(Config) if key not in ("name", "seed") and "." in key])
def test_a_slip_of_the_finger_is_told_the_right_key(key: str):
    section, _, leaf = key.rpartition(".")
    if "." in section:
        return
    with pytest.raises(UserError, match=rf"unknown key {section}\.{leaf}x; did you mean [a-z.]*{leaf[:3]}"):
        parse(f"{section}.{leaf}x=1")


# YAML


def test_numbers_as_people_write_them():
    config = parse("training.learning_rate=1e-3", "training.weight_decay=5E-4", "training.momentum=0")
    assert config.training.learning_rate == 0.001
    assert config.training.weight_decay == 0.0005
    assert config.training.momentum == 0.0
    assert parse(text="name: 1e5x").name == "1e5x"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must hold a mapping of keys to values, not nothing"),
        ("# only a comment", "not nothing"),
        ("- a\n- b", "not a list"),
        ("hello", "not a str"),
        ("5", "not a int"),
        ("name: a\nname: b", r"at line 1, column 1: key 'name' is given twice"),
        ("name: a\ndata:\n  split: 1\n  split: 2", "at line 3, column 3: key 'split' is given twice"),
        ("name: [", "is not valid YAML at line 1"),
        ("name: a\n\tseed: 1", "is not valid YAML at line 2, column 1"),
        ("name: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("name: a\nseed: !!bool x", "is not valid YAML"),
        ("name: a\nseed: !!int x", "is not valid YAML"),
        ("name: a\nseed: !!timestamp x", "is not valid YAML"),
        ("name: a\nseed: 2024-99-99", "is not valid YAML"),
        ("name: a\nseed: " + "1" * 5000, "is not valid YAML"),
        ("name: a\nseed: 0x" + "f" * 5000, "seed: must be"),
        ("name: a\n? [1, 2]\n: 3", "unhashable key"),
        ("name: a\n1: 2", "1: Keys should be strings"),
        ("name: a\ndata: {1: 2}", "data: Keys should be strings"),
        ("name: a\nseed: *missing", "aliases are not read"),
        ("name: a\x00b", "is not valid YAML"),
        ("name: a\nseed: 2024-01-01", r"seed: must be a valid integer, got datetime\.date"),
        ("a: " * 5 + "b", "is not valid YAML"),
        ("name: " + "[" * 50_000, "is not valid YAML"),
    ],
    ids=range(24),
)
def test_yaml_that_is_no_config(text: str, problem: str):
    with pytest.raises(UserError, match=problem) as refusal:
        parse_config(text, origin="some.yaml")
    assert len(str(refusal.value)) < 400


BOMB = "name: a\n" + "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("a11:", "seed:"),
        "name: a\ndata: {normalisation: {mean: &m [*m], std: [1.0]}}",
        "name: a\nseed: &s {s: *s}",
        "name: a\n" + "\n".join(f"k{i}: 1" for i in range(20_000)),
        "name: " + "x" * 1_000_000,
        "name: a\n" + "k" * 100_000 + ": 1",
    ],
    ids=[
        "aliases",
        "aliases in a value",
        "a list in itself",
        "a mapping in itself",
        "many keys",
        "long value",
        "long key",
    ],
)
def test_a_file_that_unfolds_stays_cheap(text: str):
    """Unfolded, the aliases stand for 9**12 values, which no test would live to see."""
    with pytest.raises(UserError) as refusal:
        parse_config(text)
    assert len(str(refusal.value)) < 200_000


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(UserError, match=r"config file .*missing\.yaml does not exist"):
        load_config(tmp_path / "missing.yaml")
    with pytest.raises(UserError, match="is a folder; name a YAML file in it"):
        load_config(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match=r"config file .*binary\.yaml cannot be read"):
        load_config(tmp_path / "binary.yaml")


def test_a_file_and_overrides(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("name: run\ntraining: {epochs: 5}\n")
    config = load_config(str(tmp_path / "c.yaml"), ["training.epochs=7", "data.per_class=3"])
    assert (config.training.epochs, config.data.per_class) == (7, 3)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(dotted_keys(Config))), value=values)
@settings(max_examples=400, deadline=None)
def test_any_value_under_any_key_is_taken_or_a_user_error(key: str, value: Any):
    tree: dict[str, Any] = {"name": "run"}
    node = tree
    *path, last = key.split(".")
    for part in path:
        node = node.setdefault(part, {})
    node[last] = value
    before = copy.deepcopy(tree)
    with suppress(UserError):
        config = build_config(tree)
        assert parse_config(config.to_yaml()) == config
    assert repr(tree) == repr(before)


@given(path=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4), value=st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_override_is_taken_or_a_user_error(path: list[str], value: str):
    with suppress(UserError):
        parse_config("name: run", [f"{'.'.join(path)}={value}"])


@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_taken_or_a_user_error(text: str):
    for whole in (text, f"name: run\n{text}", f"name: run\nseed: {text}"):
        with suppress(UserError):
            parse_config(whole)


# Identity

CHANGED = {
    "name": "other", "seed": 1, "data.dataset": "cifar10", "data.data_dir": "d", "data.train_list": "t",
    "data.test_list": "t", "data.split": 1, "data.train_part": "train", "data.fraction": 0.5, "data.per_class": 5,
    "data.imbalance": 0.5, "data.subset_seed": 1, "data.heldout_per_class": 5, "data.heldout_from": "train",
    "data.image_size": 32, "data.normalisation": {"mean": [0.5], "std": [0.5]}, "data.augment": "rand",
    "data.flip": "both", "data.crop_padding": 2, "data.cutout": 2, "model.architecture": "resnet50", "model.width": 8,
    "model.stem": "full", "model.head": "cosine", "model.init": "x.safetensors", "model.pretrained_stem": True,
    "training.epochs": 100, "training.batch_size": 10, "training.learning_rate": 0.2, "training.momentum": 0.8,
    "training.weight_decay": 0.1, "training.loss": "cosine_barz", "training.loss_ce_weight": 0.1,
    "training.evaluate_every": 1, "pruning.method": "none", "pruning.iterations": 3, "pruning.rate": 0.5,
    "pruning.rewind": "rate", "pruning.rewind_epochs": 3, "pruning.select_by": "test_best", "pruning.source": "s",
    "pruning.start": "fresh", "pruning.mask_seed": 1, "probe.protocol": "rewind_bn", "probe.epochs": 5,
    "probe.learning_rate": 0.2, "probe.batch_size": 5, "pretrain.epochs": 5, "pretrain.batch_size": 5,
    "pretrain.temperature": 0.1, "pretrain.projection": 5, "pretrain.learning_rate": 0.1, "pretrain.knn_every": 5,
    "output.directory": "d", "output.savedmodel": "winner", "output.checkpoint_seconds": 5, "output.weights": "last",
    "output.tensorboard": False,
}  # fmt: skip
SAME_RUN = {
    "name",
    "data.data_dir",
    "data.train_list",
    "data.test_list",
    "output.directory",
    "output.savedmodel",
    "output.checkpoint_seconds",
    "output.weights",
    "output.tensorboard",
}
NOT_OF_TRAINING = {key for key in CHANGED if key.startswith(("probe.", "pretrain."))}
NOT_OF_PRETRAINING = {key for key in CHANGED if key.startswith(("probe.", "pruning."))}  # fmt: skip


def test_the_table_of_changes_has_every_key():
    sections = set(DEFAULTS) | {"data.normalisation.mean", "data.normalisation.std"}
    assert set(dotted_keys(Config)) - sections == set(CHANGED)


@pytest.mark.parametrize("key", CHANGED)
def test_what_makes_another_run(key: str):
    base = parse()
    changed = parse(f"{key}={yaml.safe_dump(CHANGED[key], default_flow_style=True).splitlines()[0]}")
    assert changed != base
    for command, unused in (("train", NOT_OF_TRAINING), ("pretrain", NOT_OF_PRETRAINING)):
        same = key in SAME_RUN | unused
        assert (changed.sha256(command) == base.sha256(command)) == same
        differing = differing_keys(base, changed, command)
        if key == "data.normalisation":
            assert set(differing) == {"data.normalisation.mean", "data.normalisation.std"}
        else:
            assert list(differing) == ([] if same else [key])
            assert same or differing[key] == (flat(base.model_dump())[key], flat(changed.model_dump())[key])


def test_the_digest_can_be_computed_again_from_the_file():
    """As docs/runs.md tells it."""
    tree = yaml.safe_load(parse("data.data_dir=here").to_yaml())
    identity = {section: tree[section] for section in ("seed", "data", "model", "training", "pruning")}
    for place in ("data_dir", "train_list", "test_list"):
        del identity["data"][place]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    assert digest == parse("data.data_dir=there").sha256()


@pytest.mark.parametrize(
    "text", ["w/runs #2", "2024", "1e3", "yes", "a: b", "[x", "ü/ö", "📷", "~/x", "'quoted'", "- a"]
)
def test_paths_and_names_are_taken_as_they_are_typed(text: str):
    assert parse(f"data.data_dir={text}").data.data_dir == text
    assert parse(f"model.architecture={text}").model.architecture == text


def test_null_and_numbers_where_a_key_takes_them_beside_text():
    assert parse("data.data_dir=null").data.data_dir is None
    assert parse("data.data_dir=").data.data_dir is None
    assert parse("model.width=8").model.width == 8
    assert parse("model.width=match:runs #2").model.width == "match:runs #2"
    assert parse("name=2024").name == "2024"


def test_the_identity_does_not_depend_on_how_the_file_is_written():
    explicit = parse_config(parse().to_yaml())
    assert explicit.sha256() == parse().sha256()
    assert parse("training.learning_rate=1e-1").sha256() == parse().sha256()
    assert re.fullmatch("[0-9a-f]{64}", explicit.sha256())


def test_to_yaml_reads_back_and_is_in_the_schemas_order():
    config = parse("data.normalisation={mean: [0.1, 0.2, 0.3], std: [1.0, 1.0, 1.0]}", "model.width=match:a/b")
    assert parse_config(config.to_yaml()) == config
    assert list(yaml.safe_load(config.to_yaml())["training"]) == list(DEFAULTS["training"])


def test_it_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        parse().training.epochs = 5  # type: ignore[misc]


def test_flat():
    assert flat({"a": {"b": 1, "c": {"d": [2]}}, "e": None}) == {"a.b": 1, "a.c.d": [2], "e": None}


def test_a_high_rate_for_fine_tuning_is_warned_of():
    assert parse("model.init=x.safetensors").warnings() == [
        "training.learning_rate 0.1 is high for fine-tuning (model.init is not random)"
    ]
    assert parse("model.init=x.safetensors", "training.learning_rate=0.01").warnings() == []
    assert parse().warnings() == []
