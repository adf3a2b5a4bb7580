from __future__ import annotations

import copy
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tf_dlth.config import Config, Normalisation, build_config, differing_keys, load_config, parse_config
from tf_dlth.config.keys import dotted_keys
from tf_dlth.config.loading import read_text, validated
from tf_dlth.config.yaml_text import LONGEST
from tf_dlth.errors import UserError


def parse(*overrides: str, text: str = "name: run") -> Config:
    return parse_config(text, overrides)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must hold a mapping of keys to values, not nothing"),
        ("# only a comment", "not nothing"),
        ("- a\n- b", "not a list"),
        ("hello", "not a str"),
        ("5", "not a int"),
        ("name: a\nseed: 0x" + "f" * 5000, "seed: must be"),
        ("name: a\n1: 2", "1: Keys should be strings"),
        ("name: a\ndata: {1: 2}", "data: Keys should be strings"),
        ("name: a\nseed: 2024-01-01", r"seed: must be a valid integer, got datetime\.date"),
    ],
    ids=range(9),
)
def test_yaml_that_is_no_configuration(text: str, problem: str):
    with pytest.raises(UserError, match=problem) as refusal:
        parse_config(text, origin="some.yaml")
    assert len(str(refusal.value)) < 400


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(UserError, match=r"config file .*missing\.yaml does not exist"):
        load_config(tmp_path / "missing.yaml")
    with pytest.raises(UserError, match=r"is a folder; name a YAML file \(tf-dlth init writes one\)"):
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


def test_an_override_below_a_value():
    with pytest.raises(UserError, match=r"override 'name\.first=x': name is a value, not a section"):
        parse("name.first=x")


def test_a_file_longer_than_a_configuration_is_not_read_to_its_end(tmp_path: Path):
    (tmp_path / "long.yaml").write_text("x" * (3 * LONGEST))
    assert len(read_text(tmp_path / "long.yaml")) == LONGEST + 1
    with pytest.raises(UserError, match=r"long\.yaml is too long"):
        load_config(tmp_path / "long.yaml")


def test_any_model_is_validated_in_one_line():
    """As manifests are: the root says which keys there are, the origin begins the line."""
    with pytest.raises(UserError, match=r"^ticket\.json: unknown key stds; did you mean std\?$"):
        validated({"mean": [0.5], "std": [0.5], "stds": [0.5]}, Normalisation, "ticket.json: ")
    assert validated({"mean": [0.5], "std": [0.5]}, Normalisation) == Normalisation(mean=(0.5,), std=(0.5,))


def test_what_differs_is_named_with_both_values():
    a, b = parse("seed=1", "probe.epochs=3", "data.data_dir=x"), parse("data.normalisation={mean: [0.5], std: [1.0]}")
    assert differing_keys(a, a) == {}
    assert differing_keys(a, b) == {
        "seed": (1, 0),
        "data.normalisation.mean": (None, [0.5]),
        "data.normalisation.std": (None, [1.0]),
    }


def test_a_mapping_is_a_config_too_and_stays_as_it_is() -> None:
    tree = {"name": "a", "data": MappingProxyType({"per_class": 5})}
    config = load_config(tree, ["data.per_class=7", "training.epochs=9"])
    assert config == parse_config("{name: a, data: {per_class: 7}, training: {epochs: 9}}")
    assert tree == {"name": "a", "data": {"per_class": 5}}
    with pytest.raises(UserError, match="per_clas"):
        load_config({"name": "a", "data": {"per_clas": 5}})
