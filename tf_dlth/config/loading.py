"""From YAML files and ``key.path=value`` overrides to a validated configuration, or to one line that says why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tf_dlth.config.keys import field_at, flat, members
from tf_dlth.config.mistakes import one_line
from tf_dlth.config.schema import Command, Config
from tf_dlth.config.yaml_text import LONGEST, parse_yaml
from tf_dlth.errors import UserError

Model = TypeVar("Model", bound=BaseModel)


def load_config(source: str | Path | Mapping[str, Any], overrides: Iterable[str] = ()) -> Config:
    """Reads a YAML file, or takes its tree as a mapping, and applies ``key.path=value`` overrides.

    Raises UserError for anything unfit.
    """
    if isinstance(source, Mapping):
        return build_config(_overridden(_plain(source), overrides, Config))
    return parse_config(read_text(source), overrides, origin=str(source))


def parse_config(text: str, overrides: Iterable[str] = (), origin: str = "config") -> Config:
    """Like :func:`load_config`, from YAML text."""
    return build_config(parse_tree(text, overrides, origin, Config))


def build_config(tree: Mapping[str, Any]) -> Config:
    """Validates a nested mapping; raises UserError with one line for the first fault."""
    return validated(tree, Config)


def validated(tree: Mapping[str, Any], root: type[Model], origin: str = "") -> Model:
    """A nested mapping as a model; raises UserError with one line, after ``origin``, for the first fault."""
    try:
        return root.model_validate(dict(tree))
    except ValidationError as error:
        raise UserError(f"{origin}{one_line(error, root)}") from None


def read_text(path: str | Path) -> str:
    """A configuration's file, no longer than one can be; raises UserError naming it."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(LONGEST + 1)
    except FileNotFoundError:
        raise UserError(f"config file {path} does not exist") from None
    except IsADirectoryError:
        raise UserError(f"config file {path} is a folder; name a YAML file (tf-dlth init writes one)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config file {path} cannot be read: {error}") from None


def parse_tree(text: str, overrides: Iterable[str], origin: str, root: type[BaseModel]) -> dict[str, Any]:
    """The mapping in a YAML text with the overrides applied; ``root`` tells which keys hold text."""
    tree = parse_yaml(text, origin)
    if not isinstance(tree, dict):
        raise UserError(f"{origin} must hold a mapping of keys to values, not {_kind(tree)}")
    return _overridden(tree, overrides, root)


def _overridden(tree: dict[str, Any], overrides: Iterable[str], root: type[BaseModel]) -> dict[str, Any]:
    for override in overrides:
        _apply(tree, override, root)
    return tree


def _plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that may be changed, of mappings of any kind."""
    return {key: _plain(value) if isinstance(value, Mapping) else value for key, value in tree.items()}


def differing_keys(a: Config, b: Config, command: Command = "train") -> dict[str, tuple[Any, Any]]:
    """Dotted keys of the identity in which two configurations differ, with both values."""
    left, right = flat(a.identity(command)), flat(b.identity(command))
    keys = sorted(left.keys() | right.keys())
    return {key: (left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)}


def _apply(tree: dict[str, Any], override: str, root: type[BaseModel]) -> None:
    dotted, equals, value = override.partition("=")
    if not equals or not dotted:
        raise UserError(
            f"override {override!r} must look like key.path=value, such as training.epochs=20; a value with "
            "blanks goes between quotes"
        )
    *path, last = dotted.split(".")
    node = tree
    for key in path:
        child = node.setdefault(key, {})
        if not isinstance(child, dict):
            raise UserError(f"override {override!r}: {key} is a value, not a section")
        node = child
    node[last] = _value(dotted, value, root, f"override {override!r}")


def _value(key: str, text: str, root: type[BaseModel], origin: str) -> Any:
    """Text as it was typed where the key holds text, so that ``#``, ``:`` and ``2024`` mean themselves; else YAML."""
    field = field_at(root, key)
    kinds = members(field.annotation) if field else ()
    if str not in kinds:
        return parse_yaml(text, origin)
    if int in kinds and text.lstrip("-").isdecimal():
        return parse_yaml(text, origin)
    return None if text in ("", "null") and NoneType in kinds else text


def _kind(tree: Any) -> str:
    return "nothing (the file is empty)" if tree is None else f"a {type(tree).__name__}"
