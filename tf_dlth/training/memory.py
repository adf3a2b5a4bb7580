"""Running out of memory, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from tf_dlth.errors import UserError


@contextmanager
def exhaustion_told(section: str) -> Iterator[None]:
    """Raises UserError where the block runs out of memory; ``section`` of the configuration holds the batch size."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise UserError(f"out of memory; lower {section}.batch_size, data.image_size or model.width") from error
