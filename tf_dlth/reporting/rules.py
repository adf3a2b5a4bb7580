"""How the rules of choosing are named and explained wherever they are shown."""

from __future__ import annotations

from tf_dlth.lottery.selection import Rule

EXPLAINED: dict[Rule, str] = {
    "heldout": "honest: chosen on held-out images, the test set is looked at once, after every choice",
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


BALANCED = "training.class_weights is balanced: held-out accuracy is the mean recall by class (balanced)"


def curve(rule: Rule, every: int) -> str:
    """The rule in a figure's legend."""
    if rule == "heldout":
        return "epoch chosen on held-out images (honest)"
    if rule == "last":
        return "last epoch"
    way = "the paper's way" if every == 1 else f"of every {every}th"
    return f"best epoch on the test set ({way})"
