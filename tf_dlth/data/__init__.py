"""Images and labels: sources, subsets, the input pipeline, augmentation and corruptions."""

from __future__ import annotations

from tf_dlth.data.examples import Examples
from tf_dlth.data.loading import Data, load_data

__all__ = ["Data", "Examples", "load_data"]
