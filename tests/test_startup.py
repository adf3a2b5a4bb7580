from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tf_dlth

PACKAGE = Path(tf_dlth.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NUMPY_ONLY = ("lottery/masks.py", "data/subsets.py", "config.py", "files.py", "errors.py", "models/spec.py")

LAYERS = {
    "errors": 0, "startup": 0, "files": 0, "provenance": 0, "config": 1,
    "models": 2, "data": 2, "training": 3, "lottery": 4, "analysis": 4, "evaluation": 5, "preparation": 5,
    "reporting": 5, "experiment": 6, "studies": 6, "commands": 6,
}  # fmt: skip
"""A module imports only from its own layer and those below."""


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process whose TensorFlow settings are untouched."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    env = {**kept, "PYTHONPATH": str(PACKAGE.parent), **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)


def test_keras_3_bound_first_is_one_clear_error():
    done = python("import tensorflow as tf; tf.keras.layers\nimport tf_dlth")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "tf_dlth needs Keras 2" in line]
    assert line.startswith("ImportError:")
    assert "import tf_dlth before tensorflow, or set TF_USE_LEGACY_KERAS=1" in line


def test_tensorflow_first_but_untouched_is_fine():
    done = python("import tensorflow as tf, tf_dlth; print(tf.keras.Model.__module__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tf_keras.")


def test_importing_the_package_or_a_config_imports_no_tensorflow():
    code = (
        "import sys, tf_dlth, tf_dlth.train, tf_dlth.__main__, tf_dlth.lottery.masks, tf_dlth.data.subsets\n"
        "tf_dlth.load_config\n"
        "assert not {'tensorflow', 'tf_keras', 'keras'} & set(sys.modules)"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_the_start_is_silent():
    done = python("from tf_dlth.startup import start_tensorflow; start_tensorflow(); import tf_dlth.experiment")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_was_printed_while_it_failed_is_shown():
    code = (
        "import os\nfrom tf_dlth.startup import _hushed\n"
        "with _hushed():\n    os.write(1, b'a greeting\\n'); raise RuntimeError('why')"
    )
    done = python(code)
    assert done.returncode == 1
    assert "a greeting" in done.stderr
    assert "RuntimeError: why" in done.stderr


def test_the_public_names():
    assert set(tf_dlth.__all__) == {"Config", "Run", "Ticket", "load_config", "load_ticket", "lottery", "run"}
    for name in tf_dlth.__all__:
        assert getattr(tf_dlth, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        tf_dlth.trian  # noqa: B018
    with pytest.raises(AttributeError):
        tf_dlth.Network  # noqa: B018


def imports(path: Path) -> set[str]:
    """Modules that a file imports, those for type checkers alone left out."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(PACKAGE)) for p in MODULES])
def test_keras_own_loading_is_used_nowhere(path: Path):
    """It runs code from the file, and no flag stops it."""
    names = {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}
    names |= {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
    names |= {name.rpartition(".")[2] for name in imports(path)}
    assert not names & {"load_model", "load_weights", "model_from_json", "pickle", "unsafe_load", "full_load"}


@pytest.mark.parametrize("name", NUMPY_ONLY)
def test_modules_of_numpy_alone(name: str):
    roots = {module.partition(".")[0] for module in imports(PACKAGE / name)}
    assert not roots & {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_imports_from_above(layer: str):
    files = [p for p in MODULES if p.relative_to(PACKAGE).parts[0].removesuffix(".py") == layer]
    for path in files:
        if path.name == "__main__.py":
            continue
        for module in imports(path):
            package, _, rest = module.partition(".")
            target = rest.partition(".")[0]
            if package == "tf_dlth" and target in LAYERS:
                assert LAYERS[target] <= LAYERS[layer], f"{path.relative_to(PACKAGE)} imports {module}"


def test_the_api_starts_tensorflow_silently_and_only_a_run_makes_it_deterministic():
    code = """
import tf_dlth
tf_dlth.load_ticket
from tensorflow.python.framework import config
print(config.is_op_determinism_enabled())
tf_dlth.run
print(config.is_op_determinism_enabled())
"""
    done = python(code)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
