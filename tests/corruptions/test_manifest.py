from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tf_dlth.corruptions.manifest import check_folder, read_manifest, write_manifest
from tf_dlth.errors import UserError

IDENTITY: dict[str, Any] = {"source": "tiles", "seed": 3, "severities": [1, 5]}
FROST: dict[str, Any] = {"frost": {"textures": "drawn crystals", "sha256": "a"}}


def test_a_new_folder_has_an_empty_manifest(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) == {"files": {}}
    check_folder(tmp_path, IDENTITY)
    check_folder(tmp_path / "not there yet", IDENTITY)


def test_it_lists_what_is_finished_in_the_published_order(tmp_path: Path) -> None:
    digests = {"labels.npy": "c", "jpeg_compression.npy": "b", "gaussian_noise.npy": "a"}
    write_manifest(tmp_path, IDENTITY, digests)
    tree = json.loads((tmp_path / "corruptions.json").read_text())
    assert tree["kinds"] == ["gaussian_noise", "jpeg_compression"]
    assert list(tree["files"]) == sorted(digests)
    assert tree["regenerated"] is True
    assert "not the published arrays" in tree["note"]
    assert read_manifest(tmp_path) == tree
    check_folder(tmp_path, IDENTITY)


@pytest.mark.parametrize("key", IDENTITY)
def test_another_set_is_refused_by_the_keys_that_differ(tmp_path: Path, key: str) -> None:
    write_manifest(tmp_path, IDENTITY, {})
    with pytest.raises(UserError, match=rf"holds a set made with another {key} \(see its corruptions\.json\)"):
        check_folder(tmp_path, {**IDENTITY, key: "other"})


def test_frost_may_come_later_but_not_change(tmp_path: Path) -> None:
    write_manifest(tmp_path, IDENTITY, {})
    check_folder(tmp_path, {**IDENTITY, **FROST})
    write_manifest(tmp_path, {**IDENTITY, **FROST}, {})
    check_folder(tmp_path, IDENTITY)
    with pytest.raises(UserError, match="another frost"):
        check_folder(tmp_path, {**IDENTITY, "frost": {"textures": "photographs", "sha256": "b"}})


def test_arrays_without_a_manifest_are_somebody_elses(tmp_path: Path) -> None:
    np.save(tmp_path / "fog.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"holds fog\.npy but no corruptions\.json"):
        check_folder(tmp_path, IDENTITY)
    with pytest.raises(UserError, match="is a file"):
        check_folder(tmp_path / "fog.npy", IDENTITY)
