"""The claims that studies judge, as data: what is compared with what, in which measure, over which settings.

The list is the Holm family. It was fixed before any result was seen, and every member counts, judged or not.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tf_dlth.errors import UserError, printable
from tf_dlth.studies.choosing import Network
from tf_dlth.studies.verdicts.measures import Accuracy, Column, Density, Measure, Overall

Over = Literal["mean", "fewer labels", "more labels", "fewest", "most"]
"""How a pair's settings become one number: their mean, the slope over a tenfold fewer or more training labels, or the
mean of the settings with the fewest or the most."""
Unit = Literal["points", "ratio", "layers", "nats", "points a tenfold", "powers of ten a tenfold"]


@dataclass(frozen=True)
class Term:
    """A number of a class of models; ``sign`` is 1, or -1 where it is taken off."""

    network: Network
    measure: Measure
    over: Over = "mean"
    sign: Literal[1, -1] = 1


@dataclass(frozen=True)
class Claim:
    """``higher`` less ``lower`` less ``constant`` is positive where the claim is true; terms of a side are added.

    ``labels`` name the two sides. ``plain`` is a lower side without the control of choosing, shown but never judged.
    ``most_labels`` keeps a claim to settings with so many training labels. ``published``: paths of paper_results.yaml.
    """

    text: str
    source: str
    labels: tuple[str, str]
    higher: tuple[Term, ...]
    lower: tuple[Term, ...] = ()
    plain: tuple[Term, ...] = ()
    plain_label: str = ""
    constant: float = 0.0
    unit: Unit = "points"
    most_labels: int | None = None
    published: tuple[str, ...] = ()


TICKET, DENSE, MATCHED = Network("ticket", best=True), Network("ticket"), Network("matched", best=True)
UNCHOSEN, PARENT = Network("matched", parent=True), Network("ticket", parent=True)
"""The first of the control's dense trainings; the dense network whose weights a ticket keeps some of."""
SMALL, RANDOM, LAYERWISE, EQUAL = Network("small"), Network("random"), Network("layerwise"), Network("equal")
BASE_THEN_AUG = Network("base_then_aug")
ACCURACY, PROBE = Accuracy(), Column("probe_cifar100")
TENTH_OF_CIFAR10 = 5000
"""Labels: the paper's small data are 10 % of CIFAR-10 and less."""
PLAIN_DENSE = (Term(DENSE, ACCURACY),)
CHOOSING = (Term(MATCHED, ACCURACY), Term(UNCHOSEN, ACCURACY, sign=-1))
"""What choosing among many trainings gains dense networks. A single training lacks it, so it is taken off a ticket."""


def _against_matched(
    text: str, source: str, measure: Measure = ACCURACY, over: Over = "mean", unit: Unit = "points",
    most_labels: int | None = None, published: tuple[str, ...] = (),
) -> Claim:  # fmt: skip
    """A ticket is the best of many networks; so is its control, by the same rule."""
    lower, plain = (Term(MATCHED, measure, over),), (Term(DENSE, measure, over),)
    return Claim(text, source, ("ticket", "dense, chosen alike"), (Term(TICKET, measure, over),), lower, plain,
                 "dense", unit=unit, most_labels=most_labels, published=published)  # fmt: skip


def _against_single(text: str, source: str, name: str, network: Network) -> Claim:
    """A single training at one density: the ticket gives back what choosing gains."""
    other = Term(network, ACCURACY)
    labels = ("ticket", f"{name} + what choosing gains")
    return Claim(text, source, labels, (Term(TICKET, ACCURACY),), (other, *CHOOSING), plain=(other,), plain_label=name)


def _above_dense(name: str, network: Network) -> Claim:
    text = f"A {name} is more accurate than the dense network, one training each."
    return Claim(text, "Figure 5", (name, "dense"), (Term(network, ACCURACY),), PLAIN_DENSE)


def _denser(text: str, label: str, part: Literal["early", "shortcuts"]) -> Claim:
    ticket, null = (Term(TICKET, Density(q, part), "fewest") for q in ("density", "null_theta_r"))
    return Claim(text, "Figure 6", (label, "null control"), (ticket,), (null,))


def _mixing(arm: str) -> Claim:
    """The arm's own dense networks and, for the choosing, the control of the study."""
    ticket, dense = Term(Network(arm, best=True), ACCURACY), Term(Network(arm, parent=True), ACCURACY)
    text = (f"Tickets that are searched and trained with {arm} are more accurate than dense networks trained with it, "
            "by more than choosing gains.")  # fmt: skip
    labels = (f"ticket with {arm}", f"dense with {arm} + what choosing gains")
    return Claim(text, "ours", labels, (ticket,), (dense, *CHOOSING), plain=(dense,), plain_label=f"dense with {arm}")


CLAIMS: Mapping[str, Claim] = {
    "ticket-beats-matched": _against_matched(
        "Winning tickets are more accurate than dense networks that are chosen among as many trainings by the same "
        "rule; the mean over settings.",
        "Figures 1 to 3, Tables 1 and 2",
        published=("fig1_claims/rows/max_gain_absolute_pct",),
    ),
    "gap-grows": _against_matched(
        "The ticket's gain grows as data shrinks: its slope, in points for a tenfold fewer labels.",
        "Figure 3",
        over="fewer labels",
        unit="points a tenfold",
    ),
    "density-falls": Claim(
        "The best density falls with the size of the data: the slope of log10 density for a tenfold more labels.",
        "Figure 2",
        ("slope of the ticket's log10 density", "none"),
        (Term(TICKET, Column("density", log10=True), "more labels"),),
        unit="powers of ten a tenfold",
    ),
    "ticket-beats-small": _against_single(
        "Tickets are more accurate than narrow dense networks with as many weights, by more than choosing gains.",
        "Figure 5", "small dense", SMALL,
    ),
    "ticket-beats-random": _against_single(
        "Tickets are more accurate than networks with random masks of the same density, by more than choosing gains.",
        "Figure 5", "random masks", RANDOM,
    ),
    "ticket-beats-layerwise": _against_single(
        "Tickets are more accurate than random masks with the same number of weights in every layer, by more than "
        "choosing gains.",
        "Figure 5", "same-layer masks", LAYERWISE,
    ),
    "small-beats-dense": _above_dense("narrow dense network", SMALL),
    "random-beats-dense": _above_dense("network with a random mask", RANDOM),
    "layerwise-beats-dense": _above_dense("network with a same-layer mask", LAYERWISE),
    "gap-on-corruptions": _against_matched(
        "At 10 % of CIFAR-10 and less, tickets are more accurate on CIFAR-10-C, the mean of its 19 corruptions and 5 "
        "severities, than dense networks that are chosen alike.",
        "Figures 3 and 4", Column("cifar10_c"), most_labels=TENTH_OF_CIFAR10,
    ),
    "gap-on-new-images": _against_matched(
        "At 10 % of CIFAR-10 and less, tickets are more accurate on the new images of CIFAR-10.2 than dense networks "
        "that are chosen alike.",
        "Figures 3 and 4", Column("cifar10_2"), most_labels=TENTH_OF_CIFAR10,
    ),
    "fgsm-is-worse": Claim(
        "Under FGSM with 8/255, tickets are less accurate than dense networks that are chosen alike.",
        "Figure 9",
        ("dense, chosen alike", "ticket"),
        (Term(MATCHED, Column("fgsm")),),
        (Term(TICKET, Column("fgsm")),),
    ),
    "early-layers-denser": _denser(
        "At the smallest data size, the first half of a ticket's layers, shortcuts aside, is denser than pruning the "
        "rewound weights alone to the same density would leave it; the mean over layers.",
        "ticket's early layers", "early",
    ),
    "shortcuts-denser": _denser(
        "At the smallest data size, a ticket's shortcut convolutions are denser than pruning the rewound weights alone "
        "to the same density would leave them; the mean over layers.",
        "ticket's shortcuts", "shortcuts",
    ),
    "probe-beats-dense": Claim(
        "A linear classifier of CIFAR-100 on tickets of the smallest data size is more accurate than one on dense "
        "networks of the largest, by more than choosing gains.",
        "Table 4",
        ("ticket, fewest labels", "dense, most labels + what choosing gains"),
        (Term(TICKET, PROBE, "fewest"),),
        (Term(DENSE, PROBE, "most"), Term(MATCHED, PROBE, "fewest"), Term(UNCHOSEN, PROBE, "fewest", -1)),
        (Term(DENSE, PROBE, "most"),),
        "dense, most labels",
        published=("table4/rows/wt_aug_1pct", "table4/rows/dense_100pct"),
    ),
    "search-needs-augmentation": _against_single(
        "Tickets searched and trained with the best augmentation are more accurate than tickets searched with basic "
        "and trained with the best, by more than choosing gains.",
        "Table 5", "WT(Base)+Aug*", BASE_THEN_AUG,
    ),
    "weights-are-larger": Claim(
        "The weights that a ticket keeps have a larger norm than the same weights of its dense network; the mean ratio "
        "over layers is above 1.",
        "Table 6, Appendix B",
        ("ratio of norms", "1"),
        (Term(TICKET, Overall("weight-norms", "masked")),),
        constant=1.0,
        unit="ratio",
        published=tuple(f"table6/rows/cifar10/{size}" for size in ("100%", "50%", "20%", "10%", "2%", "1%")),
    ),
    "similar-layers-span-wider": Claim(
        "At the smallest data size, the largest block of layers with CKA above .8 is larger in tickets than in dense "
        "networks.",
        "Figure 7",
        ("ticket's largest block", "dense network's"),
        (Term(TICKET, Overall("cka", "widest_block"), "fewest"),),
        (Term(DENSE, Overall("cka", "widest_block"), "fewest"),),
        unit="layers",
    ),
    "shortcuts-carry-less": Claim(
        "At the smallest data size, the norm of shortcuts relative to the main branch, the mean over blocks, is lower "
        "in tickets than in dense networks.",
        "Figure 8",
        ("dense network's ratio", "ticket's"),
        (Term(DENSE, Overall("branch-norms", "ratio"), "fewest"),),
        (Term(TICKET, Overall("branch-norms", "ratio"), "fewest"),),
        unit="ratio",
    ),
    "long-tail-gain": _against_matched(
        "On long-tailed CIFAR-100, tickets are more accurate than dense networks that are chosen alike; the mean over "
        "imbalance factors.",
        "Table 3",
    ),
    "method-gain": _against_matched(
        "On top of other data-efficient methods on CIFAR-10, tickets are more accurate than dense networks that are "
        "chosen alike; the mean over methods and sizes.",
        "Section 4.3, Table 1", published=("sec4_3_claims/rows/2%", "sec4_3_claims/rows/1%"),
    ),
    "real-data-gain": _against_matched(
        "On CLaMM, ISIC and EuroSAT, tickets are more accurate than dense networks that are chosen alike; the mean "
        "over data sets and methods.",
        "Section 4.4, Table 1", published=tuple(f"sec4_4_claims/rows/{name}" for name in ("clamm", "isic", "eurosat")),
    ),
    "gain-survives-equal-compute": _against_single(
        "Tickets are more accurate than one dense training with all epochs that the search spent up to its ticket, by "
        "more than choosing gains.",
        "ours", "dense at equal compute", EQUAL,
    ),
    "gain-is-generalisation": Claim(
        "Tickets fit their training images less closely than their dense networks: their training loss is higher. "
        "Where it is lower, faster fitting may explain the gain.",
        "ours",
        ("ticket's training loss", "dense network's"),
        (Term(TICKET, Column("train_loss")),),
        (Term(PARENT, Column("train_loss")),),
        unit="nats",
    ),
    "gain-survives-mixup": _mixing("mixup"),
    "gain-survives-cutmix": _mixing("cutmix"),
    "gain-survives-augmix": _mixing("augmix"),
}  # fmt: skip


def require_known(names: Iterable[str]) -> None:
    """Raises UserError, with the nearest claims there are, for a name that is none of the list."""
    for name in names:
        if name not in CLAIMS:
            near = difflib.get_close_matches(name, CLAIMS, n=3, cutoff=0.4) or list(CLAIMS)
            raise UserError(f"claims: there is no claim {printable(name)}; did you mean {', '.join(near)}?")
