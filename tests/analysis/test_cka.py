from __future__ import annotations

import itertools

import numpy as np
import pytest

from tf_dlth.analysis.cka import MinibatchCKA, first_half_mean, largest_block


def hsic_1(x: np.ndarray, y: np.ndarray) -> float:
    """Song et al. 2012, equation 5, by its definition: a mean over all ordered quadruples of different images."""
    k, m = x @ x.T, y @ y.T
    quadruples = itertools.permutations(range(len(x)), 4)
    return float(np.mean([k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in quadruples]))


def hsic_1_by_traces(x: np.ndarray, y: np.ndarray) -> float:
    """The formula of Song et al. 2012, equation 5, on Gram matrices without their diagonals."""
    n = len(x)
    k, m = x @ x.T, y @ y.T
    np.fill_diagonal(k, 0)
    np.fill_diagonal(m, 0)
    sums = k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k @ m).sum()
    return (np.trace(k @ m) + sums) / (n * (n - 3))


def random_taps(seed: int, batch: int, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    random = np.random.RandomState(seed)
    return [random.randn(batch, *shape) + 3 for shape in shapes]


def flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1)


@pytest.mark.parametrize("hsic", [hsic_1, hsic_1_by_traces])
def test_against_the_formula_over_two_batches(hsic):
    batches = [
        (random_taps(i, n, (2, 3), (4,), (1, 2, 2)), random_taps(9 + i, n, (5,), (2, 2))) for i, n in ((0, 6), (1, 5))
    ]
    cka = MinibatchCKA()
    for first, second in batches:
        cka.add(first, second)
    for i, j in itertools.product(range(3), range(2)):
        cross = np.mean([hsic(flat(a[i]), flat(b[j])) for a, b in batches])
        own = [
            np.mean([hsic(flat(a[i]), flat(a[i])) for a, _ in batches]),
            np.mean([hsic(flat(b[j]), flat(b[j])) for _, b in batches]),
        ]
        assert cka.matrix()[i, j] == pytest.approx(cross / np.sqrt(own[0] * own[1]), rel=1e-9)


def test_terms_are_averaged_before_the_quotient():
    """A batch whose features are tiny must hardly count."""
    loud, quiet = random_taps(0, 8, (4,), (4,)), [1e-6 * x for x in random_taps(1, 8, (4,), (4,))]
    alone, both = MinibatchCKA(), MinibatchCKA()
    alone.add(loud)
    both.add(loud)
    both.add(quiet)
    np.testing.assert_allclose(both.matrix(), alone.matrix(), rtol=1e-9)


def test_a_rotated_and_scaled_copy_is_the_same():
    random = np.random.RandomState(0)
    x = random.randn(20, 6) * [5, 3, 1, 1, 1, 0.1]
    rotation = np.linalg.qr(random.randn(6, 6))[0]
    cka = MinibatchCKA()
    cka.add([x], [7 * x @ rotation + 100, x @ np.diag([0, 0, 1, 1, 1, 1])])
    same, projected = cka.matrix()[0]
    assert same == pytest.approx(1, abs=1e-9)
    assert projected < 0.9


def test_independent_features_are_near_zero():
    cka, biased = MinibatchCKA(), []
    for seed in range(40):
        x, y = random_taps(seed, 32, (20,)), random_taps(100 + seed, 32, (20,))
        cka.add(x, y)
        a, b = (flat(z[0]) - flat(z[0]).mean(0) for z in (x, y))
        biased.append(np.square(a.T @ b).sum() / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b))
    assert np.mean(biased) > 0.3  # what the usual, biased CKA makes of a batch of this size
    assert abs(cka.matrix()[0, 0]) < 0.03


def test_a_network_with_itself():
    taps = random_taps(0, 10, (3,), (2, 2), (5,))
    alone, twice = MinibatchCKA(), MinibatchCKA()
    alone.add(iter(taps))
    twice.add(taps, taps)
    np.testing.assert_allclose(alone.matrix(), twice.matrix(), rtol=1e-12)
    np.testing.assert_allclose(np.diag(alone.matrix()), 1, rtol=1e-12)
    assert alone.matrix().shape == (3, 3)


def test_single_precision_is_enough_for_features_far_from_zero():
    taps = [(x + 30).astype(np.float32) for x in random_taps(0, 16, (500,), (300,))]
    single, double = MinibatchCKA(), MinibatchCKA()
    single.add(taps)
    double.add([x.astype(np.float64) for x in taps])
    np.testing.assert_allclose(single.matrix(), double.matrix(), atol=1e-5)
    assert single.matrix().dtype == np.float64


def test_the_callers_arrays_are_left_alone():
    taps = random_taps(0, 6, (3,))
    before = taps[0].copy()
    MinibatchCKA().add(taps)
    assert np.array_equal(taps[0], before)


def test_a_dead_tap_has_no_cka():
    cka = MinibatchCKA()
    cka.add([np.ones((5, 3)), *random_taps(0, 5, (3,))])
    assert np.isnan(cka.matrix()[0]).all()
    assert cka.matrix()[1, 1] == pytest.approx(1)


def test_three_images_are_too_few():
    with pytest.raises(ValueError, match="at least 4 images, not 3"):
        MinibatchCKA().add(random_taps(0, 3, (2,)))


def test_first_half_mean():
    cka = np.arange(25.0).reshape(5, 5)
    assert first_half_mean(cka) == np.mean([0, 1, 5, 6])
    assert first_half_mean(cka[:1, :4]) == 0.5


def test_largest_block():
    cka = np.eye(6)
    assert largest_block(cka) == 1
    cka[1:4, 1:4] = 0.9
    cka[3:5, 3:5] = 0.9
    assert largest_block(cka) == 3
    cka[1, 3] = 0.8  # not above
    assert largest_block(cka) == 2
    assert largest_block(np.full((3, 3), np.nan)) == 0


def test_largest_block_against_all_blocks():
    random = np.random.RandomState(0)
    for _ in range(50):
        cka = np.sqrt(random.rand(8, 8))
        blocks = [j - i for i in range(9) for j in range(i, 9) if (cka[i:j, i:j] > 0.4).all()]
        assert largest_block(cka, above=0.4) == max(blocks)


def test_blocks_need_a_square_map():
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        largest_block(np.ones((2, 3)))
