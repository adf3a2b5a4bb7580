"""Which runs are repetitions of one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.errors import UserError
from tf_dlth.evaluation.analyses.runs import open_arms


def test_runs_that_differ_in_seeds_alone_are_one_arm(make_run, rows):
    basic = [make_run(f"b{seed}", rows(0.5, 0.6), f"seed={seed}", f"data.subset_seed={seed}") for seed in (0, 1)]
    rand = make_run("r", rows(0.7), "data.augment=rand")
    arms = open_arms([str(basic[0]), str(rand), str(basic[1])])
    assert [(arm.label, [run.path for run in arm.runs]) for arm in arms] == [
        ("augment basic (2 runs)", basic),
        ("r", [rand]),
    ]
    assert [run.path for run in open_arms([str(path) for path in basic])[0].runs] == basic
    assert open_arms([str(path) for path in basic])[0].label == "2 runs"


def test_constants_that_the_subset_decides_are_no_other_setting(make_run, rows):
    constants = ("{mean: [0.3], std: [0.4]}", "{mean: [0.31], std: [0.4]}")
    runs = [
        make_run(f"n{seed}", rows(0.5), f"seed={seed}", f"data.normalisation={values}")
        for seed, values in enumerate(constants)
    ]
    assert len(open_arms([str(path) for path in runs])) == 1


def test_one_run_under_two_names(make_run, rows):
    paths = [str(make_run(name, rows(0.5))) for name in ("a", "b")]
    with pytest.raises(UserError, match=r"a and .*b are one run twice"):
        open_arms(paths)


def test_rules_without_held_out_images(make_run, rows):
    held, none = (
        make_run(name, rows(0.5, **columns), f"seed={seed}")
        for seed, (name, columns) in enumerate(
            {
                "held": {},
                "none": {"heldout_accuracy": None, "heldout_epoch": None, "test_accuracy_heldout": None},
            }.items()
        )
    )
    assert open_arms([str(held)])[0].rules == ("heldout", "test_best", "last")
    assert open_arms([str(none)])[0].rules == ("test_best", "last")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no iterations.csv"),
        ("", "has no rows yet"),
        ("iteration,density\n0,1.0\n", "iterations.csv is damaged"),
    ],
)
def test_a_folder_that_is_no_run(make_run, rows, content: str | None, message: str):
    folder: Path = make_run("broken", rows(0.5))
    (folder / "iterations.csv").unlink()
    if content is not None:
        (folder / "iterations.csv").write_text(content)
    with pytest.raises(UserError, match=message):
        open_arms([str(folder)])
