"""What a pre-training keeps in its folder beside the state of its training: an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.errors import UserError
from tf_dlth.models.pretrained import ENCODER_FILE
from tf_dlth.runs.facts import read_facts
from tf_dlth.runs.folder import RunFolder, verify_files


def keep_encoder(folder: RunFolder, weights: Mapping[str, np.ndarray], **summary: Any) -> None:
    """Writes the encoder's float32 variables, then that the pre-training is finished."""
    sha256 = files.write_tensors(folder.path / ENCODER_FILE, weights)
    folder.finish(encoder={"file": ENCODER_FILE, "sha256": sha256}, **summary)


def verify_encoder(folder: Path) -> None:
    """Raises UserError unless a finished pre-training's encoder is what its run.json says."""
    facts = read_facts(folder)
    if facts is None or facts.encoder is None:
        raise UserError(f"{folder} holds a finished run that is no pre-training; choose another name")
    verify_files(folder, facts)
    files.read_bytes(folder / facts.encoder["file"], facts.encoder["sha256"])
