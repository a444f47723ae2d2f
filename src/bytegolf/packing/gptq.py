"""GPTQ (arXiv 2210.17323): rounding column by column, where each column's error is made good by those that are still open.

With H = E[x xᵀ] of a matrix's inputs the error of its output is tr(ΔW H ΔWᵀ). Once column j is rounded, the open columns F
move by −(w_j − ŵ_j) / [H_F⁻¹]_jj · [H_F⁻¹]_jF, which is the best they can do. What that needs of the inverses of all those
parts of H stands in the rows of one Cholesky factor: H⁻¹ = Uᵀ U, row j of U over its diagonal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bytegolf.artifact.grid import dequantize, quantize
from bytegolf.config import PackConfig
from bytegolf.packing.calibration import Moments

COLUMN_BLOCK = 64  # columns whose errors reach the columns after the block in one product


@dataclass(frozen=True)
class Feedback:
    """The error feedback of m matrices of d columns, in the `order` (m, d) in which their columns are rounded.

    `shares` (m, d, d), unit upper triangular, are how much of a column's error each later one takes. Once they have, an error e of
    a column leaves `error_weights` (m, d) times e² in the output.
    """

    order: Tensor
    shares: Tensor
    error_weights: Tensor


class ErrorFeedback:
    """A `Rounding` by GPTQ where there are moments, to the nearest point elsewhere. Moments are factored once, whatever the spacings."""

    def __init__(self, moments: Moments, config: PackConfig) -> None:
        self.feedback = {name: feedback(stack, config.damping, config.act_order) for name, stack in moments.items()}

    def __call__(self, name: str, stack: Tensor, spacings: Tensor) -> Tensor:
        """Return the integers of a parameter's stack."""
        return round_with_feedback(stack, spacings, self.feedback[name]) if name in self.feedback else quantize(stack, spacings)


def feedback(moments: Sequence[Tensor], damping: float, act_order: bool) -> Feedback:
    """Return the feedback of matrices by each one's H (d, d). `damping` times the mean of its diagonal is added to the diagonal.

    With `act_order` columns are rounded in descending order of the diagonal: what matters most has the most columns to mend it.
    """
    factored = {id(moment): _factor(moment.double(), damping, act_order) for moment in moments}  # matrices may share a moment
    orders, shares, error_weights = zip(*(factored[id(moment)] for moment in moments), strict=True)
    return Feedback(torch.stack(orders), torch.stack(shares), torch.stack(error_weights))


def _factor(moment: Tensor, damping: float, act_order: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return order (d,), shares (d, d) and error weights (d,) by one H."""
    diagonal = moment.diagonal()
    order = diagonal.argsort(descending=True, stable=True) if act_order else torch.arange(len(moment))
    mean = float(diagonal.mean())
    damped = moment[order][:, order] + (damping * mean if mean > 0 else 1.0) * torch.eye(len(moment), dtype=moment.dtype)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped))
    upper = torch.linalg.cholesky(inverse, upper=True)
    diagonal = upper.diagonal()
    return order, (upper / diagonal[:, None]).float(), diagonal**-2


def round_with_feedback(stack: Tensor, spacings: Tensor, feedback: Feedback) -> Tensor:
    """Return integers (in a float dtype) of a stack (m, rows, d) on grids of `spacings`, (m, 1, 1) or (m, rows, 1)."""
    order = feedback.order[:, None, :].expand_as(stack)
    shares = feedback.shares.to(stack.dtype)
    columns = stack.gather(2, order)
    integers = torch.empty_like(columns)
    for first in range(0, columns.shape[2], COLUMN_BLOCK):
        inside = slice(first, min(first + COLUMN_BLOCK, columns.shape[2]))
        block, errors = columns[..., inside], torch.empty_like(columns[..., inside])
        for j in range(block.shape[2]):
            column = block[..., j : j + 1]
            rounded = quantize(column, spacings)
            integers[..., first + j : first + j + 1] = rounded
            errors[..., j : j + 1] = error = column - dequantize(rounded, spacings)
            block[..., j + 1 :] -= error * shares[:, first + j, None, first + j + 1 : inside.stop]
        columns[..., inside.stop :] -= errors @ shares[:, inside, inside.stop :]
    return torch.empty_like(integers).scatter_(2, order, integers)
