"""What ``--data`` may say."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from tf_dlth.config.schema import Dataset
from tf_dlth.errors import UserError


def is_dataset(data: str) -> bool:
    """Whether ``--data`` names a dataset, or else a folder that is there; raises UserError for what is neither."""
    if data in get_args(Dataset):
        return True
    if Path(data).is_dir():
        return False
    raise UserError(f"--data {data} is neither a folder nor one of {', '.join(get_args(Dataset))}")
