"""A figure as the bytes of a file."""

from __future__ import annotations

import io
import warnings
from typing import Any

import matplotlib
from matplotlib.figure import Figure

REPRODUCIBLE: Any = {"svg.hashsalt": "tf_dlth"}


def rendered(figure: Figure, form: str) -> bytes:
    """``figure`` as ``png`` or ``svg``; equal figures give equal bytes. Letters that no font has are boxes."""
    content = io.BytesIO()
    with matplotlib.rc_context(REPRODUCIBLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font", UserWarning)
        figure.savefig(content, dpi=120, format=form, metadata={"Date": None} if form == "svg" else None)
    return content.getvalue()
