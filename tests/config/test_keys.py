from __future__ import annotations

import pytest
from pydantic import BaseModel

from tf_dlth.config import Config
from tf_dlth.config.keys import dotted_keys, field_at, flat, is_mapping, members, model_at, named_section_of, section_of


class Inner(BaseModel):
    depth: int = 0
    pair: tuple[int, int] = (0, 0)


class Outer(BaseModel):
    name: str
    width: int | str = 1
    inner: Inner = Inner()
    maybe: Inner | None = None


def test_flat():
    assert flat({"a": {"b": 1, "c": {"d": [2]}}, "e": None}) == {"a.b": 1, "a.c.d": [2], "e": None}


def test_tuples_are_leaves_as_in_json():
    assert flat({"a": {"b": (1, 2)}}) == flat({"a": {"b": [1, 2]}}) == {"a.b": [1, 2]}


def test_an_empty_section_has_no_keys():
    assert flat({"a": {}, "b": {"c": {}}}) == {}


def test_every_key_of_a_model_and_of_the_sections_in_it():
    inner = ["depth", "pair"]
    assert list(dotted_keys(Outer)) == [
        "name", "width", "inner", *(f"inner.{key}" for key in inner), "maybe", *(f"maybe.{key}" for key in inner),
    ]  # fmt: skip


def test_dumped_keys_are_the_models_own():
    dumped = flat(Outer(name="a", maybe=Inner()).model_dump())
    assert set(dumped) == set(dotted_keys(Outer)) - {"inner", "maybe"}


@pytest.mark.parametrize("key", tuple(dotted_keys(Config)))
def test_every_key_leads_to_its_field(key: str):
    field = field_at(Config, key)
    assert field is not None
    *sections, leaf = key.split(".")
    model: type[BaseModel] = Config
    for section in sections:
        found = section_of(model.model_fields[section])
        assert found is not None
        model = found
    assert field is model.model_fields[leaf]


@pytest.mark.parametrize("key", ["", "depth", "inner.", "inner.name", "name.depth", "inner.depth.more", "other.depth"])
def test_what_is_no_key_leads_nowhere(key: str):
    assert field_at(Outer, key) is None


def test_members_of_unions():
    assert members(int | str | None) == (int, str, type(None))
    assert members(int) == (int,)
    assert section_of(Outer.model_fields["maybe"]) is Inner
    assert section_of(Outer.model_fields["width"]) is None


class Named(BaseModel):
    arms: dict[str, Inner] = {}
    plain: dict[str, int] = {}


def test_a_mapping_of_sections_takes_the_name_of_one_of_them():
    assert named_section_of(Named.model_fields["arms"]) is Inner
    assert (
        named_section_of(Named.model_fields["plain"]) is None and named_section_of(Outer.model_fields["name"]) is None
    )
    assert model_at(Named, ["arms", "any"]) is Inner and model_at(Named, ["arms"]) is None
    assert model_at(Named, []) is Named and model_at(Named, ["plain", "a"]) is None
    assert field_at(Named, "arms.any.depth") is Inner.model_fields["depth"]
    assert field_at(Named, "arms.any.width") is None


def test_mappings_are_told_from_other_types():
    assert is_mapping(dict[str, int]) and not is_mapping(list[int]) and not is_mapping(int)
