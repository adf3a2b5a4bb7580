from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
import yaml

from tf_dlth.errors import UserError
from tf_dlth.reporting.paper import doubts, published


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("table1/rows/cifar10/1%/random_init_r18/wt", 0.5966),
        ("table2/rows/imagenet/5%/dense", 0.2882),
        ("table3/rows/cifar100_lt/0.10/wt", 0.6492),
        ("table4/rows/wt_aug_1pct", 0.2367),
        ("table6/rows/cifar10/2%", 1.39),
        ("sec4_3_claims/rows/1%", 0.15),
        ("sec4_4_claims/rows/isic", 0.023),
        ("fig1_claims/rows/max_gain_absolute_pct", 0.16),
        ("setup_claims/rows/weight_decay", 0.0005),
        ("appendix_b_claims/rows/ratio_at_2pct_and_1pct_about", 1.3),
    ],
)
def test_a_number(path: str, number: float) -> None:
    assert published(path) == pytest.approx(number, rel=1e-12)


def test_a_dash_is_none() -> None:
    assert published("table1/rows/clamm/full/vgg/dense") is None


def leaves(tree: dict[str, Any], above: str) -> list[tuple[str, Any]]:
    pairs = [(f"{above}/{key}", value) for key, value in tree.items()]
    return [leaf for path, v in pairs for leaf in (leaves(v, path) if isinstance(v, dict) else [(path, v)])]


def test_every_accuracy_of_the_tables_is_found_as_a_fraction() -> None:
    text = files("tf_dlth.reporting").joinpath("paper_results.yaml").read_text(encoding="utf-8")
    tables = {name: content for name, content in yaml.safe_load(text).items() if name[:5] == "table"}
    found = [leaf for name in sorted(tables)[:5] for leaf in leaves(tables[name]["rows"], f"{name}/rows")]
    assert len(found) > 100
    assert all(published(path) == (None if number is None else number / 100) for path, number in found)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("tabel1/rows", "has no tabel1; did you mean table1 or"),
        ("table1/rows/cifar10/1%/random_init_r81/wt", "did you mean random_init_r18"),
        ("table1/rows/cifar10/5%/vgg/wt", "has no table1/rows/cifar10/5%; there are 2%, 1%"),
        ("table1/rows/zzz", "there are cifar10, clamm, isic, eurosat"),
        ("table1/rows/cifar10", "go on to one of 2%, 1%"),
        ("table4/rows/wt_aug_1pct/wt", "table4/rows/wt_aug_1pct has nothing below it"),
        ("table1/caption", "is no number but IMP on top"),
        ("setup_claims/rows/stem_small/maxpool", "is no number but False"),
        ("derived_not_published/cifar100_lt_total_images/0.10", "has no derived_not_published"),
        ("", "has no"),
        ("table1/\x1b[2J", r"\x1b[2J"),
    ],
)
def test_a_path_that_leads_nowhere(path: str, said: str) -> None:
    with pytest.raises(UserError) as error:
        published(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "beginnings"),
    [
        ("table1/rows/cifar10/1%/vgg/wt", ["the two rows share"]),
        ("table1/rows/cifar10/2%/mobilenet_v2/dense", ["the two rows share"]),
        ("table1/rows/cifar10/1%/harmonic/dense", ["22.97 reads"]),
        ("table1/rows/cifar10/1%/harmonic/wt", []),
        ("table1/rows/cifar10/2%/harmonic/dense", []),
        ("table1/rows/cifar10", []),
        ("table4/rows/dense_1pct", ["values read cleanly but are very low"]),
        ("table5/rows/cifar10/20%/wt_aug", ["values read cleanly, but there"]),
        ("table5/rows/cifar10/2%/wt_aug", []),
        ("table3/augmentation", ["caption and released script"]),
        ("table6/rows/cifar10/1%", []),
        ("sec4_3_claims/rows/1%", []),
        ("nothing/at/all", []),
    ],
)
def test_doubts(path: str, beginnings: list[str]) -> None:
    found = doubts(path)
    assert len(found) == len(beginnings)
    assert all(remark.startswith(start) for remark, start in zip(found, beginnings, strict=True))
