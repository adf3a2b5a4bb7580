from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from tf_dlth.reporting import study_claims
from tf_dlth.studies.verdicts.claims import CLAIMS
from tf_dlth.studies.verdicts.judging import Judged, judge_study

NAMES = ("ticket-beats-matched", "search-needs-augmentation", "probe-beats-dense")


@pytest.fixture(scope="module")
def judged(frames, restudied) -> Sequence[Judged]:
    rng = np.random.default_rng(0)
    networks = frames.networks.copy()  # pairs that differ in their differences, or there is no error to test by
    noise = 0.001 * rng.standard_normal(len(networks))
    for column in ("test_accuracy_heldout", "test_accuracy_best"):
        networks[column] += noise
    results = restudied(frames, claims=list(NAMES))
    return judge_study(type(results)(results.study, networks, results.analyses))


def test_one_row_a_claim(judged: Sequence[Judged]):
    table = study_claims.claims(judged)
    assert [row[0] for row in table.rows] == list(NAMES)
    first = table.rows[0]
    assert first[1] == "confirmed"
    assert study_claims.in_words(judged)[0] == f"ticket-beats-matched: {CLAIMS[NAMES[0]].text}"
    # the mean over both sizes of .70 - .64 and .56 - .44
    mean, low, high = judged[0].difference.mean, judged[0].difference.low, judged[0].difference.high
    assert mean == pytest.approx(9, abs=0.3)
    assert first[2] == f"{mean:+.1f} [{low:+.1f}, {high:+.1f}] points"
    assert (first[3], first[5], first[6]) == ("3", "heldout", CLAIMS[NAMES[0]].source)
    p = judged[0].p
    assert p is not None and first[4] == (f"{p:.3f}" if p >= 0.001 else "< .001")


def test_the_interval_is_scipy_s(judged: Sequence[Judged]):
    record = dict(study_claims.claims(judged).records[0])
    reach = record["high"] - record["difference"]
    assert record["difference"] - record["low"] == pytest.approx(reach)
    # a paired test's own p, before Holm, from the interval alone: t = mean / standard error
    t = record["difference"] / (reach / stats.t.ppf(0.975, 2))
    assert judged[0].verdict.test.p == pytest.approx(2 * stats.t.sf(abs(t), 2))


def test_not_tested_says_why(judged: Sequence[Judged]):
    (sentence,) = study_claims.not_tested(judged)
    reason = judged[2].note
    assert reason and sentence == f"probe-beats-dense is not tested: {reason}."
    row = study_claims.claims(judged).rows[2]
    assert (row[1], row[2], row[4]) == ("not tested (0)", "-", "-")


def test_beside_is_the_paper_s_rule_and_the_plain_network(judged: Sequence[Judged]):
    table = study_claims.beside(judged)
    assert table is not None
    shown = {(row[0], row[1], row[2]) for row in table.rows}
    assert ("ticket-beats-matched", "ticket - dense", "heldout") in shown
    assert ("ticket-beats-matched", "ticket - dense, chosen alike", "test_best") in shown
    assert study_claims.beside(judged[2:]) is None


def test_tally(judged: Sequence[Judged]):
    words = [one.verdict.word for one in judged]
    assert words[0] == "confirmed" and words[2] == "not tested"
    assert study_claims.tally(judged[:1]) == "Of 1 claim, 1 is confirmed."
    assert study_claims.tally([judged[0], judged[2], judged[2]]) == "Of 3 claims, 1 is confirmed and 2 are not tested."


def test_doubtful_numbers_of_the_paper(frames, restudied):
    path = "table1/rows/cifar10/1%/harmonic/dense"
    published = {"0.01": {"dense": path, "ticket": "table1/rows/cifar10/1%/random_init_r18/wt"}}
    (note,) = study_claims.doubtful(restudied(frames, published=published))
    assert note.startswith(f"The paper's number at {path} is doubtful: 22.97 reads cleanly")
