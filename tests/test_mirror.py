"""A reader finds the tests of ``tf_dlth/a/b.py`` in ``tests/a/test_b.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

import tf_dlth

PACKAGE, TESTS = Path(tf_dlth.__file__).parent, Path(__file__).parent
WITHOUT = {
    "data/augmentation/operation.py": "only names; what each does is tested with operations.py",
}
"""Modules that compute nothing, and why. ``__init__`` and ``__main__`` need no file of their own either."""
MODULES = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py")) if path.stem[:2] != "__"]


def mirrored(module: str) -> Path:
    path = TESTS / module
    return path.with_name(f"test_{path.name}")


@pytest.mark.parametrize("module", [module for module in MODULES if module not in WITHOUT])
def test_every_module_has_its_tests(module: str) -> None:
    path = mirrored(module)
    assert path.is_file()
    assert "def test_" in path.read_text(encoding="utf-8")


def test_the_exceptions_are_still_modules_without_tests() -> None:
    assert WITHOUT.keys() <= set(MODULES)
    assert not [module for module in WITHOUT if mirrored(module).exists()]
