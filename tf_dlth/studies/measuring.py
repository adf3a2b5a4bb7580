"""The measures, probes and analyses that a study asks of a finished run's tickets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tf_dlth.config import Config, DataConfig, Dataset, WeightsKind
from tf_dlth.data import Examples
from tf_dlth.evaluation.analyses.findings import Findings, Request
from tf_dlth.evaluation.attacks import parse_epsilon
from tf_dlth.evaluation.evaluator import Evaluator
from tf_dlth.evaluation.images import named_data, read_images
from tf_dlth.evaluation.measuring import Wanted
from tf_dlth.evaluation.probe import probe
from tf_dlth.evaluation.robustness import Attack
from tf_dlth.evaluation.subject import Subject
from tf_dlth.evaluation.transfer import open_backbone, transfer_images
from tf_dlth.lottery import selection
from tf_dlth.models.registry import BUILT_IN
from tf_dlth.reporting.analyses import analyse
from tf_dlth.studies.records import Measurement
from tf_dlth.studies.runs import StoredRun
from tf_dlth.tickets.ticket import iteration_name
from tf_dlth.training.devices import first_device

Line = tuple[str, str, float]
"""Quantity, layer (empty for an overall number) and value of an analysis."""
EPSILON = parse_epsilon("8/255")
"""The paper's largest change of a pixel, figure 9."""


@dataclass(frozen=True)
class Measure:
    """What is evaluated on which dataset, None for the test images, and the number in its record."""

    wanted: Wanted
    data: Dataset | None
    number: Callable[[Mapping[str, Any]], float]


MEASURES: Mapping[str, Measure] = {
    "ece": Measure(Wanted(ece=True), None, lambda record: record["ece"]),
    "fgsm": Measure(Wanted(attack=Attack("fgsm", EPSILON)), None, lambda record: record["attack"]["accuracy"]),
    "pgd": Measure(Wanted(attack=Attack("pgd", EPSILON)), None, lambda record: record["attack"]["accuracy"]),
    "cifar10_c": Measure(Wanted(), "cifar10_c", lambda record: record["corruptions"]["mean"]),
    "cifar10_2": Measure(Wanted(), "cifar10_2", lambda record: record["accuracy"]),
}


def weights_of(run: StoredRun) -> WeightsKind:
    """Which weights are measured: those that held-out images chose, the last where none are held out."""
    return "heldout" if "heldout" in selection.rules(run.rows) else "last"


def needs_trust(config: Config) -> bool:
    """Whether the tickets of a run have an architecture that the study's own files name."""
    return config.model.architecture not in BUILT_IN


class Measuring:
    """Measures the tickets of one run; images are read once for all of them."""

    def __init__(self, run: StoredRun, data_dirs: Mapping[Dataset, str], devices: str) -> None:
        self._run, self._data_dirs, self._devices = run, data_dirs, devices
        self._weights: WeightsKind = weights_of(run)
        self._trust = needs_trust(run.config)
        self._evaluator = Evaluator(None, lambda data: data)  # no cache: the study keeps each number by its ticket

    def __call__(self, asked: Measurement) -> Any:
        """A number, or the lines of an analysis; raises DataAbsent where the images are not on this machine."""
        how = {"evaluate": self._evaluate, "probe": self._probe, "analyze": self._analyze}[asked.kind]
        return how(asked.name, str(self._run.path / iteration_name(asked.iteration)))

    def _evaluate(self, name: str, ticket: str) -> float:
        measure = MEASURES[name]
        directory = self._data_dirs.get(measure.data) if measure.data else None
        with first_device(self._devices):
            record = self._evaluator.measure(
                measure.wanted, ticket, self._weights, self._trust, measure.data, directory, lambda done, of: None
            )
        return measure.number(record)

    def _probe(self, name: Any, ticket: str) -> float:
        run = self._run
        data = DataConfig(dataset=name, data_dir=self._data_dirs.get(name))
        config = Config(name="probe", seed=run.facts.seed, data=data, probe=run.config.probe)
        backbone = open_backbone(ticket, self._weights, self._trust)
        images = transfer_images(data, backbone.preprocessing)
        return probe(backbone, images, config, self._devices, lambda position, rate: None).accuracy

    def _analyze(self, name: str, ticket: str) -> list[Line]:
        return lines(name, analyse(name, self._request(ticket)))

    def _request(self, *tickets: str) -> Request:
        return Request(tickets, own_test_images, self._weights, self._devices, self._trust)


def overlap(first: StoredRun, second: StoredRun) -> list[Line]:
    """Of the best sparse tickets of two runs."""
    paths = [str(run.ticket) for run in (first, second)]
    return lines("overlap", analyse("overlap", Request(paths, own_test_images, trust=needs_trust(first.config))))


def own_test_images(subject: Subject) -> tuple[str, Examples]:
    """A ticket's own, and their name."""
    config = named_data(subject, None, None)
    assert config is not None, "a run's ticket knows its images"
    return config.dataset, read_images(subject, None, config)


def lines(name: str, findings: Findings[Any]) -> list[Line]:
    """The numbers of an analysis that a study compares."""
    return list(LINES[name](findings))


def _density(findings: Findings[Any]) -> list[Line]:
    quantities = ("density", "null_theta_0", "null_theta_r")
    return [(quantity, row["layer"], row[quantity]) for row in findings.rows for quantity in quantities]


def _cka(findings: Findings[Any]) -> list[Line]:
    (record,) = findings.records
    return [("early_mean", "", record["first_half_mean"]), ("widest_block", "", record["largest_block"])]


def _branch_norms(findings: Findings[Any]) -> list[Line]:
    return [
        ("mean", "", row["ratio"]) if row["block"] == "mean" else ("ratio", row["block"], row["ratio"])
        for row in findings.rows
    ]


def _weight_norms(findings: Findings[Any]) -> list[Line]:
    return [
        (quantity, "" if row["layer"] == "mean" else row["layer"], row[quantity])
        for row in findings.rows
        for quantity in ("masked", "magnitude", "whole")
    ]


def _overlap(findings: Findings[Any]) -> list[Line]:
    return [
        (quantity, "" if row["layer"] == "all" else row["layer"], row[quantity])
        for row in findings.rows
        for quantity in ("jaccard", "expected")
    ]


LINES: Mapping[str, Callable[[Findings[Any]], list[Line]]] = {
    "density": _density,
    "cka": _cka,
    "branch-norms": _branch_norms,
    "weight-norms": _weight_norms,
    "overlap": _overlap,
}
