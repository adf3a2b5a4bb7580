"""What has to be known to build a network again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tf_dlth.errors import UserError

STEMS = ("small", "full")
HEADS = ("linear", "cosine", "tvmf")
MAX_WIDTH, MAX_SIDE, MAX_CHANNELS, MAX_CLASSES = 4096, 2048, 4, 100_000


@dataclass(frozen=True)
class ModelSpec:
    """A network up to its weights; ``input_shape`` is (height, width, channels)."""

    architecture: str
    width: int
    stem: str
    head: str
    classes: int
    input_shape: tuple[int, int, int]

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; the inverse of :meth:`from_json`."""
        return {**asdict(self), "input_shape": list(self.input_shape)}

    @classmethod
    def from_json(cls, tree: Any, origin: str = "model") -> ModelSpec:
        """Reads untrusted JSON; raises UserError that begins with ``origin`` for any field that is unfit."""
        _check_keys(tree, origin)
        return cls(
            architecture=_text(tree, "architecture", origin),
            width=_whole(tree["width"], MAX_WIDTH, f"{origin}.width"),
            stem=_choice(tree, "stem", STEMS, origin),
            head=_choice(tree, "head", HEADS, origin),
            classes=_whole(tree["classes"], MAX_CLASSES, f"{origin}.classes"),
            input_shape=_shape(tree["input_shape"], f"{origin}.input_shape"),
        )


def _check_keys(tree: Any, origin: str) -> None:
    if not isinstance(tree, Mapping):
        raise UserError(f"{origin} must be a JSON object, got {type(tree).__name__}")
    known = {field.name for field in fields(ModelSpec)}
    if missing := sorted(known - set(tree)):
        raise UserError(f"{origin} lacks {', '.join(missing)}")
    if unknown := sorted(str(key) for key in set(tree) - known):
        raise UserError(f"{origin} has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def _text(tree: Mapping[str, Any], key: str, origin: str) -> str:
    value = tree[key]
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise UserError(f"{origin}.{key} must be a text of 1 to 200 characters, got {value!r}")
    return value


def _choice(tree: Mapping[str, Any], key: str, choices: tuple[str, ...], origin: str) -> str:
    value = tree[key]
    if not isinstance(value, str) or value not in choices:
        raise UserError(f"{origin}.{key} must be one of {', '.join(choices)}, got {value!r}")
    return value


def _whole(value: Any, largest: int, key: str) -> int:
    # bool is an int in Python, and a width of `true` is a mistake.
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
        raise UserError(f"{key} must be a whole number from 1 to {largest}, got {value!r}")
    return value


def _shape(value: Any, key: str) -> tuple[int, int, int]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise UserError(f"{key} must be [height, width, channels], got {value!r}")
    height, width, channels = value
    return (
        _whole(height, MAX_SIDE, f"{key} height"),
        _whole(width, MAX_SIDE, f"{key} width"),
        _whole(channels, MAX_CHANNELS, f"{key} channels"),
    )
