from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tf_dlth.errors import UserError
from tf_dlth.studies.engines import Task
from tf_dlth.studies.engines.ray import Ray
from tf_dlth.studies.records import Asked

from ...conftest import Tiny


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"^--engine ray needs Ray: pip install tf_dlth\[ray\]$"), Ray(1, 1, "all"):
        pass


@pytest.mark.slow
def test_a_task_is_carried_out_by_a_local_ray(tiny: Tiny, tmp_path: Path) -> None:
    """What it makes of real cells is tested by all engines together."""
    task = Task(tiny(tmp_path, "model.architecture=nowhere:function"), Asked((), (), (), all_iterations=False), {})
    with Ray(2, 1, "cpu") as engine:
        assert engine.slots == 2
        engine.submit(5, task)
        (outcome,) = engine.ended(300)
        assert (outcome.number, outcome.status) == (5, "failed") and "nowhere" in outcome.reason
        assert engine.stop(2) == []
