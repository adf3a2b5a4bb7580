"""The figures that a study can ask for, by the names that ``show`` knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tf_dlth.errors import UserError, printable
from tf_dlth.reporting.figures import study_controls, study_curves, study_layers, study_places
from tf_dlth.reporting.figures.study_axes import Draw, Drawn

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

TABLE = "table"
"""What ``show`` calls the main table, which is always there."""


def robustness(results: Results) -> list[Drawn]:
    """By place, and by density where every iteration was measured (figures 3b, 3c, 4 and 9)."""
    return [*study_places.robustness(results), *study_curves.density_of_measures(results)]


SHOW: Mapping[str, Draw] = {
    "size": study_places.size,
    "density": study_curves.density,
    "robustness": robustness,
    "bars": study_places.bars,
    "controls": study_controls.controls,
    "layers": study_layers.layers,
    "cka": study_layers.cka,
    "branch-norms": study_layers.branch_norms,
    "norms": study_layers.norms,
    "longtail": study_layers.longtail,
    "fit": study_curves.fit,
}


def require_known(names: Iterable[str]) -> None:
    """Raises UserError, with the nearest there are, for a name in ``show`` that is neither ``table`` nor a figure."""
    known = [TABLE, *SHOW]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise UserError(f"show: there is no figure {printable(name)}; {hint}")
