from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from tf_dlth.errors import UserError
from tf_dlth.training.workers import Workers, await_peers, parse_workers

TWO = {"worker": ["a:1", "b:2"]}


def text(cluster: object, kind: object = "worker", index: object = 0) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_who_trains_together():
    assert parse_workers(text(TWO, index=1)) == Workers(("a:1", "b:2"), 1)
    assert parse_workers(text({"worker": ["b:2"], "chief": ["a:1"]})) == Workers(("a:1", "b:2"), 1)
    assert parse_workers(text({"worker": ["b:2"], "chief": ["a:1"]}, "chief")) == Workers(("a:1", "b:2"), 0)


def test_the_first_one_leads():
    assert Workers(("a:1", "b:2"), 0).leads
    assert not Workers(("a:1", "b:2"), 1).leads


@pytest.mark.parametrize("given", [None, text({"worker": ["a:1"]})])
def test_one_machine_is_no_team(given: str | None):
    assert parse_workers(given) is None


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("{", "cannot be read"),
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        (json.dumps({"cluster": TWO}), "KeyError: 'task'"),
        (json.dumps({"cluster": TWO, "task": {"type": "worker"}}), "KeyError: 'index'"),
        (text(TWO, index=2), "task worker 2, which cluster.worker does not have"),
        (text(TWO, index="0"), "which cluster.worker does not have"),
        (text(TWO, index=True), "which cluster.worker does not have"),
        (text(TWO, "chief"), "task chief 0"),
        (text({**TWO, "ps": ["c:3"]}), "the task ps"),
        (text(TWO, "evaluator"), "the task evaluator"),
        (text({"worker": ["a:1", "b"]}), "'b' is no host:port"),
        (text({"worker": ["a:1", "b:x"]}), "'b:x' is no host:port"),
        (text({"worker": ["a:1", 2]}), "2 is no host:port"),
        (text({"worker": ["a:1", "a:1"]}), "an address twice"),
        (text({"worker": None}), "cannot be read"),
    ],
)
def test_a_mistake_in_it(given: str, word: str):
    with pytest.raises(UserError, match=r"^TF_CONFIG ") as told:
        parse_workers(given)
    assert word in str(told.value)
    assert '"task": {"type": "worker", "index": 0}' in str(told.value)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def test_peers_that_listen_are_found_and_the_port_is_free_again():
    own, other = free_ports(2)
    with socket.create_server(("127.0.0.1", other)):
        await_peers(Workers((f"127.0.0.1:{own}", f"127.0.0.1:{other}"), 0), seconds=5)
    socket.create_server(("127.0.0.1", own)).close()


def test_peers_that_do_not_come():
    own, other = free_ports(2)
    with pytest.raises(UserError, match=rf"^worker 0 \(127\.0\.0\.1:{other}\) did not answer within 0\.3 seconds"):
        await_peers(Workers((f"127.0.0.1:{other}", f"127.0.0.1:{own}"), 1), seconds=0.3)


def test_a_port_that_another_program_has():
    own, other = free_ports(2)
    with socket.create_server(("0.0.0.0", own)), pytest.raises(UserError, match="cannot listen on its port"):
        await_peers(Workers((f"127.0.0.1:{own}", f"127.0.0.1:{other}"), 0), seconds=0.3)


def test_the_command_tells_a_mistake_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from tf_dlth import train

    config = tmp_path / "config.yaml"
    config.write_text("name: none\ndata: {dataset: digits, per_class: 5}\n")
    monkeypatch.setenv("TF_CONFIG", "{nonsense")
    monkeypatch.setattr(train, "start_tensorflow", lambda: sys.exit("started"))
    assert train.main(["--config", str(config)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
