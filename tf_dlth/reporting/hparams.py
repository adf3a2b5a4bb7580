"""A study in TensorBoard: one run a line with its settings and what came of them, accuracy by density, layer densities.

The events are derived: every call writes the folder anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tf_dlth import files
from tf_dlth.lottery.selection import TEST_ACCURACY
from tf_dlth.reporting import study_models
from tf_dlth.reporting.study_models import DENSE, PAIR
from tf_dlth.tickets.manifest import MANIFEST
from tf_dlth.tickets.ticket import iteration_name

if TYPE_CHECKING:
    from tf_dlth.studies.results import Results

FOLDER = "tensorboard"
METRICS = {
    "accuracy": "test accuracy of the chosen network",
    "dense_accuracy": "test accuracy of the search's dense network",
    "density": "density of the chosen network",
}
"""Tag -> what TensorBoard's table calls it; of the held-out rule, or where nothing is held out of test_best."""


def write_hparams(results: Results, folder: Path) -> Path:
    """Writes ``folder/tensorboard``, a folder a run in it, and returns it."""
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    root = folder / FOLDER
    if root.exists():
        files.remove(root)
    networks = study_models.named(results.networks, results.study)
    settings = ["arm", *results.study.axes, *PAIR, "mask_seed"]
    with _writer(root).as_default(step=0):
        api.hparams_config(
            hparams=[api.HParam(name) for name in settings],
            metrics=[api.Metric(tag, display_name=title) for tag, title in METRICS.items()],
        )
    chosen = study_models.decided(results)
    for run, rows in networks.drop_duplicates(["run", "iteration"]).groupby("run", sort=False):
        values = {name: _plain(rows[name].iloc[0]) for name in settings}
        with _writer(root / Path(str(run)).name).as_default(step=0):
            api.hparams(values, trial_id=str(rows["config_sha256"].iloc[0]) + str(run))
            for tag, value in _metrics(chosen[chosen["run"] == run]).items():
                tf.summary.scalar(tag, value)
            _write_iterations(rows.sort_values("iteration"), Path(str(run)))
    return root


def _writer(folder: Path) -> Any:
    import tensorflow as tf

    return tf.summary.create_file_writer(str(folder))


def _metrics(models: pd.DataFrame) -> dict[str, float]:
    """Of a search its ticket and its dense network, of any other run the network that it stands for."""
    is_dense = models["model"].eq(DENSE) | models["model"].str.endswith(f", {DENSE}")
    dense, chosen = models[is_dense], models[~is_dense]
    if chosen.empty:
        dense, chosen = chosen, dense
    return {tag: float(rows[column].iloc[0]) for tag, rows, column in (
        ("accuracy", chosen, "accuracy"), ("dense_accuracy", dense, "accuracy"), ("density", chosen, "density"),
    ) if len(rows)}  # fmt: skip


def _write_iterations(rows: pd.DataFrame, run: Path) -> None:
    """The accuracy against the density, in hundredths of a per cent as steps are whole numbers, and each layer's."""
    import tensorflow as tf

    column = TEST_ACCURACY["heldout" if rows["heldout_accuracy"].notna().all() else "test_best"]
    for row in rows.to_dict("records"):
        if row["density"] < 1 or row["iteration"] == 0:
            tf.summary.scalar("test_accuracy_by_density", row[column], step=round(1e4 * row["density"]))
        manifest = run / iteration_name(int(row["iteration"])) / MANIFEST
        if manifest.is_file():
            densities = [layer["density"] for layer in files.read_json(manifest)["layers"].values()]
            tf.summary.histogram("layer_density", densities, step=int(row["iteration"]))


def _plain(value: Any) -> bool | int | float | str:
    """NumPy's numbers as Python's."""
    return value.item() if hasattr(value, "item") else value
