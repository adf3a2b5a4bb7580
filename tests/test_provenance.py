from __future__ import annotations

import os
import platform
from importlib.metadata import version

import numpy as np
import pytest
import tensorflow as tf

import tf_dlth
from tf_dlth import provenance


def test_versions_are_those_that_are_imported():
    found = provenance.versions()
    assert found["python"] == platform.python_version()
    assert found["tensorflow"] == tf.__version__
    assert found["numpy"] == np.__version__
    assert set(found) == {"python", *provenance.PACKAGES}
    assert found["tensorflow-datasets"] == version("tensorflow-datasets")


def test_a_package_that_is_missing_is_said_to_be(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package-here",))
    assert provenance.versions()["no-such-package-here"] == "not installed"


def test_the_host_is_told_by_its_kind_never_by_its_name():
    host = provenance.host(3)
    assert host.keys() == {"cpu", "cores", "memory_gib", "threads", "onednn", "compiled", "cpu_flags"}
    assert host["threads"] == 3
    assert host["cores"] == os.cpu_count()
    with open("/proc/meminfo", encoding="utf-8") as file:
        total = int(file.readline().split()[1]) / 2**20
    assert host["memory_gib"] == pytest.approx(total, rel=0.02, abs=0.1)
    assert os.uname().nodename not in str(host).split()


def test_without_a_cpu_model_the_machine_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provenance.Path, "is_file", lambda path: False)
    assert provenance.host(1)["cpu"] in (platform.processor(), platform.machine())


def test_the_package_has_a_version():
    assert tf_dlth.__version__


def test_what_decides_the_last_bits_is_compared(monkeypatch: pytest.MonkeyPatch):
    before = provenance.host(2)
    assert provenance.changed_bits(before, {**before, "cores": 64, "memory_gib": 1.0, "cpu": "another"}) == []
    assert provenance.changed_bits(before, provenance.host(1)) == ["threads was 2, is 1 (training.threads pins that)"]
    compiled = provenance.host(2, compiled=True)
    assert provenance.changed_bits(before, compiled) == ["compiled was False, is True (training.jit pins that)"]
    del before["compiled"]  # an earlier run's host
    assert provenance.changed_bits(before, provenance.host(2)) == []
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert provenance.changed_bits(before, provenance.host(2)) == ["onednn was True, is False"]
