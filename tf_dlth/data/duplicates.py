"""Identical images that would make a result wrong: in two parts, or under two classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tf_dlth.data.examples import Examples
from tf_dlth.data.faults import every
from tf_dlth.errors import UserError, printable


def digests_of(parts: Mapping[str, Examples | None]) -> dict[str, list[bytes]]:
    """The digest of every image of each part; raises UserError naming all that cannot be read."""
    return dict(zip(parts, every(lambda part: part.digests() if part else [], parts.values()), strict=True))


def refuse_duplicates(
    parts: Mapping[str, Examples | None],
    digests: Mapping[str, Sequence[bytes]],
    class_names: Sequence[str],
    folded: bool = False,
) -> None:
    """Raises UserError naming two images of one digest that lie in two parts or have two labels.

    Where the training and held-out images are ``folded``, no two of them may be of one digest: folds part them.
    """
    seen: dict[bytes, tuple[str, str, int]] = {}
    for part, examples in parts.items():
        if not examples:
            continue
        for digest, name, label in zip(digests[part], examples.names, examples.labels.tolist(), strict=True):
            if digest not in seen:
                seen[digest] = (part, name, label)
                continue
            first_part, first_name, first_label = seen[digest]
            one, other = printable(first_name), printable(name)
            if first_part != part:
                raise UserError(
                    f"images {one} ({first_part}) and {other} ({part}) are identical, so one part leaks into another; "
                    "remove one of them"
                )
            if folded and part != "test":
                raise UserError(
                    f"images {one} and {other} are identical, and leak from one fold into another; remove one of them"
                )
            if first_label != label:
                raise UserError(
                    f"images {one} (class {class_names[first_label]}) and {other} (class {class_names[label]}) are "
                    "identical, but of two classes; remove one of them"
                )
