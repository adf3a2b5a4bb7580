"""Every script of ``benchmarks/`` runs, prints its table and writes its JSON; no clock is judged."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "benchmarks"
MODULES = {"pillow_augmentation", "torch_network"}
"""Parts of other scripts."""
TINY: dict[str, str] = {
    "imp_run": "--width 4 --epochs 3 --prunings 1 --test-images 250 --rounds 1 --json OUT",
    "input_pipeline": "--sizes 32 --seconds 0.05 --json OUT",
    "library_augmentation": "--side 16 --seconds 0.05 --json OUT",
    "paper_hours": "--studies configs/paper/fig10.yaml --json OUT",
    "removable": "--train configs/digits.yaml --out OUT model.width=4 training.epochs=2 training.evaluate_every=2 "
    "pruning.iterations=1 pruning.rewind_epochs=1",
    "roofline": "--widths 4 --turns 1 --json OUT",
    "runs_side_by_side": "--width 4 --images 5 --epochs 3 --turns 1 --json OUT",
    "torch_resnet": "--json OUT",
    "train_step": "--widths 4 --rounds 1 --out OUT",
    "verdict_power": "--worlds 2 --out OUT",
}
NEEDS_TORCH = {"imp_run", "torch_resnet"}
NEEDS_CIFAR = {"imp_run"}


def test_no_script_is_forgotten() -> None:
    found = {path.stem for path in SCRIPTS.glob("*.py")}
    assert found == TINY.keys() | MODULES | {"reference_torch"}, "reference_torch is run by imp_run"
    listed = set(re.findall(r"^\| `(\w+)\.py`", (SCRIPTS / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == found - MODULES


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_a_script_runs(name: str, tmp_path: Path) -> None:
    if name in NEEDS_TORCH:
        pytest.importorskip("torch", reason="PyTorch is not installed (pip install 'tf_dlth[bench]')")
    if name in NEEDS_CIFAR and not os.environ.get("TF_DLTH_DATA"):
        pytest.skip("CIFAR-10 is needed; set TF_DLTH_DATA to its TFDS directory")
    out = tmp_path / "rows.json"
    words = TINY[name].replace("OUT", str(out)).split()
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), *words], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
    assert json.loads(out.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["fig10", "table4", "table2"])
def test_hours_are_of_the_steps_that_the_studies_state(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps against the files' own comments, and hours by hand: forward and backward passes of counted operations."""
    spec = importlib.util.spec_from_file_location("paper_hours", SCRIPTS / "paper_hours.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "_macs", lambda *network: 10**9)
    path = ROOT / "configs" / "paper" / f"{name}.yaml"
    row = script.row(path, 1e12)
    assert f"Cost: {row['steps']:,} steps of 100 images in {row['runs']} runs" in path.read_text(encoding="utf-8")
    if name == "fig10":  # long tails of CIFAR-100, 17 trainings of 200 and 198 epochs, each epoch evaluated
        epochs, images = 200 + 16 * 198, [500 * sum(f ** (j / 99) for j in range(100)) for f in (0.1, 0.05, 0.02, 0.01)]
        passes = epochs * (3 * sum(images) + 4 * 10_000)
        assert row["hours"] == pytest.approx(2e9 * passes / 1e12 / 3600, rel=0.01)
