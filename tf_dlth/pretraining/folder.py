"""The folder of a pre-training: a run's folder that ends in an encoder instead of tickets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_dlth import files
from tf_dlth.lottery.folder import METRICS, RunFolder
from tf_dlth.models.pretrained import ENCODER_FILE


class EncoderFolder(RunFolder):
    """Files of one pre-training; metrics, checkpoints and resuming are a run's."""

    def keep_encoder(self, weights: Mapping[str, np.ndarray], **summary: Any) -> None:
        """Writes the encoder, then that the run is finished; the checkpoints are no longer needed."""
        sha256 = files.write_tensors(self.path / ENCODER_FILE, weights)
        self._write_status("finished", encoder={"file": ENCODER_FILE, "sha256": sha256}, **summary)
        self.remove_checkpoints()

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl."""
        return [json.loads(line) for line in files.read_bytes(self.path / METRICS).splitlines()]
