"""Frequencies, probabilities, signs and magnitudes of 20,000 plans against their exact expectations.

The seeds are fixed, so a p-value is one number for ever: these tests cannot fail by chance on another day.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tf_dlth.data.augmentation import policies
from tf_dlth.data.augmentation.operation import Operation
from tf_dlth.data.augmentation.plans import draw_plan
from tf_dlth.data.augmentation.policies import Policy, Strength

COUNT = 20_000
LIKELY = 1e-3
Outcome = tuple[tuple[int, float], ...]


def drawn(strength: Strength, policy: Policy = "cifar10", run: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Operations and values [COUNT, slots]; the value of a slot that does nothing is set to 0."""
    seeds = tf.stack([tf.range(COUNT), tf.fill([COUNT], run)], axis=1)
    plan = draw_plan(seeds, strength, policy)
    assert plan is not None
    operations, values = plan.operations.numpy(), plan.values.numpy()
    return operations, np.where(operations == Operation.IDENTITY, 0.0, values)


def fits(observed: np.ndarray, probabilities: np.ndarray) -> bool:
    """Chi-square of counts against probabilities that sum to 1; rare cells are taken together."""
    expected = probabilities * observed.sum()
    rare = expected < 8
    if rare.any():
        observed = np.append(observed[~rare], observed[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    return bool(stats.chisquare(observed, expected).pvalue > LIKELY)


def law_of(policy: tuple[policies.SubPolicy, ...]) -> dict[Outcome, float]:
    """The exact probability of every outcome (operation, value) x 2 of a policy, by enumeration."""
    law: dict[Outcome, float] = defaultdict(float)
    for sub in policy:
        slots = []
        for name, chance, level in sub:
            centre, deviation = policies.auto_value(name, level)
            operation = int(policies.auto_operation(name))
            signs = [(0, 1 - chance, 0.0)]
            signs += [
                (operation, chance / 2, centre - deviation),
                (operation, chance / 2, centre + deviation),
            ]
            slots.append(signs)
        for first, second in itertools.product(*slots):
            outcome = ((first[0], round(first[2], 6)), (second[0], round(second[2], 6)))
            law[outcome] += first[1] * second[1] / len(policy)
    return {outcome: chance for outcome, chance in law.items() if chance > 0}


@pytest.mark.parametrize(("name", "table"), [("cifar10", policies.CIFAR10), ("imagenet", policies.IMAGENET)])
def test_auto_has_the_law_of_its_policy(name: Policy, table: tuple[policies.SubPolicy, ...]) -> None:
    law = law_of(table)
    assert sum(law.values()) == pytest.approx(1)
    operations, values = drawn("auto", name)
    seen = Counter(
        tuple((int(op), round(float(v), 6)) for op, v in zip(ops, vs, strict=True))
        for ops, vs in zip(operations, values, strict=True)
    )
    assert set(seen) <= set(law), "an outcome that no sub-policy has"
    assert fits(np.array([seen[outcome] for outcome in law]), np.array(list(law.values())))


def test_the_chi_square_notices_a_wrong_probability() -> None:
    first = (("invert", 0.2, 7), policies.CIFAR10[0][1])
    right, wrong = law_of(policies.CIFAR10), law_of((first, *policies.CIFAR10[1:]))
    sampled = np.random.default_rng(0).multinomial(COUNT, list(right.values()))
    assert not fits(sampled, np.array([wrong[outcome] for outcome in right]))


def test_auto_signs_are_even() -> None:
    operations, values = drawn("auto")
    for operation in (Operation.ROTATE, Operation.TRANSLATE_Y, Operation.SHEAR_Y_BICUBIC, Operation.COLOR):
        centre = 1.0 if operation == Operation.COLOR else 0.0
        moved = values[(operations == operation) & (values != centre)]
        assert fits(np.array([(moved < centre).sum(), (moved > centre).sum()]), np.array([0.5, 0.5]))


def test_rand_draws_operations_alike_and_with_replacement() -> None:
    operations, _ = drawn("rand")
    place = {int(operation): number for number, (operation, _, _) in enumerate(policies.RAND)}
    rows = np.vectorize(place.__getitem__)(operations)
    assert rows.shape == (COUNT, 4)
    for slot in range(4):
        assert fits(np.bincount(rows[:, slot], minlength=14), np.full(14, 1 / 14))
    for first, second in itertools.combinations(range(4), 2):
        assert fits(np.bincount(rows[:, first] * 14 + rows[:, second], minlength=196), np.full(196, 1 / 196))


@pytest.mark.parametrize(("operation", "low", "high"), policies.RAND)
def test_rand_magnitudes_are_uniform(operation: Operation, low: float, high: float) -> None:
    operations, values = drawn("rand", run=1)
    own = values[operations == operation]
    if low == high:
        assert (own == low).all()
    elif operation == Operation.POSTERIZE:
        assert set(own) == {4.0, 5.0, 6.0, 7.0}
        assert fits(np.bincount(own.astype(int) - 4), np.full(4, 1 / 4))
    else:
        cells = np.floor((own - low) / (high - low) * 20).astype(int)
        assert own.min() >= low and own.max() < high
        assert fits(np.bincount(cells, minlength=20), np.full(20, 1 / 20))


def test_rand_gives_each_slot_a_magnitude_of_its_own() -> None:
    operations, values = drawn("rand")
    both = (operations[:, 0] == Operation.ROTATE) & (operations[:, 1] == Operation.ROTATE)
    assert both.sum() > 50
    assert abs(np.corrcoef(values[both, 0], values[both, 1])[0, 1]) < 4 / np.sqrt(both.sum())


def test_contrast_jitters_in_every_order_with_its_probabilities() -> None:
    operations, values = drawn("contrast")
    jittered = (operations[:, :4] != Operation.IDENTITY).all(axis=1)
    still = (operations[:, :4] == Operation.IDENTITY).all(axis=1)
    assert (jittered ^ still).all()
    gray = operations[:, 4] == Operation.COLOR
    assert (values[:, 4] == 0.0).all()
    cells = np.bincount(2 * jittered.astype(int) + gray, minlength=4)
    assert fits(cells, np.array([0.2 * 0.8, 0.2 * 0.2, 0.8 * 0.8, 0.8 * 0.2]))
    orders = Counter(map(tuple, operations[jittered, :4].tolist()))
    names = (Operation.BRIGHTNESS, Operation.CONTRAST, Operation.COLOR, Operation.HUE)
    assert set(orders) == set(itertools.permutations(map(int, names)))
    assert fits(np.array(list(orders.values())), np.full(24, 1 / 24))


@pytest.mark.parametrize(("operation", "low", "high"), policies.JITTER)
def test_contrast_magnitudes_are_uniform(operation: Operation, low: float, high: float) -> None:
    operations, values = drawn("contrast", run=2)
    own = values[:, :4][operations[:, :4] == operation]
    assert {"BRIGHTNESS": 0.6, "CONTRAST": 0.6, "COLOR": 0.6, "HUE": -0.1}[operation.name] == low
    cells = np.floor((own - low) / (high - low) * 20).astype(int)
    assert fits(np.bincount(cells, minlength=20), np.full(20, 1 / 20))


@pytest.mark.parametrize("strength", ["none", "basic"])
def test_weak_strengths_have_no_plan(strength: Strength) -> None:
    assert draw_plan(tf.zeros([3, 2], tf.int32), strength, "cifar10") is None


def test_unknown_strength_is_refused() -> None:
    with pytest.raises(ValueError, match="heavy"):
        draw_plan(tf.zeros([3, 2], tf.int32), "heavy", "cifar10")  # pyright: ignore[reportArgumentType]
