from __future__ import annotations

from pathlib import Path

import pytest

from tf_dlth.config import differing_keys, parse_config
from tf_dlth.config.control import control_of, control_path
from tf_dlth.errors import UserError


def test_nothing_differs_but_the_method_and_the_name() -> None:
    config = parse_config("name: pets\nseed: 3\npruning: {iterations: 2, rate: 0.5}")
    control = control_of(config)
    assert differing_keys(config, control) == {"pruning.method": ("magnitude", "none")}
    assert control.name == "pets-control"
    assert control_path(Path("runs/pets")) == Path("runs/pets-control")


@pytest.mark.parametrize("override", ["pruning.method=none", "pruning.iterations=0"])
def test_it_is_of_a_search(override: str) -> None:
    with pytest.raises(UserError, match="--control repeats a search without pruning"):
        control_of(parse_config("name: pets", [override]))
