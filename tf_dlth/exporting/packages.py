"""The formats, and the packages that only some of them need; imports neither those nor TensorFlow."""

from __future__ import annotations

from importlib.util import find_spec

from tf_dlth.errors import UserError

PACKAGES: dict[str, tuple[str, ...]] = {
    "savedmodel": (),
    "compact": (),
    "tflite": ("ai_edge_litert",),
    "onnx": ("onnx", "onnxruntime"),
}
"""By format: modules that write it or read it back."""


def require(form: str) -> None:
    """Raises UserError, which says how to install it, for the first package that a format lacks."""
    for module in PACKAGES[form]:
        if find_spec(module) is None:
            raise UserError(f"--format {form} needs {module.replace('_', '-')}: pip install tf_dlth[export]")
