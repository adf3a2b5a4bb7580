from __future__ import annotations

from typing import Literal

import pandas as pd
import pytest

from tf_dlth.studies.verdicts.measures import Accuracy, Column, Density, Overall, findings_of, part_of

LAYERS = ["stem", "a_conv", "b_shortcut", "b_conv", "c_shortcut", "c_conv", "d_conv"]
COLUMNS = ["run", "kind", "quantity", "iteration", "layer", "other", "value"]
NAN = float("nan")


def findings(*rows: tuple[str, str, str, int, str | None, str | None, float]):
    return findings_of(pd.DataFrame(list(rows), columns=COLUMNS))


def test_accuracy_is_of_the_epoch_that_the_rule_keeps() -> None:
    row = {"test_accuracy_heldout": 0.1, "test_accuracy_best": 0.2, "test_accuracy_last": 0.3}
    assert [Accuracy().value(row, {}, rule) for rule in ("heldout", "test_best", "last")] == [0.1, 0.2, 0.3]
    assert Accuracy().value({}, {}, "heldout") is None


def test_a_column() -> None:
    assert Column("fgsm").value({"fgsm": 0.4}, {}, "heldout") == 0.4
    assert Column("density", log10=True).value({"density": 0.01}, {}, "heldout") == pytest.approx(-2)
    assert Column("fgsm").value({"fgsm": NAN}, {}, "heldout") is None
    assert Column("fgsm", log10=True).value({}, {}, "heldout") is None


def test_an_overall_number_or_the_mean_of_its_layers() -> None:
    found = findings(
        ("r", "weight-norms", "masked", 5, "a", None, 1.0),
        ("r", "weight-norms", "masked", 5, "b", None, 1.4),
        ("r", "weight-norms", "masked", 5, "c", None, NAN),
        ("r", "weight-norms", "masked", 6, "a", None, 9.0),
        ("r", "weight-norms", "whole", 5, "a", None, 0.3),
        ("r", "cka", "widest_block", 5, None, "", 7),
        ("r", "cka", "widest_block", 5, None, "another", 99),
        ("r", "cka", "widest_block", 0, NAN, NAN, 4),  # type: ignore[arg-type]
    )
    row = {"run": "r", "iteration": 5}
    assert Overall("weight-norms", "masked").value(row, found, "heldout") == pytest.approx(1.2)
    assert Overall("cka", "widest_block").value(row, found, "heldout") == 7
    assert Overall("cka", "widest_block").value(row | {"iteration": 0}, found, "heldout") == 4
    assert Overall("cka", "widest_block").value(row | {"iteration": 1}, found, "heldout") is None
    assert Overall("cka", "early_mean").value(row, found, "heldout") is None
    assert Overall("cka", "widest_block").value({"run": "s", "iteration": 5}, found, "heldout") is None


@pytest.mark.parametrize(
    ("part", "names"),
    [("all", LAYERS), ("early", ["stem", "a_conv", "b_conv"]), ("shortcuts", ["b_shortcut", "c_shortcut"])],
)
def test_parts_of_a_network(part: Literal["all", "early", "shortcuts"], names: list[str]) -> None:
    assert part_of(["", *LAYERS], part) == names


def test_half_of_an_even_number_of_layers() -> None:
    assert part_of(["a", "b", "c", "d"], "early") == ["a", "b"]


def test_densities_are_of_the_sparsest_ticket_up_to_the_papers_last() -> None:
    values = {15: 0.1, 5: 0.5, 16: 0.9, 0: 1.0}
    found = findings(
        *[("r", "density", "density", k, f"{name}/kernel", None, v + 0.01 * i) for k, v in values.items()
          for i, name in enumerate(LAYERS)]
    )  # fmt: skip
    row = {"run": "r", "iteration": 5}
    assert Density("density", "early").value(row, found, "heldout") == pytest.approx((0.10 + 0.11 + 0.13) / 3)
    assert Density("density", "shortcuts").value(row, found, "heldout") == pytest.approx(0.13)
    assert Density("null_theta_r", "early").value(row, found, "heldout") is None
    plain = findings(("r", "density", "density", 3, "a", None, 0.5), ("s", "density", "density", 0, "a", None, 1.0))
    assert Density("density", "shortcuts").value(row, plain, "heldout") is None
    assert Density("density", "all").value({"run": "s", "iteration": 0}, plain, "heldout") is None
