"""What the shipped studies ask: claims and pictures that there are, and the paper's numbers beside which cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from tf_dlth.config.study import StudyConfig, load_study
from tf_dlth.errors import UserError
from tf_dlth.studies.verdicts import CLAIMS

ROOT = Path(__file__).parents[1]
STUDIES = sorted(
    path
    for path in (ROOT / "configs").rglob("*.yaml")
    if re.search(r"^base:", path.read_text(encoding="utf-8"), re.MULTILINE)
)
RESULTS = yaml.safe_load(files("tf_dlth.reporting").joinpath("paper_results.yaml").read_text(encoding="utf-8"))
SHOWN = {
    "size",
    "density",
    "robustness",
    "bars",
    "controls",
    "layers",
    "cka",
    "branch-norms",
    "norms",
    "longtail",
    "fit",
    "table",
}


@cache
def study(path: Path) -> StudyConfig:
    return load_study(path)


def leaves(tree: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Values by their keys with slashes between."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}/{key}"
        found |= leaves(value, path) if isinstance(value, Mapping) else {path: value}
    return found


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_claims_and_pictures_are_known(path: Path) -> None:
    of = study(path)
    assert set(of.claims) <= set(CLAIMS)
    assert set(of.show) <= SHOWN
    assert set(of.show) | set(of.claims)


def test_every_claim_is_asked() -> None:
    assert set(CLAIMS) == {claim for path in STUDIES for claim in study(path).claims}


def test_every_picture_is_shown() -> None:
    assert {name for path in STUDIES for name in study(path).show} == SHOWN


def test_every_number_of_the_papers_tables_stands_beside_a_cell() -> None:
    """All but dashes; and nothing stands there that the paper does not print."""
    printed = {
        path: value
        for number in range(1, 7)
        for path, value in leaves(RESULTS[f"table{number}"]["rows"], f"table{number}/rows").items()
    }
    assert sum(value is None for value in printed.values()) == 22
    used = [place for path in STUDIES for places in study(path).published.values() for place in places.values()]
    assert set(used) == {place for place, value in printed.items() if value is not None}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_numbers_stand_beside_the_cells_that_they_are_of(path: Path) -> None:
    """The size, the row and the model of a published path are those of the label and the key."""
    for label, places in study(path).published.items():
        size = label.split(", ")[0]
        for key, place in places.items():
            table, _, *keys = place.split("/")
            model, _, measure = key.partition("/")
            if table in ("table5", "table6") or (table == "table1" and path.stem.startswith("fig")):
                assert f"{float(size):.0%}" in keys
            elif table == "table3":
                assert float(keys[1]) == float(size)
            elif table == "table4":
                words = keys[0].split("_")
                assert words[0] == {"dense": "dense", "ticket": "wt"}[model]
                assert words[-1] == f"{float(size):.0%}".replace("%", "pct")
                assert ("aug" in words) == (", " not in label)
            else:
                cell = "_".join(word.replace("%", "pct") for word in keys[:-1] if word != "full")
                assert label.removesuffix("_lr0.1") == cell
            if table == "table5":
                basic = {"ticket": "wt"}
                aug = {"ticket": "wt_aug", "base_then_aug": "wt_base_then_aug"}
                assert keys[-1] == (basic if ", basic" in label else aug)[model]
            elif table in ("table1", "table2", "table3"):
                assert keys[-1] == {"dense": "dense", "ticket": "wt"}[model]
            assert measure == {"table4": "probe_cifar100", "table6": "weight-norms"}.get(table, "")


@pytest.mark.parametrize(
    ("published", "mistake"),
    [
        ({"0.03": {"dense": "table2/rows/cifar100/2%/dense"}}, "published: 0.03 is no setting"),
        ({"0.01, auto": {"wt": "table2/rows/cifar100/1%/wt"}}, "published.0.01, auto: wt must begin with dense"),
    ],
)
def test_a_label_that_is_no_setting_is_named(tmp_path: Path, published: dict[str, Any], mistake: str) -> None:
    tree = {
        "name": "own", "base": "base.yaml", "published": published, "best_of": "data.augment",
        "axes": {"data.fraction": [0.02, 0.01], "data.augment": ["basic", "auto"]},
    }  # fmt: skip
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    with pytest.raises(UserError, match=re.escape(mistake)):
        load_study(path)


def test_labels() -> None:
    of = study(ROOT / "configs" / "paper" / "fig8.yaml")
    assert of.labels() == {"0.01, basic", "0.01, contrast", "0.01, auto", "0.01, rand", "0.01"}
    alone = study(ROOT / "configs" / "scaled" / "cifar10_1pct_rand.yaml")
    assert alone.labels() == {"basic", "rand", "best"}


@pytest.mark.parametrize(("name", "per_class"), [("pool", 100), ("test", 150)])
def test_the_lists_of_eurosat(name: str, per_class: int) -> None:
    lines = (ROOT / "configs" / "scaled" / f"eurosat_{name}.txt").read_text(encoding="utf-8").split()
    images, labels = lines[::2], lines[1::2]
    assert [labels.count(str(label)) for label in range(10)] == [per_class] * 10
    assert len(set(images)) == len(images)
    other = {"pool": "test", "test": "pool"}[name]
    assert not set(images) & set((ROOT / "configs" / "scaled" / f"eurosat_{other}.txt").read_text().split()[::2])
