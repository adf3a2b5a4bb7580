"""The package as it is shipped: its wheel in an environment of its own, without network."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

import tf_dlth

ROOT = Path(tf_dlth.__file__).parents[1]
OFFLINE = """
import socket

def refuse(*arguments, **named):
    raise OSError("there is no network")

socket.socket.connect = refuse
"""
"""A sitecustomize.py."""


@dataclass(frozen=True)
class Installed:
    """A ``wheel``, and the virtual environment ``folder`` that it was installed into with ``packages``."""

    wheel: Path
    folder: Path
    packages: Path

    def run(self, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        """A program of the environment's ``bin``, with nothing of ours or of Python's in its variables."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "PYTHON"))}
        program, *rest = map(str, words)
        command = [str(self.folder / "bin" / program), *rest]
        return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=1200, check=False)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The libraries are those of this environment; the package itself comes from the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("tf_dlth-*.whl")
    venv.create(folder / "fresh", symlinks=True)
    install = ["--python", folder / "fresh", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    (packages,) = (folder / "fresh" / "lib").glob("python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))
    (packages / "sitecustomize.py").write_text(OFFLINE)
    return Installed(wheel, folder / "fresh", packages)
