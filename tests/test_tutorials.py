"""The shell blocks of the tutorials, one after the other in a folder with the configs and the example ticket."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"tf-dlth (\w+)|python -m tf_dlth\.(\w+)")


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_r17_a_tutorials_commands_run(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    script = "".join(BLOCK.findall(text))
    assert script, "a tutorial without commands"
    for name in {one or other for one, other in COMMAND.findall(script)}:
        if importlib.util.find_spec(f"tf_dlth.{name}") is None:
            pytest.skip(f"this version has no {name}")
    if "cifar10" in script:
        request.getfixturevalue("real_data")
    for name in ("configs", "saved_tickets"):
        shutil.copytree(ROOT / name, tmp_path / name)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    words = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert done.stderr == ""
