from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from tf_dlth.corruptions.recipe import Recipe, recipe, require_size
from tf_dlth.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
LABELS = np.array([0, 3, 3, 1])


def made(**changes: Any) -> Recipe:
    options: dict[str, Any] = {
        "images": IMAGES, "labels": LABELS, "source": "tiles", "kinds": ["fog", "shot_noise"], "severities": [5, 1],
        "seed": 3, "frost": None,
    }  # fmt: skip
    return recipe(**{**options, **changes})


def test_kinds_and_severities_are_put_in_order() -> None:
    ordered = made()
    assert ordered.kinds == ("shot_noise", "fog")
    assert ordered.severities == (1, 5)
    assert ordered.total == 2 * len(IMAGES)
    assert ordered.textures == ()


def test_the_identity_follows_whatever_a_file_depends_on() -> None:
    identity = made().identity()
    assert (identity["images"], identity["shape"], identity["severities"]) == (4, [32, 32, 3], [1, 5])
    assert "frost" not in identity
    for changes in (
        {"images": IMAGES ^ 1},
        {"labels": LABELS[::-1]},
        {"source": "other"},
        {"severities": [1]},
        {"seed": 4},
        {"kinds": ["frost"]},
    ):
        assert made(**changes).identity() != identity, changes


def test_the_identity_does_not_depend_on_the_kinds_or_how_arrays_are_stored() -> None:
    identity = made().identity()
    assert made(kinds=["contrast"]).identity() == identity
    assert made(labels=LABELS.astype(np.uint8)).identity() == identity
    assert made(images=np.asfortranarray(IMAGES)).identity() == identity


def test_frost_says_what_it_is_made_of(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (200, 200), "white").save(tmp_path / "frost1.png")
    drawn, given = made(kinds=["frost"]), made(kinds=["frost"], frost=tmp_path)
    assert (drawn.drawn, given.drawn) == (True, False)
    assert drawn.identity()["frost"]["textures"] == "drawn crystals"
    assert given.identity()["frost"]["textures"] == "photographs"
    assert drawn.identity()["frost"]["sha256"] != given.identity()["frost"]["sha256"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seed": -1}, "seed: a whole number from 0 on, not -1"),
        ({"kinds": ["fogg"]}, "fog"),
        ({"severities": [6]}, "from 1 to 5"),
        ({"frost": Path("photographs")}, "frost is not among the kinds"),
        ({"images": np.zeros((4, 8, 8, 1), np.uint8)}, "the images of tiles are 8 x 8 x 1, but"),
    ],
)
def test_what_cannot_be_made(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        made(**changes)


def test_a_label_for_each_image() -> None:
    with pytest.raises(ValueError, match="4 images have labels of shape"):
        made(labels=LABELS[:3])


@pytest.mark.parametrize("shape", [(32, 32, 1), (32, 32, 3)])
def test_gray_and_colour_are_defined(shape: tuple[int, int, int]) -> None:
    require_size(shape, "tiles")


@pytest.mark.parametrize("shape", [(32, 32, 4), (32, 31, 3), (64, 64, 3), (32, 32)])
def test_other_sizes_are_not(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="defined for 32 x 32 px with 1 or 3 channels"):
        require_size(shape, "tiles")
