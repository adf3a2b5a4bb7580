"""What a result was made with: package versions and the kind of machine, never its name."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "tf_dlth",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "tensorflow-datasets",
    "keras-cv",
    "numpy",
)


def versions() -> dict[str, str]:
    """Installed versions of what a result depends on, Python included."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


DECIDES_BITS = ("cpu_flags", "onednn", "threads", "compiled")
"""Keys of :func:`host` on which the last bits of a training depend: they decide in which order numbers are added."""
KERNEL_FLAGS = {"avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"}


def host(threads: int, compiled: bool = False) -> dict[str, Any]:
    """CPU model, logical cores, memory in GiB, and what decides the last bits.

    ``threads`` are one operation's; ``compiled`` says whether XLA compiles a training's steps.
    """
    return {
        "cpu": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "threads": threads,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "compiled": compiled,
        "cpu_flags": sorted(KERNEL_FLAGS & set(_cpuinfo("flags").split())),
    }


def changed_bits(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A line for each difference between two hosts that shows in the last bits."""
    before, now = ({"compiled": False, **each} for each in (before, now))  # earlier runs do not say
    pins = {"threads": " (training.threads pins that)", "compiled": " (training.jit pins that)"}
    return [
        f"{key} was {before.get(key)}, is {now.get(key)}{pins.get(key, '')}"
        for key in DECIDES_BITS
        if before.get(key) != now.get(key)
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpuinfo(key: str) -> str:
    """What the kernel says of the first processor, empty where it says nothing."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
