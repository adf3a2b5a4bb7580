"""Dotted keys: of nested mappings, and of the sections of a model."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as dotted keys; lists and tuples are leaves."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return leaves


def dotted_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a model and of the sections in it."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if section := section_of(field):
            yield from dotted_keys(section, f"{prefix}{name}.")


def field_at(model: type[BaseModel], key: str) -> FieldInfo | None:
    """The field that a dotted key names; None where there is none."""
    *path, last = key.split(".")
    section = model_at(model, path)
    return section.model_fields.get(last) if section else None


def model_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel] | None:
    """The section that a path leads to; a mapping of sections takes one part more, the name of one of them."""
    parts = iter(path)
    for part in parts:
        field = model.model_fields.get(part)
        section = section_of(field) if field else None
        if section is None and field is not None:
            section = named_section_of(field) if next(parts, None) is not None else None
        if section is None:
            return None
        model = section
    return model


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, if it holds one."""
    models = (m for m in members(field.annotation) if isinstance(m, type) and issubclass(m, BaseModel))
    return next(models, None)


def named_section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field maps names to, if it is such a mapping."""
    value = next((typing.get_args(m)[1] for m in members(field.annotation) if is_mapping(m)), None)
    return value if isinstance(value, type) and issubclass(value, BaseModel) else None


def is_mapping(annotation: Any) -> bool:
    """Whether a type is a mapping with given types of keys and values."""
    return typing.get_origin(annotation) is dict


def members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; another type is its own only member."""
    return typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
