"""A validation error in one line, as the user typed it: the key, what is wrong with it, what is accepted."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tf_dlth.config.keys import dotted_keys, field_at, is_mapping, members, model_at


def one_line(error: ValidationError, root: type[BaseModel]) -> str:
    """The first fault; ``root`` is the model that was validated, whose keys are offered for an unknown one."""
    first = error.errors()[0]
    key = _schema_key(first, root)
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}{_nearest(key, root)}"
    if first["type"] == "missing":
        return f"key {key} is missing" if key == ".".join(map(str, first["loc"])) else f"{key}: it has too few values"
    if first["type"] == "value_error":
        reason = first["msg"].removeprefix("Value error, ")
        return f"{key}: {reason}" if key else reason
    message = first["msg"].replace("Input should be", "must be")
    return f"{key}: {message}, got {_shown(first['input'])}{_accepted(key, root)}"


def _schema_key(error: ErrorDetails, root: type[BaseModel]) -> str:
    """The dotted key; Pydantic appends the union's member or the list's index that failed, which nobody typed."""
    location = [str(part) for part in error["loc"]]
    while error["type"] != "extra_forbidden" and len(location) > 1 and not _is_typed(location, root):
        location = location[:-1]
    return ".".join(location)


def _is_typed(location: list[str], root: type[BaseModel]) -> bool:
    """Whether a location is a key of a section, or the name of an entry in a mapping."""
    *path, last = location
    section = model_at(root, path)
    if section is not None:
        return last in section.model_fields
    field = field_at(root, ".".join(path))
    return field is not None and any(map(is_mapping, members(field.annotation)))


def _nearest(key: str, root: type[BaseModel]) -> str:
    section = model_at(root, key.split(".")[:-1])
    beside = (
        [f"{key.rpartition('.')[0]}.{name}" for name in section.model_fields] if section not in (None, root) else []
    )
    keys = [*dotted_keys(root), *beside]
    same_leaf = [k for k in keys if k.rpartition(".")[2] == key.rpartition(".")[2]]
    close = same_leaf or difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known keys: {', '.join(root.model_fields)}"


def _accepted(key: str, root: type[BaseModel]) -> str:
    field = field_at(root, key)
    bounds = [bound for metadata in (field.metadata if field else ()) for bound in _bounds(metadata)]
    return f"; accepted: {' and '.join(bounds)}" if bounds else ""


def _bounds(metadata: Any) -> Iterator[str]:
    for attribute, sign in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most")):
        if (bound := getattr(metadata, attribute, None)) is not None:
            yield f"{sign} {bound:g}" if isinstance(bound, float) else f"{sign} {bound}"


def _shown(value: Any) -> str:
    # Not repr() of everything: aliases make a short file stand for billions of values.
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of over 60 digits"
    text = repr(value) if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
