"""Choosing the grid when late quantisation-aware training begins.

Under method rate the grid is the packer's own, solved for the weights of that moment. Other methods have one spacing per matrix,
which follows its weights: that of the bits planned for its class. So has QAT from the first step on, when no weight has learned
yet what it will be packed for.
"""

from dataclasses import dataclass

import torch

from bytegolf.config import Recipe
from bytegolf.model.weights import Bits, Weights
from bytegolf.packing.qat_grid import solve_qat_grid
from bytegolf.runtime.parallel import Group
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import Tokenizer
from bytegolf.training.fake_quant import ClassBits, Grid, SpacingTable


@dataclass(frozen=True)
class QatPlan:
    """The source of QAT's grid: the `bits` per weight planned for each class, or text on which to solve for the packer's grid.

    Without `tokens` and `tokenizer` the grid follows from the bits, whatever the recipe's method.
    """

    bits: Bits
    tokens: TokenStream | None = None
    tokenizer: Tokenizer | None = None

    def solves(self, recipe: Recipe) -> bool:
        """Return whether the packer is asked for its grid."""
        return self.tokens is not None and self.tokenizer is not None and recipe.pack.method == "rate" and recipe.qat.start > 0

    def grid(self, recipe: Recipe, weights: Weights, group: Group, device: torch.device) -> tuple[Grid, Bits]:
        """Return the grid for `weights` and the bits per weight it comes to; both are empty where no grid is within the budget."""
        if not self.solves(recipe):
            return ClassBits(self.bits), self.bits
        table, bits = group.once(lambda: self._solved(recipe, weights, device))
        return table.to(device), bits

    def _solved(self, recipe: Recipe, weights: Weights, device: torch.device) -> tuple[SpacingTable, Bits]:
        assert self.tokens is not None and self.tokenizer is not None
        found = solve_qat_grid(recipe, weights, self.tokens, self.tokenizer, device)
        return (SpacingTable.of(found.stacks), found.bits) if found else (SpacingTable({}), {})
