"""Dotted keys: of nested mappings, and of the sections of a model."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
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
    for part in path:
        section = section_of(model.model_fields[part]) if part in model.model_fields else None
        if section is None:
            return None
        model = section
    return model.model_fields.get(last)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, if it holds one."""
    models = (m for m in members(field.annotation) if isinstance(m, type) and issubclass(m, BaseModel))
    return next(models, None)


def members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; another type is its own only member."""
    return typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
