from __future__ import annotations

import pytest

from tf_dlth.errors import UserError
from tf_dlth.exporting import packages


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == "ai_edge_litert" else object())
    for form in ("savedmodel", "compact", "onnx"):
        packages.require(form)
    with pytest.raises(UserError, match=r"^--format tflite needs ai-edge-litert: pip install tf_dlth\[export\]$"):
        packages.require("tflite")


def test_all_are_installed_where_the_tests_run() -> None:
    for form in packages.PACKAGES:
        packages.require(form)
