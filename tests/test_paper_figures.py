"""The configs of Figures 2 and 5: settings as the paper has them, and comments whose numbers are its own."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import tensorflow as tf
import yaml

from tf_dlth.config import Config, Normalisation, TrainingConfig, load_config
from tf_dlth.models.build import build
from tf_dlth.models.macs import macs
from tf_dlth.models.prunable import prunable_names
from tf_dlth.models.spec import ModelSpec
from tf_dlth.models.variables import named_variables

PAPER = Path(__file__).parents[1] / "configs" / "paper"
RESULTS = yaml.safe_load(files("tf_dlth.reporting").joinpath("paper_results.yaml").read_text(encoding="utf-8"))
TABLE5 = RESULTS["table5"]["rows"]["cifar10"]

# width, augmentation, steps of 200 epochs, and the ticket that is as large: its iteration and its weights
SMALL_DENSE = {
    "100%": (52, "auto", 100000, 2, 7141909),
    "50%": (58, "auto", 50000, 1, 8927386),
    "20%": (52, "auto", 20000, 2, 7141909),
    "10%": (40, "auto", 10000, 4, 4570822),
    "2%": (12, "auto", 2000, 15, 392631),
    "1%": (12, "rand", 1000, 15, 392631),
}


def small_dense(size: str) -> Path:
    return PAPER / "fig5" / f"small_dense_{size.replace('%', 'pct')}.yaml"


def comment(path: Path) -> str:
    """The comment that opens the file, without its line breaks."""
    lines = path.read_text(encoding="utf-8").split("\nname:")[0].splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines)


def smoke(path: Path) -> Config:
    return load_config(path, comment(path).partition("Smoke size: ")[2].split())


@pytest.mark.parametrize("size", SMALL_DENSE)
def test_small_dense_settings(size: str) -> None:
    width, augment, *_ = SMALL_DENSE[size]
    config = load_config(small_dense(size))
    data, model, pruning = config.data, config.model, config.pruning
    assert (data.dataset, data.fraction, data.augment) == ("cifar10", float(size.rstrip("%")) / 100, augment)
    assert (model.architecture, model.width, model.stem) == ("resnet18", width, "small")
    assert (model.head, model.init) == ("linear", "random")
    assert config.training == TrainingConfig(epochs=200, batch_size=100, learning_rate=0.1, evaluate_every=1)
    assert (pruning.method, pruning.iterations) == ("magnitude", 0)
    assert RESULTS["derived_not_published"]["ticket_density_implied_by_small_dense_width"][size]["width"] == width


@pytest.mark.parametrize("size", SMALL_DENSE)
def test_small_dense_comment(size: str) -> None:
    """The weights of ResNet-18 at width w: 27 w in the stem and 2,724 w^2 in its stages."""
    width, augment, steps, iteration, left = SMALL_DENSE[size]
    text, weights = comment(small_dense(size)), 2724 * width**2 + 27 * width
    assert text.startswith(f"Figure 5, CIFAR-10 {size.replace('%', ' %')}, small dense: ResNet-18 of width {width} ")
    assert f"augmentation {augment}." in text
    assert f"{weights:,} prunable weights, for the {left:,} that iteration {iteration} leaves of width 64" in text
    assert f"({100 * 0.8**iteration:.2f} %)" in text
    assert f"{TABLE5[size]['wt_aug']} %" in text
    assert f"Cost: {steps:,} steps of 100 images in one training" in text
    table1 = RESULTS["table1"]["rows"]["cifar10"].get(size, {}).get("random_init_r18", {})
    assert not table1 or f"dense network has {table1['dense']} % (Table 1)" in text
    assert (smoke(small_dense(size)).model.width, smoke(small_dense(size)).training.epochs) == (8, 2)


@pytest.mark.parametrize("size", ["100%", "50%", "10%", "1%"])
def test_small_dense_network(size: str) -> None:
    width, text = SMALL_DENSE[size][0], comment(small_dense(size))
    constants = Normalisation(mean=(0.0,) * 3, std=(1.0,) * 3)
    model = build(
        ModelSpec(
            architecture="resnet18", width=width, stem="small", head="linear", classes=10, input_shape=(32, 32, 3)
        ),
        constants,
    )
    named = named_variables(model)
    count = sum(tf.size(named[name]).numpy() for name in prunable_names(model))
    assert f"{count:,} prunable weights" in text
    assert f"training, {round(macs(model) / 1e6)} million multiply-accumulates an image." in text


def test_the_base_of_figure_2_is_the_1_percent_row_of_table_1_with_basic() -> None:
    base = load_config(PAPER / "fig2" / "base.yaml").model_dump()
    row = load_config(PAPER / "table1" / "cifar10_1pct_random_init_r18.yaml").model_dump()
    assert (base["data"].pop("augment"), row["data"].pop("augment")) == ("basic", "rand")
    assert (base.pop("name"), row.pop("name")) == ("fig2", "table1-cifar10_1pct-random_init_r18")
    assert base == row


def numbers(text: str, start: str) -> list[float]:
    """The six numbers after the row's name."""
    return [float(number) for number in text.partition(start)[2].split()[:6]]


def test_the_comment_of_figure_2() -> None:
    path = PAPER / "fig2" / "base.yaml"
    text = comment(path)
    fractions = numbers(text, "fraction ")
    assert [f"{100 * fraction:g}%" for fraction in fractions] == list(TABLE5)
    assert numbers(text, "basic, %") == [row["wt"] for row in TABLE5.values()]
    assert numbers(text, "auto or rand, %") == [row["wt_aug"] for row in TABLE5.values()]
    steps = [(200 + 16 * 198) * round(500 * fraction) for fraction in fractions]
    assert f"Cost: {', '.join(f'{count:,}' for count in steps[:-1])} and {steps[-1]:,} steps of 100 images" in text
    for fraction in fractions:
        for augment in ("basic", "contrast", "auto", "rand"):
            words = [f"data.fraction={fraction:g}", f"data.augment={augment}", f"name=fig2-{fraction:g}-{augment}"]
            assert load_config(path, words).data.fraction == fraction
    assert (smoke(path).model.width, smoke(path).training.epochs, smoke(path).pruning.iterations) == (8, 2, 2)
