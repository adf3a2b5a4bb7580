from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tf_dlth

PACKAGE = Path(tf_dlth.__file__).parent


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
        "import os\nfrom tf_dlth.startup import hushed\n"
        "with hushed():\n    os.write(1, b'a greeting\\n'); raise RuntimeError('why')"
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
