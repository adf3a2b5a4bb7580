"""YAML as configurations are written: safe, no key twice, ``1e-3`` a number, and no more of it than a person writes."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import yaml

from tf_dlth.errors import UserError

LONGEST = 2**16
"""Characters. The parser takes a second for some ten times as many."""


class _Loader(yaml.SafeLoader):
    """Safe YAML that also reads ``1e-3`` as a number and refuses a key given twice, and aliases.

    A few nested aliases stand for billions of values.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [k.value for k, _ in node.value if isinstance(k, yaml.ScalarNode)]
        if twice := [key for key, count in Counter(keys).items() if count > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice[0]!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "aliases are not read; write the value out", mark)
        return super().compose_node(parent, index)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def parse_yaml(text: str, origin: str) -> Any:
    """The value that the text stands for; raises UserError that begins with ``origin``."""
    if len(text) > LONGEST:
        raise UserError(f"{origin} is too long: {len(text):,} characters, at most {LONGEST:,} are read")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError, KeyError, AttributeError) as error:
        # The last three come from the values of tags and dates: `!!bool x`, 2024-99-99.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "a value is nested too deeply, or is not what its form says"
        raise UserError(f"{origin} is not valid YAML{where}: {problem}") from None
