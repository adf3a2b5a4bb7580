"""A run's page and a study's in Chromium, at the widths of a desk and of a phone, and before an HTML validator.

Needs Chromium, node and java, and a folder of the npm packages playwright-core, axe-core and vnu-jar:
``npm i --prefix DIR playwright-core axe-core vnu-jar``, then ``TF_DLTH_NODE_MODULES=DIR/node_modules``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tf_dlth import report
from tf_dlth.config.study import StudyConfig
from tf_dlth.reporting.figures.study import SHOW
from tf_dlth.reporting.page.rendering import contents
from tf_dlth.reporting.study_page import study_page
from tf_dlth.studies.results import Results
from tf_dlth.studies.verdicts import CLAIMS, judge_study

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("browser.cjs")


@pytest.fixture(scope="module")
def modules() -> Path:
    folder = os.environ.get("TF_DLTH_NODE_MODULES")
    if not folder:
        pytest.skip("TF_DLTH_NODE_MODULES names no folder with playwright-core, axe-core and vnu-jar")
    if missing := [name for name in ("playwright-core", "axe-core", "vnu-jar") if not (Path(folder) / name).is_dir()]:
        pytest.skip(f"{folder} lacks {', '.join(missing)}")
    return Path(folder)


def program(*names: str) -> str:
    if found := next(filter(None, map(shutil.which, names)), None):
        return found
    pytest.skip(f"{names[0]} is not installed")


@pytest.fixture(scope="module", params=[1, 2, 0], ids=["one run", "two runs", "a study"])
def page(request: pytest.FixtureRequest, finished, frames: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page")
    if request.param == 0:
        claims = StudyConfig.model_validate({**frames.study.model_dump(), "claims": list(CLAIMS), "show": list(SHOW)})
        results = Results(claims, frames.networks, frames.analyses)
        found = study_page(results, judge_study(results), out, faults=["ticket, seeds 0/0: it was too hot"])
        (out / "index.html").write_bytes(contents([found])["index.html"])
        return out / "index.html"
    paths = [str(finished.path)]
    if request.param == 2:
        paths.append(str(Path(__file__).parents[3] / "saved_tickets" / "digits-example"))
    assert report.main([*paths, "--out", str(out)]) == 0
    return out / "index.html"


def test_valid_html(modules: Path, page: Path):
    command = [program("java"), "-jar", str(modules / "vnu-jar/build/dist/vnu.jar"), "--errors-only", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_in_a_browser(modules: Path, page: Path):
    """Nothing that axe finds, nothing wider than the screen, no picture that does not load, nothing asked for."""
    command = [program("node"), str(SCRIPT), program("chromium", "chromium-browser", "google-chrome"), str(page)]
    environment = {**os.environ, "NODE_PATH": str(modules)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    clean = {"violations": [], "overflow": 0, "blank": 0, "messages": [], "requests": []}
    assert found == {"1280": clean, "390": clean}
