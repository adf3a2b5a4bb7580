"""Which settings of a study have no run, as their data is not on this machine, and which cells failed."""

from __future__ import annotations

from dataclasses import dataclass, field

from tf_dlth.config import DataConfig
from tf_dlth.data.loading import load_data
from tf_dlth.errors import DataAbsent, UserError
from tf_dlth.studies.grid import DataDirs, Grid
from tf_dlth.studies.ledger import Ledger
from tf_dlth.studies.results import Results


@dataclass(frozen=True)
class Missing:
    """``absent`` are settings, the axes' values as text, without a run and without data; ``faults`` a line a cell."""

    absent: frozenset[tuple[str, ...]] = field(default_factory=frozenset)
    faults: tuple[str, ...] = ()


def missing(results: Results, origin: str, data_dirs: DataDirs) -> Missing:
    """What is missing now; nothing is known where the files that the study begins with are gone."""
    try:
        grid = Grid(results.study, origin, data_dirs)
        standings = Ledger(grid, trusting=True).standings()
    except UserError as error:
        return Missing(faults=(f"What has not run is not looked into: {error}.",))
    trained = {tuple(str(standing.cell.values[axis]) for axis in results.study.axes)
               for standing in standings if standing.run is not None}  # fmt: skip
    looked_at: dict[str, bool] = {}
    absent = set()
    for cell in grid.cells:
        for placed in grid.candidates(cell):
            setting = tuple(str(placed.values[axis]) for axis in results.study.axes)
            if setting not in trained | absent and _is_absent(grid.config(placed).data, looked_at):
                absent.add(setting)
    faults = tuple(f"{one.cell} failed: {one.reason}." for one in standings if one.state == "failed")
    return Missing(frozenset(absent), faults)


def _is_absent(data: DataConfig, looked_at: dict[str, bool]) -> bool:
    """Whether the dataset's files are not there; a dataset is looked at once, whatever is chosen of it."""
    key = data.model_dump_json(include={"dataset", "data_dir", "train_list", "test_list", "split", "train_part"})
    if key not in looked_at:
        try:
            load_data(data)
            looked_at[key] = False
        except DataAbsent:
            looked_at[key] = True
        except UserError:
            looked_at[key] = False
    return looked_at[key]
