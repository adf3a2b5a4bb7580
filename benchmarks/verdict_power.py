"""How often verdicts are right: studies drawn from worlds whose truth is known, judged from their tables on.

    python benchmarks/verdict_power.py --out verdict_power.json [--worlds 500]

A world has pairs of a shared difficulty, at two sizes of data; a search of one dense network and 15 tickets; a control
that trains and chooses as often; and single trainings. Every training has luck of its own, which held-out and test
images both show and each blurs by chance. ``gain`` is what every ticket is truly better by; nothing else differs.

The table gives, by the true gain and the number of pairs, the share of worlds in which a claim is confirmed: within the
list of all claims, and, in brackets, were it the only one. The gain is the same at both sizes, so ``gap-grows``, the
last column, is never true. The line below is the comparison that verdicts refuse: the best ticket on test images
against one dense network.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tf_dlth import provenance
from tf_dlth.analysis.significance import ALPHA
from tf_dlth.config.study import StudyConfig
from tf_dlth.studies.results import Results
from tf_dlth.studies.verdicts import CLAIMS as FAMILY
from tf_dlth.studies.verdicts import Judged, judge_study

CLAIMS = ("ticket-beats-matched", "ticket-beats-random", "gain-survives-equal-compute", "gap-grows")
SIZES = {"0.01": 500, "0.1": 5000}
DIFFICULTY, LUCK, BEST_EPOCH, MASK = 0.02, 0.01, 0.003, 0.002
"""Standard deviations of an accuracy: between pairs, between trainings, of the best epoch, between random masks."""
HELD_OUT, TEST = 0.02, 0.005
"""Standard errors on 500 held-out and 10,000 test images at an accuracy of 60 %."""
ARMS = (("ticket", 16, 1), ("matched", 16, 1), ("random", 1, 2), ("equal", 1, 1))
"""Name, networks a run, mask seeds."""
NO_ANALYSES = pd.DataFrame(columns=["run", "kind", "quantity", "iteration", "layer", "other", "value"])


@dataclass(frozen=True)
class World:
    """``gain`` by size of data of the tickets that were pruned, in fractions."""

    pairs: int
    gain: tuple[float, float] = (0.0, 0.0)

    def studies(self, count: int, seed: int, claims: tuple[str, ...] = CLAIMS) -> Iterator[Results]:
        """Studies of this world, as tables."""
        axes: dict[str, Any] = {"data.fraction": [float(size) for size in SIZES]}
        study = StudyConfig(name="world", base="base.yaml", axes=axes, claims=claims)
        random = np.random.RandomState(seed)
        places = _places(self.pairs)
        cell = places["seed"].to_numpy() * len(SIZES) + places["size"].to_numpy()
        run = places.groupby(["arm", "size", "seed", "mask_seed"], sort=False).ngroup().to_numpy()
        sparse = ((places["arm"] == "ticket") & (places["iteration"] > 0)).to_numpy()
        gain = np.where(sparse, np.array(self.gain)[places["size"]], 0.0)
        mask = np.where(places["arm"] == "random", MASK, 0.0)
        tables = places.drop(columns="size")
        for _ in range(count):
            difficulty = DIFFICULTY * random.randn(self.pairs * len(SIZES))[cell]
            true = 0.6 + difficulty + LUCK * random.randn(len(cell)) + mask * random.randn(run.max() + 1)[run] + gain
            test = true + TEST * random.randn(len(cell))
            accuracies = {
                "heldout_accuracy": true + HELD_OUT * random.randn(len(cell)),
                "test_accuracy_heldout": test,
                "test_accuracy_best": test + np.abs(BEST_EPOCH * random.randn(len(cell))),
                "test_accuracy_last": test,
            }
            yield Results(study, tables.assign(**accuracies), NO_ANALYSES)


def _places(pairs: int) -> pd.DataFrame:
    """All columns that are no accuracies, a row a network; ``size`` is the index of ``data.fraction``."""
    rows = [
        {"arm": arm, "data.fraction": name, "seed": s, "subset_seed": s, "mask_seed": m, "iteration": k,
         "run": f"{arm}-{name}-{s}-{m}", "labels_train": labels, "density": 0.8**k, "size": size}
        for size, (name, labels) in enumerate(SIZES.items()) for s in range(pairs) for arm, networks, masks in ARMS
        for m in range(masks) for k in range(networks)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Rates:
    """Of a claim, the share of worlds that confirm or contradict it, in the family and ``alone``."""

    confirmed: float
    contradicted: float
    confirmed_alone: float
    contradicted_alone: float
    naive: float
    naive_alone: float
    """The best ticket on test images against one network of the other side: confirmed."""


def rates(world: World, worlds: int, seed: int, claims: tuple[str, ...] = CLAIMS) -> dict[str, Rates]:
    """Of every claim, over ``worlds`` studies."""
    judged = [judge_study(results) for results in world.studies(worlds, seed, claims)]
    return {claims[0].name: _rates(claims) for claims in zip(*judged, strict=True)}


def _rates(judged: Sequence[Judged]) -> Rates:
    words = np.array([one.verdict.word for one in judged])
    means = np.array([one.difference.mean for one in judged])
    alone = np.array([one.verdict.test.p for one in judged], float) < ALPHA
    naive = [one.beside[-1].test for one in judged]
    fooled = np.array([test.p if test.differences.mean > 0 else 1.0 for test in naive], float)
    return Rates(
        confirmed=float((words == "confirmed").mean()),
        contradicted=float((words == "contradicted").mean()),
        confirmed_alone=float((alone & (means > 0)).mean()),
        contradicted_alone=float((alone & (means < 0)).mean()),
        naive=float((len(FAMILY) * fooled < ALPHA).mean()),
        naive_alone=float((fooled < ALPHA).mean()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="The power of verdicts, in worlds whose truth is known.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--worlds", type=int, default=500)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print("| gain | pairs | " + " | ".join(CLAIMS) + " |")
    print("|" + "---|" * (2 + len(CLAIMS)))
    for points in (0, 1, 3):
        for pairs in (3, 5, 10):
            found = rates(World(pairs, (points / 100, points / 100)), options.worlds, seed=pairs)
            shown = [f"{100 * r.confirmed:.0f} ({100 * r.confirmed_alone:.0f})" for r in found.values()]
            print(f"| {points} | {pairs} | {' | '.join(shown)} |", flush=True)
            rows.append({"points": points, "pairs": pairs, **{name: vars(r) for name, r in found.items()}})
    print(f"best on test images against one dense network, no gain: {_naive(rows)}")
    facts = {"host": provenance.host(1), **provenance.versions(), "worlds": options.worlds, "rows": rows}
    options.out.write_text(json.dumps(facts, indent=2), encoding="utf-8")


def _naive(rows: Sequence[dict[str, Any]]) -> str:
    equal = [row for row in rows if row["points"] == 0]
    found = [(row["pairs"], row[CLAIMS[0]]) for row in equal]
    return ", ".join(f"{100 * r['naive']:.0f} ({100 * r['naive_alone']:.0f}) at {pairs} pairs" for pairs, r in found)


if __name__ == "__main__":
    main()
