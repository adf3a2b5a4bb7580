"""Every config of Tables 1 to 3 against the paper's settings, typed again here from the description of its experiments.

A run with a wrong learning rate or head ends as well as one with the right ones; only a comparison tells.
"""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from tf_dlth.config import Config, Dataset, Normalisation, load_config
from tf_dlth.data.catalogue import FACTS
from tf_dlth.models.build import build
from tf_dlth.models.macs import macs
from tf_dlth.models.spec import ModelSpec

Stem = Literal["small", "full"]
Head = Literal["linear", "cosine", "tvmf"]
PAPER = Path(__file__).parents[1] / "configs" / "paper"
RESULTS = yaml.safe_load(files("tf_dlth.reporting").joinpath("paper_results.yaml").read_text(encoding="utf-8"))

EVERYWHERE = {
    "seed": 0,
    "data.subset_seed": 0,
    "data.heldout_per_class": None,
    "data.image_size": None,
    "data.normalisation": None,
    "data.flip": None,
    "data.crop_padding": None,
    "data.cutout": None,
    "model.width": 64,
    "model.pretrained_stem": False,
    "training.epochs": 200,
    "training.momentum": 0.9,
    "training.weight_decay": 0.0005,
    "training.loss": "cross_entropy",
    "training.loss_ce_weight": 0.0,
    "training.class_weights": "none",
    "training.precision": "float32",
    "training.jit": "auto",
    "training.evaluate_every": 1,
    "pruning.method": "magnitude",
    "pruning.iterations": 16,
    "pruning.rate": 0.2,
    "pruning.rewind": "weights",
    "pruning.rewind_epochs": 2,
    "pruning.select_by": None,
    "output.savedmodel": "winner",
}

# dataset, fraction, per_class, imbalance, training images, stem, batch, learning rate of random weights, augmentation
SETS: dict[str, tuple[Any, ...]] = {
    "cifar10_2pct": ("cifar10", 0.02, None, None, 1000, "small", 100, 0.1, "auto"),
    "cifar10_1pct": ("cifar10", 0.01, None, None, 500, "small", 100, 0.1, "rand"),
    "clamm": ("clamm", None, None, None, 600, "full", 32, 0.001, "basic"),
    "isic": ("isic2018", None, None, None, 560, "full", 32, 0.001, "basic"),
    "eurosat": ("eurosat", None, None, None, 500, "small", 32, 0.001, "basic"),
    "cifar100_2pct": ("cifar100", 0.02, None, None, 1000, "small", 100, 0.1, "auto"),
    "cifar100_1pct": ("cifar100", 0.01, None, None, 500, "small", 100, 0.1, "auto"),
    "imagenet_5pct": ("imagenet2012", None, 50, None, 50000, "full", 100, 0.1, "auto"),
    "cifar100_lt_0.10": ("cifar100", None, None, 0.10, 19573, "small", 100, 0.1, "basic"),
    "cifar100_lt_0.05": ("cifar100", None, None, 0.05, 15907, "small", 100, 0.1, "basic"),
    "cifar100_lt_0.02": ("cifar100", None, None, 0.02, 12608, "small", 100, 0.1, "basic"),
    "cifar100_lt_0.01": ("cifar100", None, None, 0.01, 10847, "small", 100, 0.1, "basic"),
}

# architecture, head, first weights; what is not random is fine-tuned at .001
ROWS = {
    "random_init_r18": ("resnet18", "linear", "random"),
    "imagenet_init_r18": ("resnet18", "linear", "weights/resnet18.safetensors"),
    "imagenet_init_r50": ("resnet50", "linear", "weights/resnet50.safetensors"),
    "simclr_init_r18": ("resnet18", "linear", "saved_tickets/paper-pretrain-simclr"),
    "cosine_loss": ("resnet18", "cosine", "random"),
    "tvmf_loss": ("resnet18", "tvmf", "random"),
    "full_conv": ("fullconv_resnet18", "linear", "random"),
    "harmonic": ("harmonic_resnet18", "linear", "random"),
    "vgg": ("vgg16", "linear", "random"),
    "mobilenet_v2": ("mobilenet_v2", "linear", "random"),
}
ON_REAL_SETS = [row for row in ROWS if row not in ("simclr_init_r18", "vgg", "mobilenet_v2")]
CELLS = {
    **{f"table1/cifar10_{size}_{row}": row for size in ("2pct", "1pct") for row in ROWS if row != "imagenet_init_r50"},
    **{f"table1/{name}_{row}": row for name in ("clamm", "isic", "eurosat") for row in ON_REAL_SETS},
    **{f"table2/{name}": "random_init_r18" for name in ("imagenet_5pct", "cifar100_2pct", "cifar100_1pct")},
    **{f"table3/cifar100_lt_{factor}": "random_init_r18" for factor in ("0.10", "0.05", "0.02", "0.01")},
}
# Second configs, where the paper's text and its script differ: the cell, and what is set otherwise.
SECOND = {
    **{
        f"{cell}_lr0.1": (cell, {"training.learning_rate": 0.1})
        for cell, row in CELLS.items()
        if cell.startswith(("table1/clamm", "table1/isic", "table1/eurosat")) and ROWS[row][2] == "random"
    },
    **{f"{cell}_auto": (cell, {"data.augment": "auto"}) for cell in CELLS if cell.startswith("table3")},
}
FILES: dict[str, tuple[str, dict[str, Any]]] = {cell: (cell, {}) for cell in CELLS} | SECOND


def set_of(cell: str) -> str:
    name = cell.partition("/")[2].removesuffix(f"_{CELLS[cell]}") if cell.startswith("table1") else cell.split("/")[1]
    assert name in SETS
    return name


def published(cell: str) -> dict[str, float]:
    table, name = cell.split("/")
    rows = RESULTS[table]["rows"]
    if table == "table1":
        size = {"cifar10_2pct": ("cifar10", "2%"), "cifar10_1pct": ("cifar10", "1%")}
        dataset, part = size.get(set_of(cell), (set_of(cell), "full"))
        return rows[dataset][part][CELLS[cell]]
    dataset, _, part = name.rpartition("_")
    return rows[dataset][part.replace("pct", "%")]


def comment(file: str) -> str:
    """The comment that opens the file, without its line breaks."""
    lines = (PAPER / f"{file}.yaml").read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines[: lines.index(f"name: {load(file).name}")])


def load(file: str) -> Config:
    return load_config(PAPER / f"{file}.yaml")


def test_no_cell_that_the_paper_ran_is_missing_and_no_other_is_there() -> None:
    assert len(CELLS) == 9 + 9 + 3 * 7 + 3 + 4
    assert len(SECOND) == 3 * 5 + 4
    assert sorted(str(p.relative_to(PAPER)) for p in PAPER.glob("table[123]/*")) == sorted(f"{f}.yaml" for f in FILES)
    assert len({load(file).name for file in FILES}) == len(FILES)
    dashes = [cell for cell in CELLS if None in published(cell).values()]
    assert dashes == []


@pytest.mark.parametrize("file", FILES)
def test_settings(file: str) -> None:
    cell, otherwise = FILES[file]
    dataset, fraction, per_class, imbalance, _, stem, batch, rate, augment = SETS[set_of(cell)]
    architecture, head, init = ROWS[CELLS[cell]]
    expected = EVERYWHERE | {
        "data.dataset": dataset,
        "data.fraction": fraction,
        "data.per_class": per_class,
        "data.imbalance": imbalance,
        "data.augment": augment,
        "data.split": 0,
        "data.train_part": "trainval",
        "model.architecture": architecture,
        "model.stem": stem,
        "model.head": head,
        "model.init": init,
        "training.batch_size": batch,
        "training.learning_rate": rate if init == "random" else 0.001,
    }
    expected |= otherwise
    config = load(file)
    found = {key: at(config, key) for key in expected}
    assert found == expected
    assert config.warnings() == []


def at(config: Config, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def test_what_nulls_stand_for() -> None:
    """Pixels, flips and crops of each set, and the policy of its AutoAugment, which no config repeats."""
    expected: dict[Dataset, tuple[int, int, str, str, str]] = {
        "cifar10": (32, 3, "horizontal", "pad", "cifar10"),
        "cifar100": (32, 3, "horizontal", "pad", "cifar10"),
        "eurosat": (64, 3, "both", "pad", "cifar10"),
        "isic2018": (224, 3, "both", "resized", "cifar10"),
        "clamm": (224, 1, "horizontal", "resized", "cifar10"),
        "imagenet2012": (224, 3, "horizontal", "resized", "imagenet"),
    }
    for name, values in expected.items():
        facts = FACTS[name]
        assert (facts.side, facts.channels, facts.flip, facts.crop, facts.policy) == values


@pytest.mark.parametrize("file", FILES)
def test_the_comment_has_the_published_numbers_the_column_to_compare_and_the_command(file: str) -> None:
    text, cell_values = comment(file), published(FILES[file][0])
    numbers = re.search(r"Published: dense ([\d.]+) %, ticket ([\d.]+) %", text)
    assert numbers is not None
    assert [float(number) for number in numbers.groups()] == [cell_values["dense"], cell_values["wt"]]
    assert (
        "Compare with test_accuracy_best in iterations.csv of iteration 0 and of run.json's winners.test_best" in text
    )
    assert f"--config configs/paper/{file}.yaml" in text
    assert text.startswith(f"Table {file[5]}, ")
    assert f"augmentation {load(file).data.augment}" in text.partition(":")[2].partition("python")[0]


@pytest.mark.parametrize("second", SECOND)
def test_two_configs_of_a_cell_name_each_other_and_their_source(second: str) -> None:
    """At .1 the paper's text speaks from the second file, with auto its script."""
    first, otherwise = SECOND[second]
    main, other = ("script", "text") if "training.learning_rate" in otherwise else ("caption", "script")
    names = [file.partition("/")[2] for file in (first, second)]
    assert f"This run is the {main}'s; {names[1]}.yaml has the {other}'s." in comment(first)
    assert f"This run is the {other}'s; {names[0]}.yaml has the {main}'s." in comment(second)


@pytest.mark.parametrize("file", FILES)
def test_the_comment_counts_the_steps(file: str) -> None:
    """200 epochs of the dense iteration and 198 of each of the 16 after it."""
    settings = SETS[set_of(FILES[file][0])]
    images, batch = settings[4], settings[6]
    steps = (200 + 16 * 198) * math.ceil(images / batch)
    assert f"Cost: {steps:,} steps of {batch} images in 17 trainings" in comment(file)


INPUTS = {
    "cifar10": ((32, 32, 3), 10),
    "cifar100": ((32, 32, 3), 100),
    "eurosat": ((64, 64, 3), 10),
    "isic2018": ((224, 224, 3), 7),
    "clamm": ((224, 224, 1), 12),
    "imagenet2012": ((224, 224, 3), 1000),
}


@cache
def millions_of_macs(architecture: str, stem: Stem, head: Head, shape: tuple[int, int, int], classes: int) -> int:
    spec = ModelSpec(architecture=architecture, width=64, stem=stem, head=head, classes=classes, input_shape=shape)
    channels = spec.input_shape[2]
    return round(macs(build(spec, Normalisation(mean=(0.0,) * channels, std=(1.0,) * channels))) / 1e6)


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_the_comment_counts_the_multiplications(file: str) -> None:
    config = load(file)
    shape, classes = INPUTS[config.data.dataset]
    model = config.model
    assert model.stem is not None
    millions = millions_of_macs(model.architecture, model.stem, model.head, shape, classes)
    assert f"trainings, {millions:,} million multiply-accumulates an image." in comment(file)


@pytest.mark.parametrize("file", FILES)
def test_the_smoke_size_is_accepted(file: str) -> None:
    config = load_config(PAPER / f"{file}.yaml", smoke_size(file))
    assert (config.model.width, config.training.epochs, config.pruning.iterations) == (8, 2, 2)
    assert config.model.init == "random"


def smoke_size(file: str) -> list[str]:
    return comment(file).partition("Smoke size: ")[2].split()


def test_the_encoder_of_the_simclr_row() -> None:
    config = load_config(PAPER / "pretrain_simclr.yaml")
    assert f"{config.output.directory}/{config.name}" == ROWS["simclr_init_r18"][2]
    assert (config.data.dataset, config.data.fraction) == ("cifar10", None)
    assert (config.model.architecture, config.model.width, config.model.stem) == ("resnet18", 64, "small")
    assert (config.pretrain.temperature, config.pretrain.projection) == (0.5, 128)


def test_the_copy_of_the_papers_results() -> None:
    """A few cells that anybody can look up, and gains that must come out as the paper's text states them."""
    table1 = RESULTS["table1"]["rows"]
    assert table1["cifar10"]["1%"]["random_init_r18"] == {"dense": 43.8, "wt": 59.66}
    assert RESULTS["table5"]["rows"]["cifar10"]["1%"] == {"wt": 38.31, "wt_base_then_aug": 47.4, "wt_aug": 59.66}
    others = ("imagenet_init_r18", "simclr_init_r18", "cosine_loss", "tvmf_loss", "full_conv", "harmonic")
    for size, stated in RESULTS["sec4_3_claims"]["rows"].items():
        gains = [table1["cifar10"][size][row]["wt"] - table1["cifar10"][size][row]["dense"] for row in others]
        assert int(sum(gains) / len(gains)) == stated


def test_no_config_computes_in_another_precision_or_compiles_on_a_cpu():
    """What is published was float32: configs leave both keys at their defaults, studies vary neither."""
    configs = sorted(PAPER.parent.rglob("*.yaml"))
    assert len(configs) > 50
    for path in configs:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert not {"precision", "jit"} & (tree.get("training") or {}).keys(), path
        assert not {"training.precision", "training.jit"} & (tree.get("axes") or {}).keys(), path
