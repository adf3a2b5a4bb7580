from __future__ import annotations

from pathlib import Path

import numpy as np

from tf_dlth.data.examples import ArrayExamples
from tf_dlth.evaluation.cache import Cache, examples_sha256

KEY = {"subject": "a", "images": "b", "wanted": {"ece": True, "attack": None}}


def test_what_was_put_is_found_by_its_key(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new")
    assert cache.get(KEY) is None
    cache.put(KEY, {"accuracy": 0.5, "per_class": [None, 1.0]})
    assert Cache(tmp_path / "new").get(dict(reversed(KEY.items()))) == {"accuracy": 0.5, "per_class": [None, 1.0]}
    for changed in ("subject", "images"):
        assert cache.get({**KEY, changed: "c"}) is None
    assert cache.get({**KEY, "wanted": {"ece": False, "attack": None}}) is None


def test_a_damaged_result_counts_as_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put(KEY, {"accuracy": 0.5})
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text().replace("0.5", "0.6"))
    assert cache.get(KEY) is None


def test_without_a_folder_nothing_is_kept() -> None:
    Cache(None).put(KEY, {"accuracy": 0.5})
    assert Cache(None).get(KEY) is None


def test_the_digest_covers_images_and_labels_but_no_names() -> None:
    random = np.random.RandomState(0)
    images, labels = random.randint(0, 256, (2500, 2, 2, 1), np.uint8), random.randint(0, 3, 2500)
    names = [str(i) for i in range(2500)]
    digest = examples_sha256(ArrayExamples(images, labels, names))
    assert digest == examples_sha256(ArrayExamples(images.copy(), labels, names[::-1]))
    for place in (0, 999, 1000, 2499):
        other = images.copy()
        other[place, 0, 0, 0] ^= 1
        assert examples_sha256(ArrayExamples(other, labels, names)) != digest
    assert examples_sha256(ArrayExamples(images, (labels + 1) % 3, names)) != digest
    assert examples_sha256(ArrayExamples(images.reshape(2500, 4, 1, 1), labels, names)) != digest
