"""What every source gives."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tf_dlth.config import DataConfig
from tf_dlth.data.examples import ArrayExamples, Examples
from tf_dlth.data.images import Preprocessing
from tf_dlth.data.labels import refuse_unknown
from tf_dlth.errors import DataAbsent, UserError, printable

LONGEST_NAME = 200
"""Characters of a class's name."""


@dataclass(frozen=True)
class Source:
    """A dataset in its own parts; ``heldout`` is the part that it sets aside itself for selection.

    ``skipped`` counts the files of a folder that are not used, by reason; ``sizes`` its pictures, by (height, width).

    Raises UserError for class names that cannot head a column, and for a label without a name.
    """

    name: str
    class_names: tuple[str, ...]
    train: Examples
    test: Examples
    heldout: Examples | None
    preprocessing: Preprocessing
    skipped: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_class_names(self.class_names)
        for part in (self.train, self.test, self.heldout):
            if part:
                refuse_unknown(part.labels, len(self.class_names), f"dataset {self.name}")


def require_two_classes(names: Sequence[str]) -> None:
    """Raises UserError where there is nothing to tell apart."""
    if len(names) < 2:
        known = "".join(f" ({name})" for name in names)
        raise UserError(
            f"a classifier needs at least two classes, and the images have {len(names)}{known}; add another"
        )


def check_class_names(names: Sequence[object]) -> None:
    """Raises UserError for names that are no text, cannot be shown in a table, or look alike."""
    seen: dict[str, int] = {}
    for label, name in enumerate(names):
        if not isinstance(name, str):
            raise UserError(f"class {label} has the name {printable(repr(name))}, which is no text; give it a name")
        if not name.strip() or printable(name, LONGEST_NAME) != name:
            raise UserError(
                f"class {label} has the name `{printable(name, 60)}`: a name is 1 to {LONGEST_NAME} printable "
                "characters in one line; rename it"
            )
        # What a reader cannot tell apart is one name: é in one character or in two, a blank at the end.
        same = seen.setdefault(unicodedata.normalize("NFC", name).strip(), label)
        if same != label:
            raise UserError(f"classes {same} and {label} are both called {name}; rename one of them")


def no_examples(shape: tuple[int, int, int]) -> ArrayExamples:
    """The training part of a set that only tests."""
    return ArrayExamples(np.empty((0, *shape), np.uint8), np.empty(0, np.int32), ())


def required_dir(config: DataConfig, how: str) -> str:
    """``data_dir``; raises DataAbsent with what it must hold."""
    if config.data_dir is None:
        raise DataAbsent(f"data.data_dir is missing: {config.dataset} needs {how}")
    return config.data_dir
