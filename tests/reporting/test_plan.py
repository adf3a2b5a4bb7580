from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from tf_dlth.data.images import Preprocessing
from tf_dlth.preparation import Prepared
from tf_dlth.reporting.plan import (
    classes_line,
    images_table,
    pictures_line,
    plan_lines,
    skipped_line,
    summary_line,
    time_line,
)

SMALL = Preprocessing(channels=3, resize=64, crop=(64, 64))
PADDED = Preprocessing(channels=3, resize=64, crop=(64, 64), fit="pad")
LARGE = Preprocessing(channels=3, resize=146, crop=(128, 128))


def test_a_plan_is_a_few_lines(finished) -> None:
    plan = replace(Prepared(finished.config).plan(), skipped={".gif files": 2}, seconds=1500.0)
    lines = plan_lines(plan)
    assert f"{plan.parameters:,} parameters, {plan.prunable:,} prunable" in lines[0] == summary_line(plan)
    assert "50 train, 30 held-out, 1,047 test" in lines[0]
    assert lines[1].startswith("images a class (train/held-out/test): 0: 5/3/")
    assert lines[2:4] == ["input: 8 x 8 pixels, 1 channel", "not used: 2 .gif files"]
    assert lines[4].startswith("21 training steps; up to ")
    assert lines[5] == "time: about 25 min on this machine, by its first steps"
    assert len(lines) == 6


def test_the_table_of_classes(finished) -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(images_table(Prepared(finished.config).plan()))
    assert [line.split()[:3] for line in out.getvalue().splitlines() if line.strip()[:1] == "7"] == [["7", "5", "3"]]


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (
            {"train": {"a": 4, "b": 4}, "test": {"a": 2, "b": 2}},
            "images a class (train/test): 4/2 in each of 2 classes",
        ),
        (
            {"train": {"b": 4, "a": 9}, "heldout": {"b": 1, "a": 2}, "test": {"b": 3, "a": 1000}},
            "images a class (train/held-out/test): b: 4/1/3, a: 9/2/1,000",
        ),
        (
            {"train": {f"c{n}": n + 1 for n in range(40)}, "test": {f"c{n}": 7 for n in range(40)}},
            "images a class (train/test): from 1/7 in c0 to 40/7 in c39, 40 classes",
        ),
        ({"train": {"\x1b[2J": 1, "b": 2}}, r"images a class (train): \x1b[2J: 1, b: 2"),
    ],
)
def test_images_a_class(counts: dict[str, dict[str, int]], line: str) -> None:
    assert classes_line(counts) == line


@pytest.mark.parametrize(
    ("sizes", "preprocessing", "line"),
    [
        ({}, SMALL, "input: 64 x 64 pixels, 3 channels"),
        ({(64, 64): 9}, SMALL, "input: 64 x 64 pixels, 3 channels, the pictures' own"),
        ({(64, 64): 9}, PADDED, "input: 64 x 64 pixels, 3 channels, the pictures' own"),
        (
            {(64, 128): 9},
            SMALL,
            "pictures: 128 x 64 (9); input: 64 x 64 pixels, 3 channels: shorter side to 64, its centre kept; 50% of a "
            "picture is cropped away (data.fit=pad keeps it)",
        ),
        (
            {(64, 128): 10, (64, 64): 30, (480, 640): 1, (10, 10): 2, (9, 9): 2},
            SMALL,
            "pictures: 64 x 64 (30), 128 x 64 (10), 9 x 9 (2), 2 other sizes; input: 64 x 64 pixels, 3 channels: "
            "shorter side to 64, its centre kept; 12% of a picture is cropped away on average, up to 50% "
            "(data.fit=pad keeps it); 4 are enlarged",
        ),
        (
            {(480, 640): 3, (30, 20): 1},
            PADDED,
            "pictures: 640 x 480 (3), 20 x 30 (1); input: 64 x 64 pixels, 3 channels: longer side to 64, black around "
            "it; 1 is enlarged",
        ),
        (
            {(128, 128): 5},
            LARGE,
            "pictures: 128 x 128 (5); input: 128 x 128 pixels, 3 channels: shorter side to 146, its centre kept; 23% "
            "of a picture is cropped away (data.fit=pad keeps it); 5 are enlarged",
        ),
    ],
)
def test_how_pictures_become_the_input(
    sizes: dict[tuple[int, int], int], preprocessing: Preprocessing, line: str
) -> None:
    assert pictures_line(sizes, preprocessing) == line


def test_what_is_not_used() -> None:
    assert skipped_line({".heic files": 12, "images in val/": 1500}) == "not used: 12 .heic files, 1,500 images in val/"
    one = {".gif files": 1, "broken links": 1, "files without extension": 1, "images in images/": 1}
    assert skipped_line(one) == "not used: 1 .gif file, 1 broken link, 1 file without extension, 1 image in images/"


def test_few_sizes_are_all_told() -> None:
    line = pictures_line({(64, 64): 9, (64, 70): 3, (64, 80): 2, (64, 90): 1}, SMALL)
    assert line.startswith("pictures: 64 x 64 (9), 70 x 64 (3), 80 x 64 (2), 90 x 64 (1); input")


@pytest.mark.parametrize(("seconds", "pointed"), [(3000.0, False), (7200.0, True)])
def test_a_long_run_points_to_a_shorter_one(seconds: float, pointed: bool) -> None:
    assert ("--budget 30m" in time_line(seconds)) == pointed
