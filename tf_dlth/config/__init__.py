"""The configuration of a run: what it may hold, and how it is read."""

from __future__ import annotations

from tf_dlth.config.base import Normalisation
from tf_dlth.config.loading import build_config, differing_keys, load_config, parse_config
from tf_dlth.config.schema import (
    Command,
    Config,
    DataConfig,
    Dataset,
    Jit,
    ModelConfig,
    OutputConfig,
    Precision,
    PretrainConfig,
    ProbeConfig,
    PruningConfig,
    TrainingConfig,
    WeightsKind,
)

__all__ = [
    "Command",
    "Config",
    "DataConfig",
    "Dataset",
    "Jit",
    "ModelConfig",
    "Normalisation",
    "OutputConfig",
    "Precision",
    "PretrainConfig",
    "ProbeConfig",
    "PruningConfig",
    "TrainingConfig",
    "WeightsKind",
    "build_config",
    "differing_keys",
    "load_config",
    "parse_config",
]
