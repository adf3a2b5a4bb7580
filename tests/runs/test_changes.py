from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tf_dlth.config import Config
from tf_dlth.config.keys import dotted_keys
from tf_dlth.errors import UserError
from tf_dlth.runs.changes import ADMISSIBLE, admissible, changed_facts
from tf_dlth.runs.facts import Facts

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


def facts(**other: Any) -> Facts:
    given: dict[str, Any] = {
        "status": "running",
        "config_sha256": "a" * 64,
        "data_sha256": "b" * 64,
        "seed": 0,
        "initialisation": {"init": "x.safetensors", "sha256": "c" * 64},
        "versions": {"tensorflow": "2.21.0", "tf_dlth": "0.1.0", "numpy": "2.4.6"},
        "host": {},
    }
    return Facts.model_validate({**given, **other})


def test_r08_keys_that_may_change() -> None:
    assert admissible(iter(["pruning.rate", "data_sha256"])) == {"pruning.rate", "data_sha256"}
    assert admissible([]) == frozenset()


@pytest.mark.parametrize("key", ["nonsense.key", "seed", "model.width", "data.dataset", "pruning.rewind_epochs", ""])
def test_r08_keys_that_may_not_change(key: str) -> None:
    with pytest.raises(UserError, match=f"^--allow-change {key}: only these may change within a run: data.augment, "):
        admissible(["pruning.rate", key])


def test_r08_what_may_change_exists() -> None:
    of_facts = {key for key in ADMISSIBLE if key == "data_sha256" or key.startswith("versions.")}
    assert set(ADMISSIBLE) - of_facts <= set(dotted_keys(Config))


def test_r08_what_may_change_is_documented() -> None:
    listed = re.search(r"<!-- admissible -->\n(.*?)\n\n", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert listed is not None
    assert re.findall(r"`([^`]+)`", listed[1]) == list(ADMISSIBLE)


def test_r08_facts_that_differ() -> None:
    assert changed_facts(facts(), facts(seed=1, host={"threads": 2}, config_sha256="d" * 64)) == {}
    other = facts(
        data_sha256="e" * 64,
        initialisation={"init": "x.safetensors", "sha256": "f" * 64},
        versions={"tensorflow": "2.22.0", "tf_dlth": "0.1.0", "numpy": "2.5.0"},
        pretraining={"method": "simclr"},
    )
    assert changed_facts(facts(), other) == {
        "data_sha256": ("b" * 64, "e" * 64),
        "initialisation.sha256": ("c" * 64, "f" * 64),
        "pretraining.method": (None, "simclr"),
        "versions.tensorflow": ("2.21.0", "2.22.0"),
    }
