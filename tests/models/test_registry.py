from __future__ import annotations

import subprocess
import sys

import pytest

from tf_dlth.errors import UserError
from tf_dlth.models import registry
from tf_dlth.models.spec import ModelSpec

SPEC = ModelSpec(architecture="resnet18", width=8, stem="small", head="linear", classes=10, input_shape=(32, 32, 3))


@pytest.mark.parametrize(("wrong", "near"), [("resnet81", "resnet18"), ("vgg61", "vgg16"), ("", "harmonic")])
def test_a_wrong_name_is_told_the_nearest(wrong: str, near: str):
    with pytest.raises(UserError, match=rf"did you mean .*{near}"):
        registry.check_name(wrong)


@pytest.mark.parametrize("wrong", ["module:", ":function", "mod-ule:function", "module:a.b", "a:b:c"])
def test_what_cannot_be_a_function_is_refused(wrong: str):
    with pytest.raises(UserError, match=r"package\.module:function"):
        registry.check_name(wrong)


@pytest.mark.parametrize("architecture", registry.CIFAR_ONLY)
@pytest.mark.parametrize("change", [{"input_shape": (64, 64, 3)}, {"input_shape": (32, 32, 1)}, {"stem": "full"}])
def test_networks_for_32_pixels_refuse_other_images(architecture: str, change: dict):
    with pytest.raises(UserError, match=f"{architecture} takes 32x32x3"):
        registry.check(SPEC.model_copy(update={"architecture": architecture, **change}))
    registry.check(SPEC.model_copy(update={"architecture": architecture}))


def test_checks_need_no_tensorflow():
    check = "import sys, tf_dlth.models.registry as r; r.check_name('vgg16')"
    code = f"{check}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_own_functions_that_fail(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_registry.py").write_text("answer = 42\ndef narrow(input_shape, classes): pass\n")
    for name, message in [
        ("no_such_module:f", "no_such_module cannot be imported"),
        ("own_registry:missing", "has no function missing"),
        ("own_registry:answer", "is not a function"),
        ("own_registry:narrow", "input_shape, classes and width"),
    ]:
        with pytest.raises(UserError, match=message):
            registry.network(SPEC.model_copy(update={"architecture": name}))
