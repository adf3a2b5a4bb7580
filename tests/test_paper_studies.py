"""The studies of the paper's tables and figures: settings as the paper has them, comments whose numbers are their own.

How many steps a study takes is worked out here once more, from its runs; and which runs of two studies are one.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from tf_dlth.analysis.longtail import class_counts
from tf_dlth.config import Config, load_config
from tf_dlth.config.schema import BASELINES
from tf_dlth.config.study import StudyConfig, load_study
from tf_dlth.studies.grid import Cell, Grid
from tf_dlth.study import main as rehearse
from tf_dlth.training.devices import intra_op_threads

ROOT = Path(__file__).parents[1]
PAPER, SCALED = ROOT / "configs" / "paper", ROOT / "configs" / "scaled"
RESULTS = yaml.safe_load(files("tf_dlth.reporting").joinpath("paper_results.yaml").read_text(encoding="utf-8"))
FIGURES = [f"fig{n}" for n in range(1, 11)]
TABLES = [f"table{n}" for n in range(1, 7)]
BESIDE = ["sec4_3", "sec4_4", "table1_lr0.1", "table3_auto"]
STUDIES = {name: PAPER / f"{name}.yaml" for name in [*FIGURES, *TABLES, *BESIDE]}
SMALL = {name: SCALED / f"{name}.yaml" for name in (
    "digits", "cifar10_1pct_rand", "cifar10_1pct_basic", "cifar10_1pct_robust", "cifar10_2pct_auto", "eurosat"
)}  # fmt: skip
EVERY = STUDIES | SMALL
TRAINING_IMAGES = {"clamm": (600, 360), "isic2018": (560, 350), "eurosat": (500, 300)}
"""By DEIC's lists: of trainval, of train."""


@dataclass(frozen=True)
class Planned:
    """A run of a study as its file has it: no TICKET is looked up, and a starred run has the first augmentation."""

    cell: Cell
    config: Config

    @property
    def arm(self) -> str:
        return self.cell.arm


@cache
def study(name: str) -> StudyConfig:
    return load_study(EVERY[name])


@cache
def comment(name: str) -> str:
    """The comment that opens the file, without its line breaks."""
    lines = EVERY[name].read_text(encoding="utf-8").split("\nname:")[0].splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines)


@cache
def planned(name: str) -> tuple[Planned, ...]:
    grid = Grid(study(name), name, {})
    return tuple(Planned(cell, grid.config(grid.candidates(cell)[0])) for cell in grid.cells)


def training_images(config: Config) -> int:
    data = config.data
    if data.dataset in TRAINING_IMAGES and data.per_class is None:
        return TRAINING_IMAGES[data.dataset][data.train_part == "train"]
    if data.dataset == "digits":
        return 500
    classes = {"cifar10": 10, "eurosat": 10, "cifar100": 100, "imagenet2012": 1000}[data.dataset]
    if data.per_class is not None:
        return classes * data.per_class
    if data.imbalance is not None:
        return int(class_counts(data.imbalance).sum())
    held = classes * (data.heldout_per_class or 0) if data.heldout_from == "train" else 0
    return round(50000 * (data.fraction or 1)) - held


def epochs(config: Config) -> int:
    """All that a run trains; 0 where another run decides."""
    whole, pruning = config.training.epochs, config.pruning
    if not isinstance(whole, int):
        return 0
    rest = whole - pruning.rewind_epochs
    return rest if pruning.method in BASELINES else whole + pruning.iterations * rest


def steps(name: str) -> dict[int, int]:
    """By batch size."""
    found: Counter[int] = Counter()
    for run in planned(name):
        batch = run.config.training.batch_size
        found[batch] += epochs(run.config) * math.ceil(training_images(run.config) / batch)
    return dict(sorted(found.items(), reverse=True))


def cost(name: str) -> str:
    counts = " and ".join(f"{count:,} steps of {batch} images" for batch, count in steps(name).items())
    return f"Cost: {counts} in {len(planned(name))} runs"


@pytest.mark.parametrize("name", EVERY)
def test_every_run_of_a_study_is_a_valid_one(name: str) -> None:
    of = study(name)
    assert of.name == (name if name in STUDIES else f"scaled-{name.replace('_', '-')}")
    assert of.title
    assert bool(of.scale) == (name in SMALL)
    runs = planned(name)
    assert len({run.cell for run in runs}) == len(runs)
    assert [run.config.warnings() for run in runs if run.config.warnings()] == []


def test_no_study_is_forgotten() -> None:
    found = [
        path for path in (ROOT / "configs").rglob("*.yaml") if re.search(r"^base:", path.read_text(), re.MULTILINE)
    ]
    assert sorted(found) == sorted(EVERY.values())


@pytest.mark.parametrize("name", EVERY)
def test_the_comment_has_the_command_the_needs_and_counts_runs_and_steps(name: str) -> None:
    assert f"python -m tf_dlth.study --config {EVERY[name].relative_to(ROOT).as_posix()} " in comment(name)
    assert cost(name) in comment(name)
    assert "Needs: " in comment(name)
    what = re.fullmatch(r"(fig|table|sec4_)(\d+).*", name)
    if what is not None:
        kind = {"fig": "Figure ", "table": "Table ", "sec4_": "Section 4."}[what[1]]
        assert re.match(rf"{re.escape(kind + what[2])}\b", comment(name))


MEASURED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str]] = {
    "fig3": (("cifar10_c", "cifar10_2"), (), (), "chosen"),
    "fig4": (("cifar10_c", "cifar10_2"), (), (), "all"),
    "fig6": ((), (), ("density",), "all"),
    "fig7": ((), (), ("cka",), "chosen"),
    "fig8": ((), (), ("branch-norms",), "chosen"),
    "fig9": (("fgsm",), (), (), "all"),
    "table4": ((), ("cifar100",), (), "chosen"),
    "table6": ((), (), ("weight-norms",), "chosen"),
}


@pytest.mark.parametrize("name", STUDIES)
def test_what_the_papers_studies_measure(name: str) -> None:
    of = study(name)
    assert (of.evaluate, of.probe, of.analyze, of.iterations) == MEASURED.get(name, ((), (), (), "chosen"))
    assert of.seeds == (((0, 0),) if name == "fig10" else ((0, 0), (1, 1), (2, 2)))
    if of.fixed:
        best = RESULTS["fig2_claims"]["rows"]["best_augmentation"]
        stated = {f"{float(size.rstrip('%')) / 100:g}": augment for size, augment in best.items()}
        assert of.fixed.items() <= stated.items()
        assert len(of.fixed) in (1, 6)


@pytest.mark.parametrize("name", STUDIES)
def test_the_papers_settings(name: str) -> None:
    for run in planned(name):
        training, pruning, model = run.config.training, run.config.pruning, run.config.model
        assert (training.epochs, training.momentum, training.weight_decay) == (200, 0.9, 0.0005)
        assert (training.loss, training.evaluate_every) == ("cross_entropy", 1)
        assert training.batch_size == (32 if run.config.data.dataset in TRAINING_IMAGES else 100)
        assert training.learning_rate in (0.1, 0.001)
        assert (pruning.rate, pruning.rewind, pruning.rewind_epochs) == (0.2, "weights", 2)
        single = run.arm in ("dense", "random", "layerwise", "base_then_aug") or run.arm.startswith("small")
        assert epochs(run.config) == (200 + 16 * 198 if not single else 198 if pruning.source else 200)
        assert model.width == 64 or run.arm.startswith("small")
    for axis, values in study(name).axes.items():
        if axis == "data.augment":
            assert values == ["basic", "contrast", "auto", "rand"]


def identities(name: str, *arms: str, pair: tuple[int, int] | None = None) -> set[str]:
    """Of the runs of some arms: equal ones are trained once."""
    return {run.config.sha256() for run in planned(name) if run.arm in arms and pair in (None, run.cell.pair)}


SAME_SEARCHES = ("fig1", "fig3", "fig4", "fig5", "fig6", "fig9", "table5", "table6")
SAME_CONTROLS = ("fig3", "fig4", "fig5", "fig9", "table5")


def test_runs_are_shared_wherever_the_papers_are() -> None:
    searches = identities("fig2", "ticket")
    assert len(searches) == 72
    assert [name for name in SAME_SEARCHES if identities(name, "ticket") != searches] == []
    assert [name for name in ("fig7", "fig8", "table4") if not identities(name, "ticket") < searches] == []
    assert identities("fig7", "dense") == identities("table4", "dense")
    assert [n for n in SAME_CONTROLS if identities(n, "matched") != identities("fig1", "matched")] == []
    assert identities("sec4_3", "ticket") < identities("table1", "ticket")
    assert identities("sec4_3", "matched") < identities("table1", "matched")
    assert identities("fig10", "ticket") == identities("table3", "ticket", pair=(0, 0))
    assert len(identities("table1", "ticket") & searches) == 6
    assert identities("cifar10_1pct_basic", "ticket") < identities("cifar10_1pct_rand", "ticket")
    for arm in ("ticket", "matched"):
        assert identities("cifar10_1pct_robust", arm) <= identities("cifar10_1pct_rand", arm)


@pytest.mark.parametrize("table", ["table1", "table2", "table3"])
def test_the_cells_are_the_configs_of_their_folder(table: str) -> None:
    """Table 1's and 3's second configs have a study of their own."""
    second = {"table1": "table1_lr0.1", "table3": "table3_auto"}.get(table)
    found = identities(table, "ticket", pair=(0, 0)) | (identities(second, "ticket", pair=(0, 0)) if second else set())
    assert found == {load_config(path).sha256() for path in (PAPER / table).glob("*.yaml")}
    assert second is None or not identities(table, "ticket") & identities(second, "ticket")


def test_the_small_networks_of_figure_5_are_the_configs_of_its_folder() -> None:
    """But for the augmentation, which is the one that did best."""
    runs = [run.config for run in planned("fig5") if run.arm.startswith("small_") and run.cell.pair == (0, 0)]
    fixed = study("fig5").fixed
    found = {
        config.model_copy(
            update={"data": config.data.model_copy(update={"augment": fixed[f"{config.data.fraction:g}"]})}
        ).sha256()
        for config in runs
    }
    assert [config.model.width for config in runs] == [52, 58, 52, 40, 12, 12]
    assert found == {load_config(path).sha256() for path in (PAPER / "fig5").glob("*.yaml")}


def test_the_page_has_a_row_for_every_study_with_its_cost() -> None:
    text = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w[\w.]*)` \|(.*)\|$", text.partition("## What small")[0], re.MULTILINE))
    assert list(rows) and set(rows) == set(STUDIES)
    for name, row in rows.items():
        counts = ", ".join(f"{count:,} ({batch})" for batch, count in steps(name).items())
        assert f" {len(planned(name))} | {counts} |" in row
    for name, of in {name: study(name) for name in SMALL}.items():
        assert re.search(rf"^\| `{name}` \| .* \| {len(of.seeds)} \| {len(planned(name))} \| ", text, re.MULTILINE)


TABLE5 = RESULTS["table5"]["rows"]["cifar10"]
WITH_TICKETS = {
    "WT+Aug*, %": [row["wt_aug"] for row in TABLE5.values()],
    "Dense+Aug*, %": [None] * 4
    + [row["random_init_r18"]["dense"] for row in RESULTS["table1"]["rows"]["cifar10"].values()],
}
BASIC = {"WT, basic, %": [row["wt"] for row in TABLE5.values()]}
TABLE2, TABLE3 = RESULTS["table2"]["rows"], RESULTS["table3"]["rows"]["cifar100_lt"]
LONG_TAILS = {
    "dense, %": [row["dense"] for row in TABLE3.values()],
    "ticket, %": [row["wt"] for row in TABLE3.values()],
}
MANY_CLASSES = [TABLE2["imagenet"]["5%"], TABLE2["cifar100"]["2%"], TABLE2["cifar100"]["1%"]]
PRINTED: dict[str, dict[str, list[float | None]]] = {
    **dict.fromkeys(("fig1", "fig2", "fig3"), BASIC | WITH_TICKETS),
    "fig5": WITH_TICKETS,
    "table2": {"dense, %": [row["dense"] for row in MANY_CLASSES], "ticket, %": [row["wt"] for row in MANY_CLASSES]},
    "table3": LONG_TAILS,
    "table3_auto": LONG_TAILS,
    "table5": {
        "WT, %": [row["wt"] for row in TABLE5.values()],
        "WT(Base)+Aug*, %": [row["wt_base_then_aug"] for row in TABLE5.values()],
        "WT+Aug*, %": WITH_TICKETS["WT+Aug*, %"],
    },
    "table6": {"ratio ": list(RESULTS["table6"]["rows"]["cifar10"].values())},
}


@pytest.mark.parametrize("name", PRINTED)
def test_the_comment_has_the_published_numbers(name: str) -> None:
    for row, values in PRINTED[name].items():
        words = comment(name).partition(f"{row.strip()} ")[2].split()[: len(values)]
        assert [None if word == "-" else float(word) for word in words] == values


def test_sentences_with_published_numbers() -> None:
    probes, gains, real = (RESULTS[key]["rows"] for key in ("table4", "sec4_3_claims", "sec4_4_claims"))
    assert (
        f"Dense (100 %) {probes['dense_100pct']} %, Dense (1 %) {probes['dense_1pct']} %, Dense+Aug* (1 %) "
        f"{probes['dense_aug_1pct']} %, WT+Aug* (1 %) {probes['wt_aug_1pct']} %."
    ) in comment("table4")
    assert f"{gains['2%']} points at 2 %, {gains['1%']} at 1 %" in comment("sec4_3")
    assert (f"{real['clamm']} points on CLaMM, {real['isic']} on ISIC 2018, {real['eurosat']} on EuroSAT") in comment(
        "sec4_4"
    )
    first = RESULTS["table1"]["rows"]["cifar10"]["1%"]["random_init_r18"]
    assert f"{first['dense']} % and {first['wt']} % on CIFAR-10 1 % from random weights" in comment("table1")


@pytest.mark.parametrize("name", EVERY)
def test_every_study_rehearses(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no data is every cell says so, and digits, which scikit-learn brings, have steps, bytes and hours."""
    monkeypatch.chdir(tmp_path)
    words = ["--config", str(EVERY[name]), "--dry-run", "--json", "plan.json", "--data-dir", str(tmp_path / "nowhere")]
    assert rehearse([*words, f"threads={intra_op_threads()}"]) == 0  # a process has one number of threads
    planned = json.loads((tmp_path / "plan.json").read_text())
    assert len(planned) == len(Grid(study(name), name, {}).cells)
    if name == "digits":
        assert all(
            cell["state"] == "waiting" and min(cell["steps"], cell["bytes"], cell["seconds"]) > 0 for cell in planned
        )
    else:
        assert {cell["state"] for cell in planned} <= {"absent"}
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"], "nothing is kept"
