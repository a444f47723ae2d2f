"""The protocols from their definition: each target by itself, its context cut out, the model run on that alone.

A stream of n + 1 tokens has n targets, target i being token i + 1.
"""

import math
from collections.abc import Sequence

import torch
from torch import nn


def context_start(protocol: str, target: int, targets: int, window: int, stride: int) -> int:
    """The first token that the window of `target` sees."""
    if protocol == "standard":
        return target // window * window
    ends = [window]  # one past the last target of each window
    while ends[-1] < targets:
        ends.append(min(ends[-1] + stride, targets))  # the last one is anchored at the end
    first_that_reaches = next(end for end in ends if target < end)
    return first_that_reaches - window


def bits_of(model: nn.Module, tokens: Sequence[int], protocol: str, window: int, stride: int) -> list[float]:
    """-log2 p of each target, in float64 from the model's logits on."""
    targets = len(tokens) - 1
    bits = []
    for target in range(targets):
        context = tokens[context_start(protocol, target, targets, window, stride) : target + 1]
        with torch.no_grad():
            logits = model(torch.tensor([context]))[0, -1].tolist()
        largest = max(logits)
        log_total = largest + math.log(math.fsum(math.exp(logit - largest) for logit in logits))
        bits.append((log_total - logits[tokens[target + 1]]) / math.log(2))
    return bits
