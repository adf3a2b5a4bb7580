"""The machines that train one run together, as TF_CONFIG names them; no TensorFlow here."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tf_dlth.errors import UserError

LONGEST_WAIT = 120.0
"""Seconds that a worker waits for the others to be started."""
PAUSE = 0.2
JOBS = ("chief", "worker")


@dataclass(frozen=True)
class Workers:
    """``host:port`` of every worker, the first of which leads, and which of them this process is."""

    addresses: tuple[str, ...]
    index: int

    @property
    def leads(self) -> bool:
        return self.index == 0

    def named(self, index: int) -> str:
        return f"worker {index} ({self.addresses[index]})"


def parse_workers(text: str | None) -> Workers | None:
    """What TF_CONFIG says, None where it is not set or names one worker; raises UserError for what cannot be meant."""
    if text is None:
        return None
    try:
        tree = json.loads(text)
        jobs = {job: [_address(address) for address in addresses] for job, addresses in tree["cluster"].items()}
        kind, index = tree["task"]["type"], tree["task"]["index"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _wrong(f"cannot be read ({type(error).__name__}: {error})") from None
    if strange := sorted({*jobs, kind} - set(JOBS)):
        raise _wrong(f"has the task {strange[0]}; a run knows no other than worker and chief")
    if type(index) is not int or not 0 <= index < len(jobs.get(kind, ())):
        raise _wrong(f"gives this process task {kind} {index}, which cluster.{kind} does not have")
    addresses = tuple(address for job in JOBS for address in jobs.get(job, ()))
    if len(set(addresses)) < len(addresses):
        raise _wrong("names an address twice")
    before = len(jobs.get("chief", ())) if kind == "worker" else 0
    return Workers(addresses, before + index) if len(addresses) > 1 else None


def await_peers(workers: Workers, seconds: float = LONGEST_WAIT) -> None:
    """Returns when all others have been seen to listen; raises UserError after ``seconds``.

    TensorFlow's own start waits for an hour where the others do not come, and hears no signal in that time.
    """
    end = time.monotonic() + seconds
    missing = [index for index in range(len(workers.addresses)) if index != workers.index]
    with _listening(workers):
        while missing := [index for index in missing if not _answers(workers.addresses[index])]:
            if time.monotonic() > end:
                raise UserError(
                    f"{_listed(workers, missing)} did not answer within {seconds:g} seconds; start the same command "
                    "on every machine that TF_CONFIG names"
                )
            time.sleep(PAUSE)


def _wrong(what: str) -> UserError:
    return UserError(
        f'TF_CONFIG {what}; it must look like {{"cluster": {{"worker": ["host:port", ...]}}, '
        '"task": {"type": "worker", "index": 0}}'
    )


def _address(given: Any) -> str:
    host, _, port = str(given).rpartition(":")
    if not isinstance(given, str) or not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(f"{given!r} is no host:port")
    return given


def _listed(workers: Workers, indices: Iterable[int]) -> str:
    return ", ".join(workers.named(index) for index in indices)


def _listening(workers: Workers) -> socket.socket:
    """This worker's port, open until TensorFlow takes it."""
    port = int(workers.addresses[workers.index].rpartition(":")[2])
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=128)
    except OSError as error:
        raise UserError(f"{workers.named(workers.index)} cannot listen on its port: {error.strerror}") from None


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PAUSE * 10).close()
    except OSError:
        return False
    return True
