"""A study's results made by hand: 3 pairs, 2 sizes, 2 augmentations, searches of 4 prunings, all arms.

Accuracies under the rule heldout, before a pair's offset of -0.01, 0 and 0.01:

    size  augment  k = 0     1     2     3     4
    0.02  basic     0.50  0.52  0.55  0.53  0.51
    0.02  rand      0.60  0.64  0.70  0.66  0.62
    0.01  basic     0.40  0.41  0.42  0.44  0.43
    0.01  rand      0.38  0.42  0.46  0.50  0.56

Held-out accuracy is 0.01 above; test_best is 0.02 above, and 0.10 at k = 1; last is 0.01 below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from tf_dlth.config.study import StudyConfig
from tf_dlth.studies.results import Results

SIZE, AUGMENT = "data.fraction", "data.augment"
ACCURACY = {
    ("0.02", "basic"): (0.50, 0.52, 0.55, 0.53, 0.51),
    ("0.02", "rand"): (0.60, 0.64, 0.70, 0.66, 0.62),
    ("0.01", "basic"): (0.40, 0.41, 0.42, 0.44, 0.43),
    ("0.01", "rand"): (0.38, 0.42, 0.46, 0.50, 0.56),
}
TICKETS = {("0.02", "basic"): 2, ("0.02", "rand"): 2, ("0.01", "basic"): 3, ("0.01", "rand"): 4}
"""The best pruned iteration by held-out accuracy."""
OFFSETS = (-0.01, 0.0, 0.01)
PRUNABLE = 10_000
TICKET_LESS = {"equal": 0.06, "random": 0.09, "layerwise": 0.05, "small": 0.07, "fresh": 0.10, "long": -0.02}
"""What single trainings lack to the ticket at the starred augmentation."""
SEARCH_LESS = {"rate": 0.01, "mixup": 0.03, "cutmix": 0.04, "augmix": 0.05}
"""What other searches lack at each k."""
DENSITIES = {
    "stem/kernel": (0.9, 0.8, 0.85),
    "stage1_block1_conv1/kernel": (0.5, 0.5, 0.5),
    "stage2_block1_shortcut/kernel": (0.7, 0.6, 0.6),
}
"""At k = 4: the ticket's, and its controls' on theta_0 and theta_r."""
STUDY: dict[str, Any] = {
    "name": "frames",
    "title": "Tickets by hand",
    "base": "base.yaml",
    "seeds": [0, 1, 2],
    "axes": {SIZE: [0.02, 0.01], AUGMENT: ["basic", "rand"]},
    "best_of": AUGMENT,
    "fixed": {"0.02": "basic", "0.01": "rand"},
    "evaluate": ["ece", "fgsm", "pgd", "cifar10_c", "cifar10_2"],
    "show": ["table", "size", "density"],
    "arms": {
        "ticket": {},
        "matched": {"set": {"pruning.method": "none"}},
        **{
            name: {
                "set": {"pruning.source": "TICKET"},
                "source": "ticket",
                "starred": True,
                "mask_seeds": [0, 1, 2] if name in ("random", "layerwise") else [0],
            }
            for name in TICKET_LESS
        },
        "base_then_aug": {
            "set": {"pruning.source": "TICKET"},
            "source": "ticket",
            "source_at": {AUGMENT: "basic"},
            "starred": True,
        },
        **{name: {"at": {AUGMENT: ["rand"]}} for name in SEARCH_LESS},
    },
}


@pytest.fixture(scope="session")
def frames() -> Results:
    """Read, never changed; tests that change it take a copy by :func:`dataclasses.replace`."""
    networks = pd.DataFrame(list(_networks()))
    return Results(StudyConfig.model_validate(STUDY), networks, pd.DataFrame(list(_analyses())))


@pytest.fixture(scope="session")
def restudied() -> Callable[..., Results]:
    """``restudied(results, scale="width 8")``: the same results of a study with other keys."""

    def changed(results: Results, **keys: Any) -> Results:
        return replace(results, study=StudyConfig.model_validate({**STUDY, **keys}))

    return changed


def _networks() -> Iterator[dict[str, Any]]:
    for seed, offset in enumerate(OFFSETS):
        for (size, augment), accuracies in ACCURACY.items():
            for k, accuracy in enumerate(accuracies):
                yield _network("ticket", size, augment, seed, k, accuracy + offset)
                yield _network("matched", size, augment, seed, k, accuracies[0] + 0.01 * k + offset, density=1.0)
                for arm, less in SEARCH_LESS.items():
                    if augment == "rand":
                        yield _network(arm, size, augment, seed, k, accuracy - less + offset)
        for size, best, other in (("0.02", 0.70, 0.68), ("0.01", 0.56, 0.47)):
            for arm, less in {**TICKET_LESS, "base_then_aug": best - other}.items():
                for mask_seed in range(3 if arm in ("random", "layerwise") else 1):
                    spread = 0.01 * (mask_seed - 1) if arm in ("random", "layerwise") else 0.0
                    density = 1.0 if arm == "equal" else 0.64
                    yield _network(arm, size, "rand", seed, 0, best - less + offset + spread, density, mask_seed)


def _network(
    arm: str, size: str, augment: str, seed: int, k: int, accuracy: float, density: float | None = None,
    mask_seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    density = 0.8**k if density is None else density
    return {
        "arm": arm, SIZE: float(size), AUGMENT: augment, "seed": seed, "subset_seed": seed, "mask_seed": mask_seed,
        "run": f"saved_tickets/frames/{arm}-{size}-{augment}-{seed}-{mask_seed}",
        "config_sha256": "a" * 64, "data_sha256": "b" * 64,
        "labels_train": round(50_000 * float(size)), "labels_heldout": 500,
        "iteration": k, "density": density, "remaining": round(density * PRUNABLE), "prunable": PRUNABLE,
        "epochs": 80 if arm == "equal" else 20 if k == 0 else 18,
        "train_loss": 0.1 + 0.05 * k, "train_accuracy": None if arm in ("mixup", "cutmix") else 0.99 - 0.01 * k,
        "heldout_accuracy": accuracy + 0.01, "test_accuracy_heldout": accuracy,
        "test_accuracy_best": accuracy + (0.10 if k == 1 else 0.02), "test_accuracy_last": accuracy - 0.01,
        "evaluate_every": 10, "seconds": 12.5, "admitted": "",
        "ece": 0.2 - 0.01 * k, "fgsm": 0.12 - 0.02 * k, "pgd": 0.05 - 0.01 * k,
        "cifar10_c": accuracy - 0.10 + 0.02 * k, "cifar10_2": accuracy - 0.05,
    }  # fmt: skip


def _analyses() -> Iterator[dict[str, Any]]:
    """Of dense networks and of the held-out rule's tickets; layer densities also at k = 4."""
    for seed, offset in enumerate(OFFSETS):
        for (size, augment), ticket in TICKETS.items():
            run = {
                "arm": "ticket", SIZE: float(size), AUGMENT: augment, "seed": seed, "subset_seed": seed,
                "mask_seed": 0, "run": f"saved_tickets/frames/ticket-{size}-{augment}-{seed}-0", "other": "",
            }  # fmt: skip
            for iteration, found in (*_of_run(size, ticket, offset), *_of_run(size, 0, offset), *_layers(size, offset)):
                yield {**run, "iteration": iteration, "kind": found[0], "quantity": found[1], "layer": found[2],
                       "value": found[3]}  # fmt: skip


Found = tuple[str, str, str, float]


def _layers(size: str, offset: float) -> Iterator[tuple[int, Found]]:
    for iteration in (3, 4):
        for layer, (own, first, rewound) in DENSITIES.items():
            own += 0.1 * (4 - iteration) + (0.05 if size == "0.01" else 0.0) + offset
            for quantity, value in (("density", own), ("null_theta_0", first), ("null_theta_r", rewound)):
                yield iteration, ("density", quantity, layer, value)


def _of_run(size: str, iteration: int, offset: float) -> Iterator[tuple[int, Found]]:
    higher = 0.1 if size == "0.01" else 0.0
    early, widest, ratio = (0.75, 9, 1.1) if iteration else (0.60, 6, 1.4)
    yield iteration, ("cka", "early_mean", "", early + offset + higher)
    yield iteration, ("cka", "widest_block", "", widest + 100 * offset)
    blocks = {f"stage{b}_block1": ratio - 0.1 * b + offset for b in (1, 2, 3)}
    for block, value in blocks.items():
        yield iteration, ("branch-norms", "ratio", block, value)
    yield iteration, ("branch-norms", "mean", "", sum(blocks.values()) / 3)
    if iteration:
        for quantity, value in (("masked", 1.2), ("magnitude", 1.1), ("whole", 0.4)):
            for layer in (*DENSITIES, ""):
                yield iteration, ("weight-norms", quantity, layer, value + offset + higher)
