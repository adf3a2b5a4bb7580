"""Each kind of network stands at its mean, in the order of the means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tf_dlth.reporting.figures.study_controls import controls


def test_rows_are_means_and_the_best_is_on_top(frames):
    (drawn,) = controls(frames)
    first, second = drawn.figure.axes
    labels = [label.get_text() for label in first.get_yticklabels()]
    for axes, expected in (
        (first, {"dense": 60, "ticket": 70, "small dense": 63}),
        (second, {"dense": 40, "ticket": 56}),
    ):
        found = {labels[round(c[0].get_ydata()[0])]: c[0].get_xdata()[0] for c in axes.containers}
        assert {label: found[label] for label in expected} == pytest.approx(expected)
    at_first = [c[0].get_xdata()[0] for c in sorted(first.containers, key=lambda c: c[0].get_ydata()[0])]
    assert at_first == sorted(at_first)
    ticket = next(c for c in first.containers if labels[round(c[0].get_ydata()[0])] == "ticket")
    # t(.975, 2) * .01 / sqrt(3) = 2.484 points
    np.testing.assert_allclose(ticket[2][0].get_segments()[0][:, 0], [67.516, 72.484], atol=1e-3)
    assert "ticket: 70.0 at" in drawn.alt


def test_nothing_is_drawn_of_nothing(frames):
    assert controls(replace(frames, networks=frames.networks.iloc[:0])) == []


def test_one_pair_has_no_whiskers(frames):
    networks = frames.networks[frames.networks.seed == frames.networks.seed.min()]
    (drawn,) = controls(replace(frames, networks=networks))
    assert all(not container[2] for axes in drawn.figure.axes for container in axes.containers)


def test_what_needs_no_network_is_a_row_too(frames):
    networks = frames.networks.assign(regression=0.65 + 0.01 * frames.networks.seed)
    (drawn,) = controls(replace(frames, networks=networks))
    assert "logistic regression on simple features: 66.0 at" in drawn.alt
    (before,) = controls(frames)
    assert "regression" not in before.alt
