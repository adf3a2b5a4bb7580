from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import tf_dlth.analysis

MODULES = sorted(Path(tf_dlth.analysis.__file__).parent.glob("*.py"))
ALLOWED = {"numpy", "tf_dlth.errors", "tf_dlth.analysis"}


def imported(tree: ast.AST) -> set[str]:
    """Third parties by their top name, this package's modules by room; what only a type checker imports is left out."""
    names: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module
            names |= {node.module} if node.module != "tf_dlth" else {f"tf_dlth.{alias.name}" for alias in node.names}
        names |= imported(node)
    return names


def room(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "tf_dlth" else parts[0]


@pytest.mark.parametrize("path", MODULES, ids=[path.stem for path in MODULES])
def test_numpy_alone_and_no_other_room(path: Path):
    foreign = {room(name) for name in imported(ast.parse(path.read_text()))} - sys.stdlib_module_names
    assert foreign <= ALLOWED | ({"scipy"} if path.stem == "significance" else set())


def test_imports_are_found_wherever_they_hide():
    source = "def f():\n    import tensorflow.io\nif TYPE_CHECKING:\n    import pandas\nfrom tf_dlth import lottery"
    assert {room(name) for name in imported(ast.parse(source))} == {"tensorflow", "tf_dlth.lottery"}
