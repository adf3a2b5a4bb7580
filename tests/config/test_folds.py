from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.config import differing_keys, parse_config
from tf_dlth.config.folds import folds_of, folds_path
from tf_dlth.errors import UserError

PETS = "name: pets\nseed: 3\ndata: {per_class: 8}\npruning: {iterations: 2}\noutput: {directory: runs}"


def test_nothing_differs_but_the_fold_and_where_it_lies() -> None:
    config = parse_config(PETS)
    folds = folds_of(config, 3)
    assert [differing_keys(config, fold) for fold in folds] == [
        {"data.fold": (None, [which, 3])} for which in (1, 2, 3)
    ]
    assert folds_path(config, 3) == Path("runs/pets-3folds")
    assert {fold.output.directory for fold in folds} == {"runs/pets-3folds"}
    assert [fold.name for fold in folds] == ["fold1", "fold2", "fold3"]
    assert len({fold.sha256() for fold in (config, *folds)}) == 4
    assert [parse_config(fold.to_yaml()) for fold in folds] == folds


def test_names_sort_as_their_numbers() -> None:
    names = [fold.name for fold in folds_of(parse_config(PETS), 12)]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("folds", "override", "reason"),
    [
        (1, "seed=0", "--folds 1: give 2 to 1000"),
        (0, "seed=0", "--folds 0: give 2 to 1000"),
        (5, "data.fold=[1,5]", "leave one of them away"),
        (5, "pruning.method=none", "--control trains without pruning"),
        (5, "pruning.select_by=test_best", "remove pruning.select_by: test_best"),
    ],
)
def test_what_folds_cannot_judge(folds: int, override: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        folds_of(parse_config(PETS, [override]), folds)
