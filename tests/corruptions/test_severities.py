from __future__ import annotations

import pytest

from tf_dlth.corruptions import require_libraries
from tf_dlth.corruptions.corruption import BY_KIND
from tf_dlth.corruptions.severities import GROUPS, KINDS, LEVELS, ascending, published_order
from tf_dlth.errors import UserError


def test_there_are_19_kinds_with_five_levels_and_a_function_each() -> None:
    assert len(KINDS) == len(set(KINDS)) == 19
    assert set(KINDS) == set(LEVELS) == {*BY_KIND, "frost"}
    for levels in LEVELS.values():
        assert len(levels) == 5
        assert len({len(level) for level in levels}) == 1


def test_groups_are_those_of_the_published_set() -> None:
    assert {group: len(kinds) for group, kinds in GROUPS.items()} == {
        "noise": 3,
        "blur": 4,
        "weather": 4,
        "digital": 4,
        "extra": 4,
    }


def test_kinds_come_in_the_published_order() -> None:
    assert published_order(["saturate", "fog", "fog"]) == ("fog", "saturate")


def test_a_misspelt_kind_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean shot_noise"):
        published_order(["fog", "shotnoise"])


def test_an_unknown_kind_names_all() -> None:
    with pytest.raises(UserError, match=r"known are gaussian_noise, .*saturate"):
        published_order(["xyz"])


def test_severities_come_in_order() -> None:
    assert ascending([5, 1, 5]) == (1, 5)


@pytest.mark.parametrize("severities", [[], [0], [1, 6]])
def test_severities_outside_1_to_5_are_refused(severities: list[int]) -> None:
    with pytest.raises(UserError, match="from 1 to 5"):
        ascending(severities)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None if module == "cv2" else module)
    with pytest.raises(UserError, match=r"opencv-python-headless: pip install 'tf_dlth\[corrupt\]'"):
        require_libraries()
