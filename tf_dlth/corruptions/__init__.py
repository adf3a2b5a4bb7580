"""The 19 corruptions of CIFAR-10-C at five severities, for images of 32 x 32 px.

What is made here has the published parameters and file layout, but other random draws: a look-alike, not the
published arrays.
"""

from __future__ import annotations

import importlib.util

from tf_dlth.corruptions.severities import GROUPS, KINDS, SEVERITIES
from tf_dlth.errors import UserError

__all__ = ["GROUPS", "KINDS", "SEVERITIES", "require_libraries"]

LIBRARIES = {"scipy": "scipy", "skimage": "scikit-image", "cv2": "opencv-python-headless"}


def require_libraries() -> None:
    """Raises UserError when a library of the extra ``corrupt`` is not installed."""
    missing = [package for module, package in LIBRARIES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UserError(f"corruptions need {' and '.join(missing)}: pip install 'tf_dlth[corrupt]'")
