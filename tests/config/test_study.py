from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tf_dlth.config.loading import validated
from tf_dlth.config.study import FILE, StudyConfig, load_study, stored_study
from tf_dlth.errors import UserError

GRID = """
name: grid
base: base.yaml
seeds: [0, [1, 7]]
axes:
  data.augment: [basic, rand]
  size:
    small: {data.per_class: 2, training.batch_size: 10}
    large: {data.per_class: 5}
best_of: data.augment
arms:
  ticket: {}
  random: {set: {pruning.method: random, pruning.source: TICKET}, source: ticket, mask_seeds: [0, 1], starred: true}
  fresh: {set: {pruning.source: TICKET}, source: random, starred: true, at: {size: [small]}}
"""


def study(**keys: Any) -> StudyConfig:
    return validated({"name": "grid", "base": "base.yaml", **keys}, StudyConfig)


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    (tmp_path / "grid.yaml").write_text(GRID)
    return tmp_path / "grid.yaml"


def test_a_number_is_a_pair_of_equal_seeds(grid: Path) -> None:
    assert load_study(grid).seeds == ((0, 0), (1, 7))
    assert load_study(grid, ["seeds=[3]"]).seeds == ((3, 3),)


def test_settings_are_all_combinations_and_sets_stand_by_name(grid: Path) -> None:
    loaded = load_study(grid)
    assert loaded.settings() == [
        {"data.augment": "basic", "size": "small"},
        {"data.augment": "basic", "size": "large"},
        {"data.augment": "rand", "size": "small"},
        {"data.augment": "rand", "size": "large"},
    ]
    assert loaded.overrides({"data.augment": "rand", "size": "small"}) == {
        "data.augment": "rand",
        "data.per_class": 2,
        "training.batch_size": 10,
    }


def test_files_are_found_from_the_study_and_come_back_as_it_was_written(grid: Path) -> None:
    files = grid.with_name("files.yaml")
    files.write_text("name: files\nbase: base.yaml\naxes: {model: {wide: wide.yaml, thin: {model.width: 2}}}\n")
    loaded = load_study(files)
    assert loaded.base == str(grid.parent / "base.yaml")
    assert loaded.overrides({"model": "wide"}) == {FILE: str(grid.parent / "wide.yaml")}
    grid.with_name("study.yaml").write_text(loaded.to_yaml())
    assert stored_study(grid.with_name("study.yaml")) == loaded


def test_a_study_without_axes_has_one_setting() -> None:
    assert study().settings() == [{}]
    assert list(study().arms) == ["ticket"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"thread": 2}, "unknown key thread; did you mean threads?"),
    ({"arms": {"random": {"starred": "x"}}}, "arms.random.starred: must be a valid boolean, got 'x'"),
    ({"arms": {"random": {"sett": {}}}}, "unknown key arms.random.sett; did you mean arms.random.set?"),
    ({"arms": {"random": {"mask_seeds": ["x"]}}}, "arms.random.mask_seeds: must be a valid integer, got 'x'"),
    ({"arms": {"random": {"mask_seeds": []}}}, "arms.random.mask_seeds: Tuple should have at least 1 item"),
    ({"arms": {"random": {"set": {"pruning.source": "TICKET"}}}}, "arms.random: TICKET and RUN stand for another"),
    ({"arms": {"random": {"source": "tickets"}}}, "arms.random.source: tickets must be another arm"),
    ({"arms": {"a": {"source": "b"}, "b": {"source": "a"}}}, "arms.a.source: the sources go round in a circle"),
    ({"arms": {"a": {"set": {"training.epoch": 3}}}}, "arms.a.set: training.epoch is no key of a run"),
    ({"arms": {"a": {"set": {"seed": 3}}}}, "arms.a.set: the study itself decides seed"),
    ({"arms": {"a": {"starred": True}}}, "arms.a.starred: needs best_of, and a source"),
    ({"arms": {"a": {"at": {"data.augment": ["rand"]}}}}, "arms.a.at: data.augment must be an axis"),
    ({"axes": {"data.augment": 3}}, "axes: data.augment must be a list of its key's values, or names with a file"),
    ({"axes": {"size": {"small": 3}}}, "axes: size must be a list"),
    ({"axes": {"data.augment": []}}, "axes.data.augment has no values"),
    ({"axes": {"data.augment": ["rand", "rand"]}}, "axes.data.augment: a value is given twice"),
    ({"axes": {"data.augments": ["rand"]}}, "axes: data.augments is no key of a run"),
    ({"axes": {"size": {"small": {"seed": 3}}}}, "axes.size.small: the study itself decides seed"),
    ({"axes": {"data.normalisation": [{"mean": [0]}]}}, "axes.data.normalisation: a value that is no word or number"),
    ({"best_of": "data.augment"}, "best_of: data.augment must be one of the axes"),
    ({"seeds": [0, [0, 0]]}, "seeds: a value is given twice"),
    ({"seeds": "many"}, "seeds: must be a list of numbers or of pairs [seed, subset_seed], got 'many'"),
    ({"seeds": [[1, 2, 3]]}, "seeds: must be a list of numbers or of pairs"),
    ({"evaluate": ["fgms"]}, "evaluate: must be 'ece', 'fgsm', 'pgd', 'cifar10_c' or 'cifar10_2', got 'fgms'"),
    ({"probe": ["cifar"]}, "probe: must be 'digits'"),
    ({"data_dirs": {"cifar": "x"}}, "data_dirs.cifar: must be 'digits'"),
    ({"scale": "small", "published": {"a": {"dense": "b"}}}, "published: results of another scale never stand"),
]


@pytest.mark.parametrize(("keys", "line"), REFUSED, ids=[line[:50] for _, line in REFUSED])
def test_every_mistake_is_one_line_with_its_key(keys: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as refusal:
        study(**json.loads(json.dumps(keys)))
    assert str(refusal.value).startswith(line) and "\n" not in str(refusal.value)
