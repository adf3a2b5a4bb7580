from __future__ import annotations

import pytest
import tensorflow as tf

from tf_dlth.errors import UserError
from tf_dlth.training.memory import exhaustion_told


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM when allocating\na tensor")]
)
@pytest.mark.parametrize("section", ["training", "pretrain"])
def test_running_out_of_memory_is_one_line(error: Exception, section: str):
    with (
        pytest.raises(
            UserError, match=rf"^out of memory; lower {section}\.batch_size, data\.image_size or model\.width$"
        ) as told,
        exhaustion_told(section),
    ):
        raise error
    assert told.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), UserError("a mistake"), tf.errors.InternalError(None, None, "")]
)
def test_other_errors_pass(error: Exception):
    with pytest.raises(type(error)) as passed, exhaustion_told("training"):
        raise error
    assert passed.value is error
