"""The folds of a search on the terminal, and how to read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.table import Table

from tf_dlth.analysis.significance import Interval
from tf_dlth.pacing.durations import shown
from tf_dlth.reporting.folds import ChosenBy, Folds
from tf_dlth.reporting.layout import print_sentences, titled
from tf_dlth.reporting.rules import BALANCED, is_balanced

if TYPE_CHECKING:
    from tf_dlth.preparation import Plan

CHOSEN_BY: dict[ChosenBy, str] = {"own_fold": "own fold", "other_folds": "other folds"}
VERSUS = "ticket - "
"""What names a difference begins with."""


def print_folds(console: Console, folds: Folds) -> None:
    """What each fold found, what that is worth, and what the numbers mean."""
    console.print(folds_table(folds))
    console.print(estimates_table(folds))
    print_sentences(console, meaning(folds))


def folds_line(plans: Sequence[Plan], runs: int, folder: str) -> str:
    """What the runs of all folds take together, their controls among them; of plans as long as each other."""
    steps, size = runs * plans[0].steps, sum(plan.bytes for plan in plans) * runs / len(plans) / 2**20
    seconds = plans[0].seconds
    time = "" if seconds is None else f"; about {shown(runs * seconds)}"
    return f"{runs} such runs in {folder}: {steps:,} training steps; up to {size:,.0f} MiB on disk{time}"


def folds_table(folds: Folds) -> Group:
    """A row a fold."""
    table = Table(box=box.SIMPLE_HEAD)
    pruned = "ticket" in folds.networks
    names = ("ticket", "error", "k", "density", "k*", "ticket*") if pruned else ()
    for name in ("fold", "n", "dense", "error", *names):
        table.add_column(name, justify="right")
    for number, dense in enumerate(folds.chosen("own_fold", "dense")):
        cells = [str(dense.fold), str(dense.images), _percent(dense.heldout_accuracy), _percent(dense.standard_error)]
        if pruned:
            own, other = (folds.chosen(by, "ticket")[number] for by in CHOSEN_BY)
            cells += [_percent(own.heldout_accuracy), _percent(own.standard_error), str(own.iteration)]
            cells += [_percent(own.density), str(other.iteration), _percent(other.heldout_accuracy)]
        table.add_row(*cells)
    return titled("held-out accuracy by fold (%)", table)


def estimates_table(folds: Folds) -> Group:
    """All folds together: pooled over their images, and the mean of their accuracies."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("chosen by", "network"):
        table.add_column(name)
    for name in ("pooled", "error", "mean", "95 % interval"):
        table.add_column(name, justify="right")
    for by, words in CHOSEN_BY.items():
        for network, found in folds.estimates(by).items():
            pooled = _percent(found.pooled, VERSUS in network)
            table.add_row(words, *_named(network, found.folds, pooled, _percent(found.error)))
    for network, interval in folds.tests().items():
        table.add_row(f"{CHOSEN_BY['own_fold']}, test", *_named(network, interval, "-", "-"))
    return titled("all folds together (%)", table)


def meaning(folds: Folds) -> list[str]:
    """What is counted, what flatters and by about how much, and what to do with it."""
    own, others = (folds.estimates(by) for by in CHOSEN_BY)
    count, total = len(folds.records), int(folds.images.sum())
    flattered = ", ".join(f"{name} {100 * (own[name].pooled - others[name].pooled):+.1f}" for name in folds.networks)
    lines = [
        "n: held-out images; k: the ticket's iteration; *: chosen by the other folds; vs: the ticket less the other",
        f"pooled: each of {total:,} images counted once, by a network that did not train on it; error: one standard "
        "error, of a difference at most",
        "own fold: epoch and iteration (k) are the best on the very images that are counted, so these accuracies are "
        "too high, as a rule more for a ticket than for the dense network, as it is chosen among more",
        "other folds (*): epoch and iteration are those that are right most often in all other folds, so that no "
        "image chooses what it is counted for; this is the estimate to believe",
        f"own fold less other folds, an estimate of what choosing flatters by, as noisy as both: {flattered} points",
        f"95 % interval: Student's t of {count} folds; any two share training images, so it is rather too narrow",
        "test: on the test images, the same for every fold, which neither trained nor chose",
    ]
    if folds.recommended is not None:
        iteration, epoch = folds.recommended
        density = folds.records[0].rows[iteration].density
        lines.append(f"best in all folds together: iteration {iteration} (density {density:.2%}) at epoch {epoch}")
    if is_balanced(folds.records[0].config.training):
        lines.append(f"{BALANCED}; pooled is its mean, weighted by images")
    if folds.differing:
        lines.append(f"warning: the folds differ in {', '.join(folds.differing)}, and are no folds of one search")
    return lines


def _named(network: str, found: Interval, *pooled: str) -> tuple[str, ...]:
    """The cells after the first; a difference has its sign."""
    signed = VERSUS in network
    limits = f"{_percent(found.low, signed)} to {_percent(found.high, signed)}"
    return network.replace(VERSUS, "vs "), *pooled, _percent(found.mean, signed), limits


def _percent(fraction: float, signed: bool = False) -> str:
    return f"{100 * fraction:{'+' if signed else ''}.2f}"
