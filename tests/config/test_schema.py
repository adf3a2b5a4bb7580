from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
import yaml

from tf_dlth.config import Command, Config, differing_keys, parse_config
from tf_dlth.config.keys import dotted_keys, flat
from tf_dlth.errors import UserError

DEFAULTS: dict[str, dict[str, Any]] = {
    "data": {
        "dataset": "digits", "data_dir": None, "train_list": None, "test_list": None, "split": 0,
        "train_part": "trainval", "fraction": None, "per_class": None, "imbalance": None, "subset_seed": 0,
        "heldout_per_class": None, "heldout_from": None, "fold": None, "image_size": None, "normalisation": None,
        "augment": "basic", "fit": "crop", "flip": None, "crop_padding": None, "cutout": None,
    },
    "model": {
        "architecture": "resnet18", "width": 64, "stem": None, "head": "linear", "init": "random",
        "pretrained_stem": False,
    },
    "training": {
        "epochs": 200, "batch_size": 100, "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0005,
        "loss": "cross_entropy", "loss_ce_weight": 0.0, "class_weights": "none", "precision": "float32",
        "jit": "auto", "threads": None, "evaluate_every": 10,
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
        "data.augment": "none basic contrast auto rand randaugment augmix mixup cutmix",
        "data.fit": "crop pad",
        "data.flip": "none horizontal both null",
        "data.split": "0 1 2",
        "model.stem": "small full null",
        "model.head": "linear cosine tvmf",
        "model.width": "1 64 4096 match:some/ticket",
        "model.architecture": "resnet50 package.module:function",
        "training.loss": "cross_entropy cosine_barz",
        "training.precision": "float32 mixed_bfloat16 mixed_float16",
        "training.jit": "auto true false",
        "training.learning_rate": "0.001 1e-3 1.e-3 .1 1",
        "pruning.method": "magnitude none",
        "pruning.rewind": "weights rate",
        "pruning.rewind_epochs": "0 1 199",
        "pruning.iterations": "0 16",
        "pruning.select_by": "heldout test_best null",
        "pruning.start": "rewind",
        "probe.protocol": "trained rewind_bn",
        "output.savedmodel": "all winner",
        "output.weights": "last test_best heldout null",
        "data.normalisation": "{mean: [0.5], std: [0.5]} null",
    }
    for key, values in accepted.items():
        for value in re.findall(r"\{.*?\}|\S+", values):
            assert parse(f"{key}={value}") is not None


def test_choosing_on_held_out_images_needs_some():
    with pytest.raises(
        UserError, match=r"pruning\.select_by: heldout needs held-out images; set data\.heldout_per_class"
    ):
        parse("pruning.select_by=heldout", "data.heldout_per_class=0")


@pytest.mark.parametrize(
    "fold", ["[6, 5]", "[0, 5]", "[1, 1]", "[1, 1001]", "[1]", "[1, 2, 3]", "[1.0, 5]", "5", "[true, 5]"]
)
def test_a_fold_is_one_of_several(fold: str):
    with pytest.raises(UserError, match=r"^data.fold: must be \[which, of how many\], such as \[1, 5\] .*, got "):
        parse(f"data.fold={fold}")


def test_a_fold_holds_images_out_whatever_else_does():
    assert parse("data.fold=[2, 5]", "pruning.select_by=heldout", "data.heldout_per_class=0").data.fold == (2, 5)


# Identity


CHANGED = {
    "name": "other", "seed": 1, "data.dataset": "cifar10", "data.data_dir": "d", "data.train_list": "t",
    "data.test_list": "t", "data.split": 1, "data.train_part": "train", "data.fraction": 0.5, "data.per_class": 5,
    "data.imbalance": 0.5, "data.subset_seed": 1, "data.heldout_per_class": 5, "data.heldout_from": "train",
    "data.fold": [1, 5], "data.image_size": 32, "data.normalisation": {"mean": [0.5], "std": [0.5]},
    "data.augment": "rand", "data.fit": "pad", "data.flip": "both", "data.crop_padding": 2, "data.cutout": 2,
    "model.architecture": "resnet50", "model.width": 8,
    "model.stem": "full", "model.head": "cosine", "model.init": "x.safetensors", "model.pretrained_stem": True,
    "training.epochs": 100, "training.batch_size": 10, "training.learning_rate": 0.2, "training.momentum": 0.8,
    "training.weight_decay": 0.1, "training.loss": "cosine_barz", "training.loss_ce_weight": 0.1,
    "training.class_weights": "balanced", "training.precision": "mixed_float16", "training.jit": True,
    "training.threads": 1, "training.evaluate_every": 1, "pruning.method": "none", "pruning.iterations": 3,
    "pruning.rate": 0.5, "pruning.rewind": "rate", "pruning.rewind_epochs": 3, "pruning.select_by": "test_best",
    "pruning.source": "s",
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
    "training.threads",
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
    # What only a baseline has is changed within one.
    own = ("pruning.method=random", "pruning.source=t") if key in ("pruning.source", "pruning.start") else ()
    base = parse(*own)
    changed = parse(*own, f"{key}={yaml.safe_dump(CHANGED[key], default_flow_style=True).splitlines()[0]}")
    assert changed != base
    unused_keys: dict[Command, set[str]] = {"train": NOT_OF_TRAINING, "pretrain": NOT_OF_PRETRAINING}
    for command, unused in unused_keys.items():
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
    del identity["training"]["threads"], identity["data"]["fit"], identity["data"]["fold"]  # which are crop and null
    for key in ("class_weights", "precision", "jit"):  # which are none, float32 and auto
        del identity["training"][key]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    assert digest == parse("data.data_dir=there").sha256()


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
        parse().training.epochs = 5  # pyright: ignore[reportAttributeAccessIssue]


def test_a_high_rate_for_fine_tuning_is_warned_of():
    assert parse("model.init=x.safetensors").warnings() == [
        "training.learning_rate 0.1 is high for fine-tuning (model.init is not random)"
    ]
    assert parse("model.init=x.safetensors", "training.learning_rate=0.01").warnings() == []
    assert parse().warnings() == []
