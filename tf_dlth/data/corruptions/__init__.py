"""The 19 corruptions of CIFAR-10-C at five severities, for images of 32 x 32 px.

What is made here has the published parameters and file layout, but other random draws: a look-alike, not the
published arrays.
"""

from __future__ import annotations

from tf_dlth.data.corruptions.severities import GROUPS, KINDS, SEVERITIES

__all__ = ["GROUPS", "KINDS", "SEVERITIES"]
