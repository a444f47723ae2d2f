"""AdamW for all weights that stand in no bank; between processes their gradients are one transfer, as they are many and small."""

import torch
from torch import Tensor
from torch.optim import AdamW

from bytegolf.runtime.parallel import Group, Transfer


class FlatAdamW(AdamW):
    """torch's fused AdamW, whose gradients are summed over all processes as one tensor; every process moves all weights itself."""

    def begin(self, group: Group) -> Transfer:
        """Begin to sum the gradients over the processes, as one tensor of which they become views, without waiting."""
        members = [parameter for each in self.param_groups for parameter in each["params"] if parameter.grad is not None]
        flat = torch.cat([parameter.grad.flatten() for parameter in members])
        for parameter, gradient in zip(members, flat.split([parameter.numel() for parameter in members]), strict=True):
            parameter.grad = gradient.view_as(parameter)
        return group.begin_sum(flat)

    def finish(self, gradients: Transfer, clip: Tensor | float = 1.0) -> None:
        """Move the weights by `clip` times their gradients."""
        gradients.wait().mul_(clip)  # parameters' gradients are views of it
        self.step()
