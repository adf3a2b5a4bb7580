"""Where images come from: one module a kind of source."""

from __future__ import annotations

import importlib

from tf_dlth.config import DataConfig
from tf_dlth.data.sources.source import Source

__all__ = ["Source", "load_source"]

_MODULES = {
    "digits": "digits",
    "cifar10": "cifar",
    "cifar100": "cifar",
    "cifar10_2": "cifar10_2",
    "cifar10_c": "cifar10_c",
    "eurosat": "eurosat",
    "isic2018": "deic",
    "clamm": "deic",
    "imagenet2012": "imagenet",
    "folder": "folder",
    "npz": "npz",
}


def load_source(config: DataConfig) -> Source:
    """All images of a dataset, before any subset is chosen; raises UserError saying where to get them."""
    module = importlib.import_module(f"{__name__}.{_MODULES[config.dataset]}")
    return module.load(config)
