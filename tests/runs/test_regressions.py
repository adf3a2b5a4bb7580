from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth import files
from tf_dlth.errors import UserError
from tf_dlth.runs.regressions import REGRESSIONS, Regression, Regressions, read, write


def test_what_is_written_is_read(tmp_path: Path):
    one = Regression(train_images=50, test_images=1047, test_accuracy=0.875, converged=True)
    write(tmp_path, Regressions(regressions={"first_weights": one}))
    assert "heldout_accuracy" not in (tmp_path / REGRESSIONS).read_text()
    assert read(tmp_path, {}) == Regressions(regressions={"first_weights": one})


def test_reading(finished, damaged: Path, tmp_path: Path):
    digests = {REGRESSIONS: files.sha256(finished.path / REGRESSIONS)}
    found = read(finished.path, digests)
    assert found is not None and list(found.regressions) == ["colour_and_edges"]
    assert read(tmp_path, digests) is None
    (damaged / REGRESSIONS).write_text((damaged / REGRESSIONS).read_text().replace("true", "false"))
    with pytest.raises(UserError, match=r"regressions\.json is damaged"):
        read(damaged, digests)
    (damaged / REGRESSIONS).write_text('{"format_version": 1, "regressions": {"magic": {}}}')
    with pytest.raises(UserError, match=r"regressions\.json is damaged: "):
        read(damaged, {})
