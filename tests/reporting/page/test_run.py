from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tf_dlth import commands
from tf_dlth.errors import UserError
from tf_dlth.evaluation.judged import Images
from tf_dlth.reporting.page.content import Command, Figure, Notes, Page, Paragraph, Pictures, Table
from tf_dlth.reporting.page.rendering import contents
from tf_dlth.reporting.page.run import reported

SECTIONS = [
    "Which network is best", "Accuracy by density", "Learning curves", "What is taken for what", "Class by class",
    "The worst mistakes", "Size", "Layers", "How it was made", "What to do next",
]  # fmt: skip


def images(subject):
    return commands.test_images(subject, None, None)[1]


def report(path: Path, read: Images = images) -> Page:
    return reported(str(path), None, False, read)


@pytest.fixture(scope="module")
def page(finished) -> Page:
    return report(finished.path)


def named(page: Page) -> set[str]:
    return {block.name for block in page.blocks if isinstance(block, Table | Figure)}


def texts(page: Page) -> str:
    words = [block.text for block in page.blocks if isinstance(block, Paragraph | Command)]
    return "\n".join([*words, *(item for block in page.blocks if isinstance(block, Notes) for item in block.items)])


def test_everything_of_a_finished_run(page: Page):
    assert [section.title for section in page.sections] == SECTIONS
    assert named(page) == {
        "standings", "rules", "accuracy_by_density", "iterations", "learning_curves", "confusion", "mistakes",
        "classes", "sizes", "layer_densities", "layers", "settings", "machine",
    }  # fmt: skip
    assert len([block for block in page.blocks if isinstance(block, Pictures)]) == 1
    assert all(block.alt for block in page.blocks if isinstance(block, Figure))


def test_the_headline_and_the_pictures_speak_of_the_same_weights(page: Page, finished):
    """The run's own rule decides, whatever the SavedModel holds."""
    confusion = next(block for block in page.blocks if isinstance(block, Figure) and block.name == "confusion")
    right = confusion.caption.split("images, ")[1].split(" ")[0]
    assert f"right on {right} of 1,047 test images" in page.lead
    assert "(heldout weights)" in confusion.caption


def test_commands_that_go_on(page: Page, finished):
    lines = [block.text for block in page.blocks if isinstance(block, Command)]
    assert [line.split()[2] for line in lines] == [
        "tf_dlth.evaluate", "tf_dlth.predict", "tf_dlth.export", "tf_dlth.train",
    ]  # fmt: skip
    assert lines[3].endswith(f"--config {finished.path}/config.yaml name=tiny-seed1 seed=1")


def test_again_the_same_bytes(page: Page, finished):
    assert contents([page]) == contents([report(finished.path)])


def test_images_that_are_not_at_hand(finished):
    def gone(subject):
        raise UserError("photos does not exist")

    page = report(finished.path, gone)
    assert "No confusion matrix and no pictures: photos does not exist." in texts(page)
    assert not named(page) & {"confusion", "classes", "mistakes"} and "accuracy_by_density" in named(page)


def test_a_run_of_which_little_was_copied(damaged: Path):
    for name in ("metrics.jsonl", "subset.json"):
        (damaged / name).unlink()
    for folder in damaged.glob("iteration_*"):
        shutil.rmtree(folder)
    page = report(damaged)
    for sentence in ("No learning curves: metrics.jsonl", "No sizes: the tickets", "is not here."):
        assert sentence in texts(page)
    assert named(page) == {"standings", "rules", "accuracy_by_density", "iterations", "settings", "machine"}


def test_the_number_of_test_images_is_counted_where_it_is_not_written(damaged: Path):
    (damaged / "subset.json").unlink()
    assert "of 1,047 test images" in report(damaged).lead


def test_an_unfinished_run(damaged: Path, edit):
    lines = (damaged / "iterations.csv").read_text().splitlines(keepends=True)

    def unfinished(tree):
        tree.update(status="failed", error="the disk was full", files={})
        for key in ("winner", "best_sparse", "winners", "winners_16", "dense_would_win", "seconds"):
            tree.pop(key)

    edit(damaged / "run.json", unfinished)
    (damaged / "iterations.csv").write_text("".join(lines[:3]))
    page = report(damaged)
    assert page.lead.startswith("This run is not finished (2 of 3 iterations so far).")
    assert "The run failed: the disk was full" in texts(page)
    assert [b.text for b in page.blocks if isinstance(b, Command)] == [
        f"python -m tf_dlth.train --config {damaged}/config.yaml"
    ]


def test_one_training(quick):
    from tf_dlth.experiment import run

    path = run(quick("pruning.iterations=0", "training.epochs=1", "pruning.rewind_epochs=0")).path
    page = reported(str(path), None, True, images)
    assert page.lead.startswith("One dense network")
    assert "layers" not in named(page) and "accuracy_by_density" not in named(page)
