"""A dataset, a folder, or a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.config.naming import is_dataset
from tf_dlth.errors import UserError


def test_a_dataset_a_folder_or_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets").mkdir()
    (tmp_path / "digits").mkdir()
    assert is_dataset("cifar10") and is_dataset("digits"), "a name of a dataset means the dataset"
    assert not is_dataset("pets") and not is_dataset("./digits")
    with pytest.raises(UserError, match="--data cats is neither a folder nor one of digits, cifar10, "):
        is_dataset("cats")
