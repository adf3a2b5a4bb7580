"""What needs no second process; the rest is in tests/reliability/test_several_workers.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tf_dlth.errors import Stopped, UserError
from tf_dlth.training import team as module
from tf_dlth.training.devices import mirrored
from tf_dlth.training.team import DETAILS, FAILED, Call, Team, WorkerLost
from tf_dlth.training.workers import Workers


@pytest.fixture
def team(monkeypatch: pytest.MonkeyPatch) -> Team:
    """Worker 0 of one, on two devices: what it says comes back to it once, not twice."""
    monkeypatch.setattr(module, "await_peers", lambda workers: None)
    monkeypatch.setattr(module, "_strategy", lambda workers, devices: mirrored(["/CPU:0", "/CPU:1"]))
    return Team(Workers(("a:1",), 0), "all")


def test_what_is_said_is_heard(team: Team, monkeypatch: pytest.MonkeyPatch):
    said: list[list[float]] = []
    monkeypatch.setattr(team, "shared", lambda values: said.append(values.tolist()))
    team.call(Call.RUN, 7, 0.1)
    assert said == [[Call.RUN, 7, 0.1, 0]]
    monkeypatch.setattr(team, "shared", lambda values: np.array(said[0]) + values)
    assert team.heard() == (Call.RUN, [7, 0.1, 0])


def test_devices_of_one_worker_speak_once(team: Team):
    np.testing.assert_array_equal(team.shared(np.array([1.5, -2.0, 2.0**53])), [1.5, -2.0, 2.0**53])
    np.testing.assert_array_equal(team.gathered([3, 4]), [[3, 4]])


def test_only_worker_0_is_shared(team: Team):
    team.workers = SimpleNamespace(leads=False)  # type: ignore[assignment]
    np.testing.assert_array_equal(team.shared(np.array([1.0, 2.0])), [0, 0])


def test_different_facts_are_named_with_their_worker(team: Team, monkeypatch: pytest.MonkeyPatch):
    team.workers = Workers(("a:1", "b:2"), 0)
    monkeypatch.setattr(team, "gathered", lambda values: np.array([values, [values[0], 1, *values[2:]]]))
    with pytest.raises(UserError, match=r"^worker 1 \(b:2\) has other images than worker 0 \(a:1\);"):
        team.require_equal({"config": "x", "images": "y", "libraries": "z"})
    monkeypatch.setattr(team, "gathered", lambda values: np.array([values, values]))
    team.require_equal({"config": "x", "images": "y", "libraries": "z"})


@pytest.mark.parametrize(
    ("error", "reason"),
    [(None, 0), (Stopped(15, "stopped"), 15), (UserError("full"), FAILED), (ValueError("bug"), FAILED)],
)
def test_the_others_hear_how_it_ended(
    team: Team, monkeypatch: pytest.MonkeyPatch, error: Exception | None, reason: int
):
    said = heard_of(team, monkeypatch)
    with pytest.raises(type(error)) if error else pytest.MonkeyPatch.context(), team.leading():
        if error:
            raise error
    assert said == [[Call.END, reason, *[0] * (DETAILS - 1)]]


@pytest.mark.parametrize("error", [WorkerLost("gone"), KeyboardInterrupt()])
def test_who_may_be_lost_is_told_nothing(team: Team, monkeypatch: pytest.MonkeyPatch, error: BaseException):
    said = heard_of(team, monkeypatch)
    with pytest.raises(type(error)), team.leading():
        raise error
    assert said == []


def heard_of(team: Team, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    said: list[Any] = []
    monkeypatch.setattr(team, "shared", lambda values: said.append(values.tolist()))
    return said


ABORTED = (
    "Collective ops is aborted by: Error reported from /job:worker/task:1: unhealthy: /job:worker/replica:0/task:1"
)


@pytest.mark.parametrize(
    ("error", "who"),
    [
        (tf.errors.UnavailableError(None, None, "remote target /job:worker/replica:0/task:1"), r"worker 1 \(b:2\)"),
        (tf.errors.InternalError(None, None, ABORTED), r"worker 1 \(b:2\)"),
        (tf.errors.UnavailableError(None, None, "Socket closed"), "another worker"),
    ],
)
def test_a_loss_is_told_in_one_line(team: Team, error: tf.errors.OpError, who: str):
    team.workers = Workers(("a:1", "b:2"), 0)
    with pytest.raises(WorkerLost, match=f"^{who} is gone, .* start the same commands again$"), team.losses_told():
        raise error


def test_other_errors_are_no_loss(team: Team):
    with pytest.raises(tf.errors.InvalidArgumentError), team.losses_told():
        raise tf.errors.InvalidArgumentError(None, None, "shapes")


def test_single_gpus_are_chosen_otherwise():
    with pytest.raises(UserError, match="CUDA_VISIBLE_DEVICES"):
        module._strategy(Workers(("a:1", "b:2"), 0), "gpu:0")
