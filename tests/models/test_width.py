from __future__ import annotations

import pytest

from tf_dlth.errors import UserError
from tf_dlth.models import width
from tf_dlth.models.spec import ModelSpec

SPEC = ModelSpec(architecture="resnet18", width=64, stem="small", head="linear", classes=10, input_shape=(32, 32, 3))


def resnet18_count(spec: ModelSpec) -> int:
    """Closed form: 27 w for the stem, then 9 w^2 times the block sizes and w^2 times the shortcuts'."""
    w = spec.width
    threes = 4 + (2 + 3 * 4) + (8 + 3 * 16) + (32 + 3 * 64)
    return 27 * w + 9 * threes * w**2 + (2 + 8 + 32) * w**2


@pytest.mark.parametrize("w", [1, 12, 40])
def test_count(w: int):
    spec = ModelSpec(architecture="resnet18", width=w, stem="small", head="linear", classes=10, input_shape=(32, 32, 3))
    assert width.prunable_count(spec) == resnet18_count(spec)


@pytest.mark.parametrize(
    ("remaining", "expected"),
    # Remaining weights of the iterations 1, 2, 4, 15; then exact counts; then halfway and beyond the ends.
    [
        (8927386, 57),
        (7141909, 51),
        (4570822, 41),
        (392631, 12),
        (9165102, 58),
        (11159232, 64),
        (1, 1),
        (10**8, 192),
    ],
)
def test_nearest_width(monkeypatch, remaining: int, expected: int):
    monkeypatch.setattr(width, "prunable_count", resnet18_count)
    assert width.matching_width(SPEC, remaining) == expected


def test_nearest_width_is_nearest_everywhere(monkeypatch):
    monkeypatch.setattr(width, "prunable_count", resnet18_count)
    counts = {
        w: resnet18_count(
            ModelSpec(
                architecture="resnet18", width=w, stem="small", head="linear", classes=10, input_shape=(32, 32, 3)
            )
        )
        for w in range(1, 40)
    }
    for remaining in range(1, 4_000_000, 39_989):
        nearest = min(counts, key=lambda w: (abs(counts[w] - remaining), w))
        assert width.matching_width(SPEC, remaining) == nearest


def test_with_real_networks():
    """VGG-11 has 27 w + 2250 w^2 prunable weights."""
    spec = ModelSpec(architecture="vgg11", width=64, stem="small", head="linear", classes=10, input_shape=(32, 32, 3))
    target = 27 * 30 + 2250 * 30**2 + 1000
    assert width.matching_width(spec, target) == 30


def test_more_than_any_width_has(monkeypatch):
    monkeypatch.setattr(width, "prunable_count", resnet18_count)
    with pytest.raises(UserError, match="no width up to 4096"):
        width.matching_width(SPEC, 10**12)
