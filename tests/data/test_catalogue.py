from __future__ import annotations

import typing

import pytest

from tf_dlth.config import Dataset
from tf_dlth.data.catalogue import FACTS


def test_every_dataset_of_the_schema_is_known() -> None:
    assert set(FACTS) == set(typing.get_args(Dataset))


@pytest.mark.parametrize(
    ("name", "side", "channels", "mean", "std", "flip"),
    [
        ("cifar10", 32, 3, (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010), "horizontal"),
        ("cifar100", 32, 3, (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761), "horizontal"),
        ("eurosat", 64, 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "both"),
        ("isic2018", 224, 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "both"),
        ("clamm", 224, 1, (0.5,), (0.5,), "horizontal"),
        ("imagenet2012", 224, 3, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "horizontal"),
        ("cifar10_2", 32, 3, (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010), "horizontal"),
        ("cifar10_c", 32, 3, (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010), "horizontal"),
    ],
)
def test_constants(
    name: Dataset, side: int, channels: int, mean: tuple[float, ...], std: tuple[float, ...], flip: str
) -> None:
    facts = FACTS[name]
    assert facts.normalisation is not None
    assert (facts.side, facts.channels, facts.flip) == (side, channels, flip)
    assert (facts.normalisation.mean, facts.normalisation.std) == (mean, std)


def test_sets_of_224_pixels_are_cropped_and_resized() -> None:
    cropped = {name for name, facts in FACTS.items() if facts.side and facts.cropped_and_resized(facts.side)}
    assert cropped == {"isic2018", "clamm", "imagenet2012"}


@pytest.mark.parametrize(("side", "cropped"), [(8, False), (64, False), (65, True), (224, True)])
def test_own_images_are_cropped_by_their_size(side: int, cropped: bool) -> None:
    assert FACTS["folder"].cropped_and_resized(side) is cropped


def test_imagenet_alone_has_its_own_policy() -> None:
    assert [name for name, facts in FACTS.items() if facts.policy == "imagenet"] == ["imagenet2012"]
