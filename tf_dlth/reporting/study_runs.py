"""How the runs of a study are made again, and what was admitted to them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tf_dlth.reporting import study_models
from tf_dlth.reporting.page.content import Table
from tf_dlth.reporting.study_text import NOTHING, value_title

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results


def commands(results: Results) -> Table:
    """How each run is made again, one by one."""
    study = results.study
    runs = study_models.named(results.networks, study).drop_duplicates("run")
    rows = [
        [str(row["arm"]), ", ".join(value_title(axis, row[axis]) for axis in study.axes) or NOTHING,
         f"{row['seed']}, {row['subset_seed']}, {row['mask_seed']}",
         f"python -m tf_dlth.train --config {shlex.quote(str(row['run']) + '/config.yaml')}"]
        for row in runs.to_dict("records")
    ]  # fmt: skip
    caption = "Each run by itself. Its config.yaml holds every setting; a finished run is left as it is."
    return Table("runs", caption, ["arm", "setting", "seed, subset, mask", "command"], rows)


def admitted(results: Results) -> Table | None:
    """Changes that were admitted to a run after it had begun; None where there were none."""
    networks = results.networks
    texts = networks["admitted"].fillna("").astype(str).str.strip()
    changed = networks.assign(admitted=texts)[texts != ""].drop_duplicates(["run", "admitted"])
    rows = [[str(row["run"]), str(row["admitted"])] for row in changed.to_dict("records")]
    caption = "These runs did not keep to one configuration from start to end."
    return Table("admitted", caption, ["run", "change"], rows) if rows else None
