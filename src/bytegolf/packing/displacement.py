"""How far packing moved the weights: the error of each parameter, and of each matrix of a bank."""

from dataclasses import dataclass

import numpy as np

from bytegolf.arrays import Doubles, WeightArrays
from bytegolf.model.weights import Weights


@dataclass(frozen=True)
class Displacement:
    """The root mean square of a parameter's weights and of its error, and of the error of each of its `matrices`."""

    weights: int
    rms: float
    error: float
    matrices: list[float]


def displacements(weights: Weights, decoded: WeightArrays) -> dict[str, Displacement]:
    """Return the errors of what was decoded, by parameter."""
    return {name: _error(weight.detach().cpu().double().numpy(), decoded[name].astype(np.float64)) for name, weight in weights.items()}


def _error(weight_S: Doubles, decoded_S: Doubles) -> Displacement:
    error_S = decoded_S - weight_S
    matrices = [_rms(matrix) for matrix in error_S] if error_S.ndim == 3 else [_rms(error_S)]
    return Displacement(weight_S.size, _rms(weight_S), _rms(error_S), matrices)


def _rms(values: Doubles) -> float:
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0
