"""How the rules of choosing are named and explained wherever they are shown."""

from __future__ import annotations

from tf_dlth.config import TrainingConfig
from tf_dlth.lottery.selection import Rule

EXPLAINED: dict[Rule, str] = {
    "heldout": "on held-out images, which is honest: the test set is looked at once, after every choice",
    "last": "no choice of an epoch, but the iteration is chosen on the test set",
}


def shown(rule: Rule, every: int) -> str:
    """The rule's name; ``test_best@10`` where epochs between evaluations could not be chosen, as the paper's could."""
    return f"{rule}@{every}" if rule == "test_best" and every != 1 else rule


def explained(rule: Rule, every: int) -> str:
    """What the rule means; only with an evaluation after every epoch is ``test_best`` what the paper did."""
    if rule != "test_best":
        return EXPLAINED[rule]
    way = "the paper's way, comparable with it" if every == 1 else f"one epoch in {every}, not every one as the paper"
    return f"{way}; optimistic, epoch and iteration are chosen on the test set"


BALANCED = (
    "balanced: the mean recall by class, by which held-out images choose where training.class_weights is balanced; its "
    "standard error is not the one of a fraction, and is left out"
)


def is_balanced(training: TrainingConfig) -> bool:
    """Whether held-out accuracy is the mean recall by class."""
    return training.class_weights == "balanced"


def heldout(training: TrainingConfig) -> str:
    """What held-out accuracy is called."""
    return "held-out balanced" if is_balanced(training) else "held-out"


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``4th``, ``11th``, ``21st``."""
    teen = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def curve(rule: Rule, every: int) -> str:
    """The rule in a figure's legend."""
    if rule == "heldout":
        return "epoch chosen on held-out images (honest)"
    if rule == "last":
        return "last epoch"
    way = "the paper's way" if every == 1 else f"of every {ordinal(every)}"
    return f"best epoch on the test set ({way})"
