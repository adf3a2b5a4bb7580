"""From a study to its cells, and from a cell to the configuration of its run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from tf_dlth.config import Config, Dataset
from tf_dlth.config.loading import build_config, parse_tree, read_text
from tf_dlth.config.study import FILE, RUN, TICKET, Pair, StudyConfig
from tf_dlth.errors import UserError

STAR = "*"
"""The value of ``best_of`` of a starred cell for as long as it is not decided."""
LONGEST_SLUG = 70
"""Characters of a run's name that can be read; the digest follows."""
STANDS_FOR = re.compile(rf"\b({TICKET}|{RUN})\b")

DataDirs = Mapping[Dataset, str]
"""Where datasets lie that do not say so themselves."""


@dataclass(frozen=True)
class Cell:
    """One run of a study: an arm at a setting, the values of the axes in their order, with a pair of seeds."""

    arm: str
    setting: tuple[tuple[str, Any], ...]
    pair: Pair
    mask_seed: int

    def __str__(self) -> str:
        values = [f"{axis.rpartition('.')[2]} {value}" for axis, value in self.setting]
        mask = [f"mask {self.mask_seed}"] if self.mask_seed else []
        return ", ".join([self.arm, *values, f"seeds {self.pair[0]}/{self.pair[1]}", *mask])

    @property
    def values(self) -> dict[str, Any]:
        """The setting by axis."""
        return dict(self.setting)

    def placed(self, changes: Mapping[str, Any]) -> Cell:
        """The cell of the same arm at other values of axes."""
        return replace(self, setting=tuple((axis, changes.get(axis, value)) for axis, value in self.setting))


class Grid:
    """The cells of a study; ``origin`` is the study's file as it was typed, for mistakes.

    Raises UserError, naming a cell, unless every cell's run would be a valid one.
    """

    def __init__(self, study: StudyConfig, origin: str, data_dirs: DataDirs) -> None:
        self.study, self._origin = study, origin
        self.data_dirs: DataDirs = {**data_dirs, **study.data_dirs}
        self._bases: dict[str, dict[str, Any]] = {}
        self.cells = tuple(self._cells())
        for cell in self.cells:
            for placed in self.candidates(cell):
                self.source(placed)
                self.config(placed)

    def candidates(self, cell: Cell) -> list[Cell]:
        """The cell itself, or where its star is not decided the cells that it may become."""
        axis = self.study.best_of
        if axis is None or cell.values[axis] != STAR:
            return [cell]
        return [cell.placed({axis: value}) for value in self._star_values(cell.arm)]

    def deciders(self, cell: Cell) -> dict[Any, list[Cell]]:
        """By value of ``best_of``, the cells whose tickets decide which of them the star of ``cell`` is."""
        axis, arm = self.study.best_of, self._deciding_arm(cell.arm)
        assert axis is not None, "the configuration has looked"
        seed = self.study.arms[arm].mask_seeds[0]
        return {
            value: [
                replace(cell.placed({axis: value}), arm=arm, pair=pair, mask_seed=seed) for pair in self.study.seeds
            ]
            for value in self._star_values(cell.arm)
        }

    def source(self, cell: Cell) -> Cell | None:
        """The cell whose ticket this one begins with or is measured by; raises UserError where there is none."""
        arm = self.study.arms[cell.arm]
        if arm.source is None:
            return None
        seeds = self.study.arms[arm.source].mask_seeds
        seed = cell.mask_seed if cell.mask_seed in seeds else seeds[0]
        found = replace(cell.placed(arm.source_at), arm=arm.source, mask_seed=seed)
        if not self._is_run(arm.source, found.values):
            raise UserError(f"{self._origin}: {cell}: its source, {found}, is no cell of the study")
        return found

    def config(self, cell: Cell, ticket: str = TICKET, run: str = RUN) -> Config:
        """The configuration of a cell's run, whose name tells what it is; ``ticket`` and ``run`` are its source's."""
        study, arm = self.study, self.study.arms[cell.arm]
        keys = study.overrides(cell.values)
        tree = self._base(keys.pop(FILE, study.base))
        own = {key: _filled(value, {TICKET: ticket, RUN: run}) for key, value in arm.set.items()}
        decided = {
            "name": study.name,
            "seed": cell.pair[0],
            "data.subset_seed": cell.pair[1],
            "pruning.mask_seed": cell.mask_seed,
            "output.directory": study.directory,
            "output.savedmodel": "winner",
            "training.threads": study.threads,
        }
        try:
            config = build_config(_with(tree, {**keys, **own, **decided}))
        except UserError as error:
            raise UserError(f"{self._origin}: {cell}: {error}") from None
        config = self._located(config)
        return config.model_copy(update={"name": f"{_slug(cell)}-{config.sha256()[:8]}"})

    def _cells(self) -> Iterator[Cell]:
        study, axis = self.study, self.study.best_of
        for setting in study.settings():
            for name, arm in study.arms.items():
                placed = setting
                if arm.starred and axis is not None:
                    if setting[axis] != next(iter(study.axes[axis])):
                        continue  # one cell stands for all values of that axis
                    placed = {**setting, axis: STAR}
                if self._is_run(name, placed):
                    for pair, seed in product(study.seeds, arm.mask_seeds):
                        yield Cell(name, tuple(placed.items()), pair, seed)

    def _is_run(self, arm: str, setting: Mapping[str, Any]) -> bool:
        """Whether ``at`` leaves the arm at a setting; a star may become any of the values that are left."""
        places = self.study.arms[arm].at
        return all(setting[axis] == STAR or setting[axis] in values for axis, values in places.items())

    def _star_values(self, arm: str) -> list[Any]:
        assert self.study.best_of is not None
        axis = self.study.best_of
        both = [self.study.arms[name].at for name in (arm, self._deciding_arm(arm))]
        return [value for value in self.study.axes[axis] if all(value in at.get(axis, [value]) for at in both)]

    def _deciding_arm(self, arm: str) -> str:
        """The first of the sources that is not starred itself."""
        while self.study.arms[arm].starred:
            source = self.study.arms[arm].source
            assert source is not None, "the configuration has looked"
            arm = source
        return arm

    def _base(self, path: str) -> dict[str, Any]:
        if path not in self._bases:
            self._bases[path] = parse_tree(read_text(path), (), path, Config)
        return deepcopy(self._bases[path])

    def _located(self, config: Config) -> Config:
        data = config.data
        if data.data_dir is not None or (directory := self.data_dirs.get(data.dataset)) is None:
            return config
        return config.model_copy(update={"data": data.model_copy(update={"data_dir": directory})})


def _filled(value: Any, meanings: Mapping[str, str]) -> Any:
    return STANDS_FOR.sub(lambda found: meanings[found[0]], value) if isinstance(value, str) else value


def _with(tree: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """The tree with the values of dotted keys put in."""
    for dotted, value in keys.items():
        *path, last = dotted.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise UserError(f"{part} is a value, not a section")
        node[last] = value
    return tree


def _slug(cell: Cell) -> str:
    """What a run is, in a folder's name."""
    words = [cell.arm, *(str(value) for _, value in cell.setting), f"s{cell.pair[0]}", f"d{cell.pair[1]}"]
    mask = [f"m{cell.mask_seed}"] if cell.mask_seed else []
    return re.sub(r"[^A-Za-z0-9.]+", "-", "-".join([*words, *mask])).strip("-.")[:LONGEST_SLUG]
