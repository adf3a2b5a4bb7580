"""First weights from a file: ImageNet ResNets in PyTorch's naming, or an encoder of our own pre-training.

PyTorch's names are those of its widely used ImageNet weights: ``conv1.weight``, ``bn1.running_mean``,
``layer2.0.downsample.0.weight``, ``fc.bias``. Own files hold our variable names. Every name is accounted for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth.errors import UserError
from tf_dlth.files import Tensors, read_tensors
from tf_dlth.hub import Reference, is_reference
from tf_dlth.models.spec import ModelSpec
from tf_dlth.runs.facts import read_facts

ENCODER_FILE = "encoder.safetensors"
"""What a pre-training leaves in its folder."""
HUB_FILE = "model.safetensors"
IMAGENET_WIDTH = 64
IMAGENET = {
    "resnet18": (
        Reference("timm/resnet18.tv_in1k", "bbd144b3e5565108aad885f145491d11bc6ce807"),
        "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
    ),
    "resnet50": (
        Reference("timm/resnet50.tv_in1k", "78f3ecfdb38e06d9b8397f662e7ab8fee96026fa"),
        "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
    ),
}
"""By architecture: copies of torchvision's IMAGENET1K_V1 weights on the Hub, and the SHA-256 of the file."""

NORM_LEAVES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def load_pretrained(
    reference: str, spec: ModelSpec, initial: Tensors, pretrained_stem: bool
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """``initial`` with the file's weights put in, and where they came from.

    ``reference`` is ``imagenet``, a safetensors file, a folder of a pre-training, or ``hf://OWNER/NAME@REVISION``. From
    PyTorch's naming the residual stages are copied, the stem if ``pretrained_stem``, the head never; from our
    own, all but the head. Raises UserError for missing or unknown names and shapes that do not fit.
    """
    path, source = locate(reference, spec)
    file = read_tensors(path.resolve(), source.get("sha256"))
    if all("/" in name for name in file):
        naming, loaded = "tf_dlth", _from_encoder(file, initial, reference)
    else:
        naming, loaded = "pytorch", _from_pytorch(file, spec, reference, pretrained_stem)
    _check_shapes(loaded, initial, reference)
    weights = {**initial, **{name: tensor.astype(np.float32) for name, tensor in loaded.items()}}
    random = [name for name in initial if name not in loaded]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return weights, {**source, "sha256": digest, "naming": naming, "copied": len(loaded), "random": random}


def locate(reference: str, spec: ModelSpec) -> tuple[Path, dict[str, str]]:
    """The file on this disk, downloaded if need be, and what to note about it."""
    if reference == "imagenet":
        return _published(spec.architecture, spec.width)
    if is_reference(reference):
        return _download(reference)
    path = Path(reference)
    if not path.is_dir():
        return path, {"source": reference}
    facts = read_facts(path)
    if facts is None or facts.encoder is None:
        raise UserError(f"model.init: {reference} holds no finished pre-training; run pretrain first, or name a file")
    return path / ENCODER_FILE, {"source": reference, "sha256": facts.encoder["sha256"]}


def pytorch_names(architecture: str) -> dict[str, str]:
    """Our variable name for each of PyTorch's, of a whole ResNet-18 or -50 in the order of its layers."""
    blocks, convolutions = {"resnet18": ((2, 2, 2, 2), 2), "resnet50": ((3, 4, 6, 3), 3)}[architecture]
    names = {"conv1.weight": "stem/kernel", **_norm_names("bn1", "stem_bn")}
    for stage, count in enumerate(blocks, start=1):
        for block in range(count):
            projects = block == 0 and (stage > 1 or architecture == "resnet50")
            theirs, ours = f"layer{stage}.{block}", f"stage{stage}_block{block + 1}"
            names |= _block_names(theirs, ours, convolutions, projects)
    return names | {"fc.weight": "head/kernel", "fc.bias": "head/bias"}


def from_pytorch_layout(tensor: np.ndarray) -> np.ndarray:
    """OIHW to HWIO, [out, in] to [in, out]; vectors as they are."""
    return np.ascontiguousarray(tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T)


def _block_names(theirs: str, ours: str, convolutions: int, projects: bool) -> dict[str, str]:
    names: dict[str, str] = {}
    for index in range(1, convolutions + 1):
        names[f"{theirs}.conv{index}.weight"] = f"{ours}_conv{index}/kernel"
        names |= _norm_names(f"{theirs}.bn{index}", f"{ours}_bn{index}")
    if projects:
        names[f"{theirs}.downsample.0.weight"] = f"{ours}_shortcut/kernel"
        names |= _norm_names(f"{theirs}.downsample.1", f"{ours}_shortcut_bn")
    return names


def _norm_names(theirs: str, ours: str) -> dict[str, str]:
    return {f"{theirs}.{their}": f"{ours}/{our}" for their, our in NORM_LEAVES.items()}


def _from_pytorch(file: Tensors, spec: ModelSpec, reference: str, pretrained_stem: bool) -> dict[str, np.ndarray]:
    if spec.architecture not in ("resnet18", "resnet50"):
        raise UserError(f"model.init: {reference} is for resnet18 or resnet50, not {spec.architecture}")
    names = pytorch_names(spec.architecture)
    # BatchNorm's step counters take no part in inference, and encoders come without a classifier.
    present = {name for name in file if not name.endswith(".num_batches_tracked")}
    optional = {"fc.weight", "fc.bias"}
    _check_names(present - optional, set(names) - optional, reference)
    wanted = {theirs: ours for theirs, ours in names.items() if _is_copied(ours, pretrained_stem)}
    return {ours: from_pytorch_layout(file[theirs]) for theirs, ours in wanted.items()}


def _is_copied(name: str, pretrained_stem: bool) -> bool:
    # paper: fine-tuning "from ImageNet"; its code copies the residual stages alone, even if the stem fits.
    layer = name.partition("/")[0]
    return layer not in ("stem", "stem_bn", "head") or (pretrained_stem and layer != "head")


def _from_encoder(file: Tensors, initial: Tensors, reference: str) -> Mapping[str, np.ndarray]:
    encoder = {name: tensor for name, tensor in file.items() if not name.startswith("head/")}
    _check_names(set(encoder), {name for name in initial if not name.startswith("head/")}, reference)
    return encoder


def _check_names(present: set[str], needed: set[str], reference: str) -> None:
    for problem, names in (("lacks", needed - present), ("has unknown tensors", present - needed)):
        if names:
            shown = ", ".join(sorted(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            raise UserError(f"model.init: {reference} {problem} {shown}; it must be of the same architecture")


def _check_shapes(loaded: Mapping[str, np.ndarray], initial: Tensors, reference: str) -> None:
    for name, tensor in loaded.items():
        if (shape := initial[name].shape) != tensor.shape:
            hint = "model.pretrained_stem: false keeps a random stem" if name.startswith("stem") else "model.width"
            raise UserError(
                f"model.init: {reference} has shape {list(tensor.shape)} for {name}, the model needs "
                f"{list(shape)} (see {hint})"
            )


def _published(architecture: str, width: int) -> tuple[Path, dict[str, str]]:
    """torchvision's first ImageNet weights, as the paper's code begins with."""
    if architecture not in IMAGENET:
        raise UserError(f"model.init: imagenet is for {' or '.join(IMAGENET)}, not {architecture}")
    if width != IMAGENET_WIDTH:
        raise UserError(f"model.init: imagenet needs model.width={IMAGENET_WIDTH}, not {width}")
    reference, sha256 = IMAGENET[architecture]
    try:
        path, source = _download(str(reference))
    except UserError as error:
        raise UserError(
            f"{error}; put {HUB_FILE} of {reference} at weights/{architecture}.safetensors and set "
            f"model.init=weights/{architecture}.safetensors (SHA-256 {sha256})"
        ) from None
    return path, {**source, "sha256": sha256}


def _download(reference: str) -> tuple[Path, dict[str, str]]:
    try:
        pinned = Reference.parse(reference)
        path = pinned.download(HUB_FILE)
    except UserError as error:
        raise UserError(f"model.init: {error}") from None
    return path, {"source": reference, "file": HUB_FILE, "revision": pinned.revision}
