"""Commented configurations to begin with: what ``tf-dlth init`` writes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tf_dlth.config.schema import NAME


def folder_config(path: Path) -> str:
    """The configuration of a run on a user's own images, for a file at ``path`` and named as that is."""
    text = Path(__file__).with_name("folder.yaml").read_text(encoding="utf-8")
    name = path.stem if re.fullmatch(NAME, path.stem) else "folder"
    named = f"name: {name}".ljust(len("name: {name}               "))
    return text.replace("name: {name}               ", named).replace("{file}", shlex.quote(path.as_posix()))
