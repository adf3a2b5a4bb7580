from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tf_dlth.config.study import load_study
from tf_dlth.errors import UserError
from tf_dlth.reporting.figures.study import SHOW, require_known, robustness

CONFIGS = Path(__file__).parents[3] / "configs"
SHIPPED = [path for path in sorted(CONFIGS.glob("*/*.yaml")) if "\nshow:" in path.read_text()]


@pytest.mark.parametrize("name", SHOW)
def test_every_figure_has_names_on_its_axes_and_words(frames, name: str):
    (first, *_) = SHOW[name](frames)
    assert first.name == name
    assert first.caption.endswith(".") and first.alt
    for axes in first.figure.axes:
        assert axes.get_ylabel()


def test_robustness_goes_by_density_where_all_was_measured(frames, restudied):
    assert [one.name for one in robustness(frames)] == ["robustness"]
    names = [one.name for one in robustness(restudied(frames, iterations="all"))]
    assert names == ["robustness", *(f"density-{m}" for m in ("ece", "fgsm", "pgd", "cifar10_c", "cifar10_2"))]


def test_unknown_figures_name_the_nearest():
    require_known(["table", *SHOW])
    with pytest.raises(UserError, match="show: there is no figure layer; did you mean layers"):
        require_known(["layer"])
    with pytest.raises(UserError, match="known are table, size, density"):
        require_known(["zzz"])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_show_what_there_is(path: Path):
    require_known(load_study(path).show)


def test_there_are_shipped_studies():
    assert len(SHIPPED) > 15


def test_a_study_that_has_not_begun(frames):
    empty = replace(frames, networks=frames.networks.iloc[:0], analyses=frames.analyses.iloc[:0])
    assert {name for name, draw in SHOW.items() if draw(empty)} == {"longtail"}
