"""The configuration of a study: a grid of runs over seeds, what is measured on them, and the claims they judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from tf_dlth.config.base import Section, Seed
from tf_dlth.config.keys import field_at
from tf_dlth.config.loading import parse_tree, read_text, validated
from tf_dlth.config.schema import Config, Dataset

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
Pair = tuple[Seed, Seed]
"""(seed, data.subset_seed)"""
Measure = Literal["ece", "fgsm", "pgd", "cifar10_c", "cifar10_2"]
Analysis = Literal["density", "cka", "branch-norms", "weight-norms", "overlap"]
TICKET, RUN = "TICKET", "RUN"
"""In an arm's values: the best sparse ticket of its source, and its folder."""
FILE = "FILE"
"""The override of a setting that takes another file in the base's place."""
STARRED = "best"
"""The label of Aug* in a study without another axis."""
GIVEN = ("name", "seed", "data.subset_seed", "pruning.mask_seed", "output.directory", "training.threads")
"""Keys of a run that the study itself decides."""


class Arm(Section):
    """Runs that differ from their base in ``set``, dotted keys to values.

    TICKET and RUN in a value are the best sparse ticket, by held-out images, and the folder of the arm ``source`` in
    the same cell, or at other values of the axes by ``source_at``. ``mask_seeds`` are several draws inside a pair. A
    ``starred`` arm is trained only at the value of ``best_of`` that its source's tickets did best at, and a source that
    is starred hands its value on; ``at`` keeps an arm to some values of the axes.
    """

    set: dict[str, Any] = Field(default_factory=dict)
    source: Name | None = None
    source_at: dict[str, Any] = Field(default_factory=dict)
    mask_seeds: Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)] = (0,)
    starred: bool = False
    at: dict[str, list[Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _source_where_it_is_used(self) -> Self:
        uses = any(word in value for value in self.set.values() if isinstance(value, str) for word in (TICKET, RUN))
        if uses and self.source is None:
            raise ValueError(f"{TICKET} and {RUN} stand for another arm's; name it as source")
        return self


class StudyConfig(Section):
    """One study. Each combination of the axes' values is a setting, and at each setting every arm runs with every pair.

    ``axes`` has the values of a dotted key as a list, or under a title of one's own a mapping of names to sets of
    dotted keys, or to files that take the base's place. ``best_of`` is the axis whose best value, on held-out images,
    stands for a class of models (Aug*); ``fixed`` names the paper's own choice at each value of another axis.
    ``iterations`` says which networks of a search are measured: all, or the dense one and the chosen ones.
    ``published`` has, by setting's label, where in paper_results.yaml a number stands: its accuracy by model, which is
    ``dense``, ``ticket`` or an arm of one training, and what is measured of it as ``model/measure``, a column of
    networks.csv or a kind of analysis (``ticket/probe_cifar100``, ``ticket/weight-norms``). A label is the axes' values
    as text, joined by a comma and a space, in the axes' order: ``0.01, rand``; without the value of ``best_of`` it
    speaks of Aug*: ``0.01``, or ``best`` where no other axis is left.
    ``scale`` heads whatever is smaller than the paper; such a study has nothing published.
    """

    name: Name
    title: str = ""
    base: str
    directory: str = "saved_tickets"
    seeds: Annotated[tuple[Pair, ...], Field(min_length=1)] = ((0, 0),)
    axes: dict[str, list[Any] | dict[str, dict[str, Any]]] = Field(default_factory=dict)
    best_of: str | None = None
    fixed: dict[str, Any] = Field(default_factory=dict)
    arms: dict[Name, Arm] = Field(default_factory=lambda: {"ticket": Arm()})
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    evaluate: tuple[Measure, ...] = Field(default=(), strict=False)
    probe: tuple[Dataset, ...] = Field(default=(), strict=False)
    analyze: tuple[Analysis, ...] = Field(default=(), strict=False)
    iterations: Literal["chosen", "all"] = "chosen"
    data_dirs: dict[Dataset, str] = Field(default_factory=dict)
    claims: tuple[Name, ...] = Field(default=(), strict=False)
    show: tuple[Name, ...] = Field(default=("table",), strict=False)
    published: dict[str, dict[str, str]] = Field(default_factory=dict)
    scale: str = ""

    @field_validator("seeds", mode="before")
    @classmethod
    def _pairs(cls, seeds: Any) -> Any:
        """A number n is the pair (n, n): the seed and the images are varied together."""
        pairs = [
            (s, s) if isinstance(s, int) else tuple(s) if isinstance(s, list | tuple) else s for s in _listed(seeds)
        ]
        if not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
            raise ValueError(f"must be a list of numbers or of pairs [seed, subset_seed], got {seeds!r}")
        return tuple(pairs)

    @field_validator("axes", mode="before")
    @classmethod
    def _files(cls, axes: Any) -> Any:
        """A file's name under a title is the one override FILE."""
        if not isinstance(axes, Mapping):
            return axes
        for axis, values in axes.items():
            named = values.values() if isinstance(values, Mapping) else []
            if not isinstance(values, list | Mapping) or not all(isinstance(v, str | Mapping) for v in named):
                raise ValueError(
                    f"{axis} must be a list of its key's values, or names with a file or a mapping of keys each"
                )
        return {key: {n: {FILE: v} if isinstance(v, str) else v for n, v in values.items()}
                if isinstance(values, Mapping) else values for key, values in axes.items()}  # fmt: skip

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        _require_unique("seeds", self.seeds)
        for axis, values in self.axes.items():
            if not values:
                raise ValueError(f"axes.{axis} has no values")
            if isinstance(values, list):
                _require_key(axis, "axes")
                _require_unique(f"axes.{axis}", [str(value) for value in values])
                if any(isinstance(value, list | dict) for value in values):
                    raise ValueError(f"axes.{axis}: a value that is no word or number needs a name; give a mapping")
            else:
                for name, overrides in values.items():
                    for key in overrides.keys() - {FILE}:
                        _require_key(key, f"axes.{axis}.{name}")
        if self.best_of is not None and not isinstance(self.axes.get(self.best_of), list):
            raise ValueError(f"best_of: {self.best_of} must be one of the axes that list a key's values")
        if self.scale and self.published:
            raise ValueError("published: results of another scale never stand beside the paper's; leave one out")
        for name, arm in self.arms.items():
            self._check_arm(name, arm)
        self._check_published()
        return self

    def _check_published(self) -> None:
        labels = self.labels()
        for label, places in self.published.items():
            if label not in labels:
                raise ValueError(f"published: {label} is no setting; settings are {'; '.join(sorted(labels)[:4])} ...")
            for key in places:
                if key.partition("/")[0] not in {"dense", "ticket", *self.arms}:
                    raise ValueError(f"published.{label}: {key} must begin with dense, ticket or the name of an arm")

    def _check_arm(self, name: str, arm: Arm) -> None:
        for key in arm.set:
            _require_key(key, f"arms.{name}.set")
        if arm.source is not None:
            source = self.arms.get(arm.source)
            if source is None or arm.source == name:
                raise ValueError(f"arms.{name}.source: {arm.source} must be another arm")
            if source.source is not None and source.starred and not arm.starred:
                raise ValueError(f"arms.{name}: its source {arm.source} is starred, so it must be starred too")
            seen = {name}
            while arm.source is not None:
                if arm.source in seen:
                    raise ValueError(f"arms.{name}.source: the sources go round in a circle")
                seen.add(arm.source)
                arm = self.arms[arm.source]
        if self.arms[name].starred and (self.best_of is None or self.arms[name].source is None):
            raise ValueError(f"arms.{name}.starred: needs best_of, and a source whose tickets choose its value")
        self._check_places(f"arms.{name}.at", self.arms[name].at)
        self._check_places(f"arms.{name}.source_at", {k: [v] for k, v in self.arms[name].source_at.items()})

    def _check_places(self, where: str, places: Mapping[str, list[Any]]) -> None:
        for axis, values in places.items():
            known = self.axes.get(axis)
            if known is None or not set(map(str, values)) <= set(map(str, known)):
                raise ValueError(f"{where}: {axis} must be an axis, with values of its own")

    def to_yaml(self) -> str:
        """Every key with its value, in the schema's order."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    def settings(self) -> list[dict[str, Any]]:
        """Every combination of the axes' values, in order: by axis a value, or the name of a set."""
        return [dict(zip(self.axes, values, strict=True)) for values in product(*self.axes.values())]

    def label(self, setting: Mapping[str, Any], starred: bool = False) -> str:
        """A setting as text; a ``starred`` one leaves out which value of ``best_of`` did best."""
        values = [str(value) for axis, value in setting.items() if not (starred and axis == self.best_of)]
        return ", ".join(values) or STARRED

    def labels(self) -> set[str]:
        """Of every setting, and of every one that stands for the best of its kind."""
        settings = self.settings()
        starred = {self.label(setting, starred=True) for setting in settings} if self.best_of else set()
        return {self.label(setting) for setting in settings} | starred

    def overrides(self, setting: Mapping[str, Any]) -> dict[str, Any]:
        """The dotted keys of a setting; FILE is the one that takes the base's place."""
        found: dict[str, Any] = {}
        for axis, value in setting.items():
            values = self.axes[axis]
            found |= {axis: value} if isinstance(values, list) else values[value]
        return found


def load_study(path: str | Path, overrides: Iterable[str] = ()) -> StudyConfig:
    """Reads a study's YAML file and applies ``key.path=value`` overrides; raises UserError for anything unfit.

    Files that it names, relative to its own folder, come back relative to the current one.
    """
    tree = parse_tree(read_text(path), overrides, str(path), StudyConfig)
    study = validated(tree, StudyConfig)
    folder = Path(path).parent

    def placed(overrides: dict[str, Any]) -> dict[str, Any]:
        return {key: str(folder / value) if key == FILE else value for key, value in overrides.items()}

    axes = {
        axis: values if isinstance(values, list) else {name: placed(keys) for name, keys in values.items()}
        for axis, values in study.axes.items()
    }
    return study.model_copy(update={"base": str(folder / study.base), "axes": axes})


def stored_study(path: Path) -> StudyConfig:
    """What :meth:`StudyConfig.to_yaml` wrote: a study whose files are named from where it was started."""
    return validated(parse_tree(read_text(path), (), str(path), StudyConfig), StudyConfig, f"{path} is damaged: ")


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _require_key(key: str, where: str) -> None:
    if key in GIVEN:
        raise ValueError(f"{where}: the study itself decides {key}")
    if field_at(Config, key) is None:
        raise ValueError(f"{where}: {key} is no key of a run")


def _require_unique(where: str, values: Iterable[Any]) -> None:
    values = list(values)
    if len(set(values)) < len(values):
        raise ValueError(f"{where}: a value is given twice")
