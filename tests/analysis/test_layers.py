from __future__ import annotations

import numpy as np
import pytest

from tf_dlth.analysis.layers import require_layers
from tf_dlth.errors import UserError

MASKS = {"conv/kernel": np.ones((3, 3, 1, 2), bool)}


def test_other_variables_are_no_matter():
    require_layers(MASKS, {"head/bias": np.ones(2), "conv/kernel": np.zeros((3, 3, 1, 2))})


def test_a_layer_that_is_missing_is_named():
    with pytest.raises(UserError, match=r"^conv/kernel is in one network"):
        require_layers(MASKS, {"stem/kernel": np.zeros((3, 3, 1, 2))})


def test_a_layer_of_another_shape_is_named():
    with pytest.raises(UserError, match=r"^conv/kernel has shape \(3, 3, 1, 2\).*\(3, 3, 1, 4\).*width$"):
        require_layers(MASKS, {"conv/kernel": np.zeros((3, 3, 1, 4))})
