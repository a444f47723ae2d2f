"""Scoring by compiled parts, where there is enough to score for that to pay."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from bytegolf.model.compiled import compiled_functions
from bytegolf.model.gpt import GPT
from bytegolf.runtime.progress import say

PAYS = 2e13  # parameters times tokens forwarded: minutes on two CPU cores, where compiling takes half of one


class Costing:
    """Gives a model's costs, batch after batch.

    Whether it compiles depends on the amount of work alone, so that scores are the same each time. Each shape costs a
    compilation, so only whole batches run compiled: neither the first window nor the last ones.
    """

    def __init__(self, model: GPT, forwarded_tokens: int, whole: tuple[int, int]) -> None:
        self.model, self.whole = model, whole
        work = forwarded_tokens * sum(parameter.numel() for parameter in model.parameters())
        self.functions = compiled_functions() if work > PAYS else None
        self.ready = False

    def nats(self, tokens_BT: Tensor, targets_Bn: Tensor) -> Tensor:
        """As the model's own, to rounding."""
        if self.functions is None or (len(tokens_BT), targets_Bn.shape[1]) != self.whole:
            return self.model.nats(self.model.hidden(tokens_BT, targets_Bn.shape[1]), targets_Bn)
        if not self.ready:
            say("compile: begins, under a minute")
        try:
            with self.compiled():
                nats = self.model.nats(self.model.hidden(tokens_BT, targets_Bn.shape[1]), targets_Bn)
        except Exception as error:  # no C++ compiler, no headers, kernels cached by another version, ...
            if self.ready:
                raise
            say(f"compile: not possible here, scoring goes on without ({str(error).strip().splitlines()[0]})")
            self.functions = None
            return self.model.nats(self.model.hidden(tokens_BT, targets_Bn.shape[1]), targets_Bn)
        self.ready = True
        return nats

    @contextmanager
    def compiled(self) -> Iterator[None]:
        """In here the model runs compiled, where that pays."""
        written = self.model.functions
        self.model.functions = self.functions or written
        try:
            yield
        finally:
            self.model.functions = written
