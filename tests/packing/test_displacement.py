"""How far packing moved the weights."""

import numpy as np
import pytest
import torch

from bytegolf.arrays import Floats
from bytegolf.packing.displacement import displacements


def test_errors_of_a_bank_a_matrix_and_a_number() -> None:
    weights = {"bank": torch.tensor([[[3.0, 4.0]], [[0.0, 5.0]]]), "matrix": torch.full((2, 2), 2.0), "scale": torch.tensor(1.0)}
    decoded: dict[str, Floats] = {
        "bank": np.array([[[3, 4]], [[2, 5]]], np.float32),
        "matrix": np.full((2, 2), 1.5, np.float32),
        "scale": np.ones((), np.float32),
    }
    found = displacements(weights, decoded)
    assert found["bank"].weights == 4 and found["bank"].rms == pytest.approx((50 / 4) ** 0.5)
    assert found["bank"].matrices == pytest.approx([0.0, 2**0.5]) and found["bank"].error == pytest.approx(1.0)
    assert found["matrix"].matrices == [0.5] and found["matrix"].error == 0.5 and found["matrix"].rms == 2.0
    assert found["scale"].error == 0.0 and found["scale"].weights == 1
