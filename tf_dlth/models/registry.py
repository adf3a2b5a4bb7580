"""Architectures by name: the built-in ones and a user's own ``package.module:function``."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tf_dlth.errors import UserError, printable
from tf_dlth.models.spec import ModelSpec

if TYPE_CHECKING:
    import tf_keras

BUILT_IN = {
    "resnet18": "tf_dlth.models.resnet:resnet18",
    "resnet50": "tf_dlth.models.resnet:resnet50",
    "vgg11": "tf_dlth.models.vgg:vgg11",
    "vgg13": "tf_dlth.models.vgg:vgg13",
    "vgg16": "tf_dlth.models.vgg:vgg16",
    "vgg19": "tf_dlth.models.vgg:vgg19",
    "mobilenet_v2": "tf_dlth.models.mobilenet:mobilenet_v2",
    "fullconv_resnet18": "tf_dlth.models.fullconv:fullconv_resnet18",
    "harmonic_resnet18": "tf_dlth.models.harmonic:harmonic_resnet18",
}
"""Each is ``function(input_shape, classes, width, stem)``, from normalised images to logits."""

CIFAR_ONLY = ("vgg11", "vgg13", "vgg16", "vgg19", "mobilenet_v2")
"""Defined for 32x32 RGB images alone: their last pool is that of a 4x4 (VGG: 2x2) map."""


def check(spec: ModelSpec) -> None:
    """Raises UserError for an unknown name or an input that it cannot take; needs no TensorFlow."""
    check_name(spec.architecture)
    if spec.architecture in CIFAR_ONLY and (spec.input_shape != (32, 32, 3) or spec.stem != "small"):
        shape = "x".join(map(str, spec.input_shape))
        raise UserError(
            f"model.architecture: {spec.architecture} takes 32x32x3 images with the small stem, got {shape} "
            f"with the {spec.stem} one; set data.image_size: 32 or take resnet18"
        )


def check_name(architecture: str) -> None:
    """Raises UserError with the nearest names unless it is built in or looks like ``module:function``."""
    module, colon, function = architecture.partition(":")
    dotted = all(part.isidentifier() for part in module.split("."))
    if architecture in BUILT_IN or (colon and dotted and function.isidentifier()):
        return
    near = difflib.get_close_matches(architecture, BUILT_IN, n=3) or list(BUILT_IN)
    raise UserError(
        f"model.architecture: {architecture!r} is not known; did you mean {', '.join(near)}? "
        "An own model is written package.module:function"
    )


def network(spec: ModelSpec) -> tf_keras.Model:
    """Calls the architecture's function; raises UserError when there is none, or for whatever it raises."""
    check(spec)
    arguments: dict[str, Any] = {
        "input_shape": spec.input_shape,
        "classes": spec.classes,
        "width": spec.width,
    }
    if spec.architecture in BUILT_IN:
        return _function(BUILT_IN[spec.architecture])(**arguments, stem=spec.stem)
    try:
        return _own_network(spec.architecture, arguments)
    except UserError:
        raise
    except Exception as error:  # whatever a user's code raises
        reason = f"{type(error).__name__}: {printable(str(error))}"
        raise UserError(f"model.architecture: {spec.architecture} raised {reason}") from error


def _own_network(architecture: str, arguments: dict[str, Any]) -> tf_keras.Model:
    import tf_keras

    function = _function(architecture)
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise UserError(
            f"model.architecture: {architecture} is called with input_shape, classes and width: {error}"
        ) from None
    # Layers left without a name get the same ones however many models the process built before.
    tf_keras.backend.reset_uids()
    try:
        return function(**arguments)
    except RuntimeError as error:
        if "Random ops require a seed" not in str(error):
            raise
        layer = re.search(r"calling layer ['\"]([^'\"]+)", str(error))
        raise UserError(
            f"model.architecture: {f'layer {layer[1]}' if layer else architecture} draws outside of Keras' random "
            "layers, which a resumed run cannot replay; use a layer such as Dropout or GaussianNoise"
        ) from error


def _function(reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        function = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise UserError(f"model.architecture: {module} cannot be imported: {error}") from error
    except AttributeError:
        raise UserError(f"model.architecture: {module} has no function {name}") from None
    if not callable(function):
        raise UserError(f"model.architecture: {reference} is not a function")
    return function
