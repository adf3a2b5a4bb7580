"""Where images come from: one module a kind of source."""

from __future__ import annotations

import importlib

from tf_dlth.config import DataConfig
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.sources.source import Source

__all__ = ["Source", "load_source"]


def load_source(config: DataConfig) -> Source:
    """All images of a dataset, before any subset is chosen; raises UserError saying where to get them."""
    module = importlib.import_module(f"{__name__}.{FACTS[config.dataset].source}")
    return module.load(config)
