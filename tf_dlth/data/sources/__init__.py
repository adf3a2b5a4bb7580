"""Where images come from: one module a kind of source."""

from __future__ import annotations

import importlib

from tf_dlth.config import DataConfig
from tf_dlth.data.catalogue import FACTS
from tf_dlth.data.sources.source import Source
from tf_dlth.errors import UserError, printable

__all__ = ["Source", "load_source"]


def load_source(config: DataConfig) -> Source:
    """All images of a dataset, before any subset is chosen; raises UserError saying where to get them."""
    module = importlib.import_module(f"{__name__}.{FACTS[config.dataset].source}")
    try:
        return module.load(config)
    except OSError as error:
        where = printable(str(error.filename or config.data_dir))
        raise UserError(f"{where} cannot be read: {error.strerror or error}") from None
