"""Words of a command line, in any order."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from tf_dlth import commands


@pytest.mark.parametrize("name", ["train", "pretrain"])
def test_overrides_stand_on_either_side_of_an_option(name: str) -> None:
    parser = importlib.import_module(f"tf_dlth.{name}")._parser()
    words = ["a.b=1", "--config", "x.yaml", "c=2", "--json", "out.json", "d=3", "--data-dir", "images"]
    options = parser.parse_intermixed_args(words)
    assert commands.overrides(options) == ["a.b=1", "c=2", "d=3", "data.data_dir=images"]
    assert (options.config, options.json) == ("x.yaml", "out.json")


def test_several_tickets_around_an_option() -> None:
    from tf_dlth.evaluate import _parser

    options = _parser().parse_intermixed_args(["one", "--weights", "last", "two"])
    assert options.tickets == ["one", "two"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"dataset": "cifar10"}, "images"),
        ({"dataset": "cifar10", "data_dir": "own"}, "own"),
        ({"dataset": "digits"}, None),
    ],
)
def test_the_variable_stands_in_for_a_tfds_directory(
    monkeypatch: pytest.MonkeyPatch, data: dict[str, str], expected: str | None
) -> None:
    from tf_dlth.config import DataConfig

    monkeypatch.setenv("TF_DLTH_DATA", "images")
    assert commands.locate_data(DataConfig.model_validate(data)).data_dir == expected


def test_json_is_a_list(tmp_path: Path) -> None:
    commands.write_json(str(tmp_path / "out.json"), [{"a": 1}])
    assert json.loads((tmp_path / "out.json").read_text()) == [{"a": 1}]
