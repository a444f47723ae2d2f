"""Scoring with compiled functions, where there is so much to score that compiling pays."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor

from bytegolf.model.compiled import ModelFunctions, compiled_functions
from bytegolf.model.gpt import GPT
from bytegolf.model.kernels import is_compiled_for
from bytegolf.runtime.progress import say

PAYS = 2e13  # parameters times tokens forwarded: minutes on two CPU cores, where compiling takes half of one


class CompiledScorer:
    """A model that scores windows, compiled where that pays.

    Whether it compiles depends on the amount of work alone, so that scores are the same each time. Each shape costs a
    compilation, so only passes of the shape `most`, (windows, targets of each), run compiled: neither the first window nor the
    last ones.
    """

    def __init__(self, model: GPT, forwarded_tokens: int, most: tuple[int, int]) -> None:
        self.model, self.most = model, most
        parameters = list(model.parameters())
        work = forwarded_tokens * sum(parameter.numel() for parameter in parameters)
        self.pays = work > PAYS and is_compiled_for(parameters[0].device)
        self.functions: ModelFunctions | None = None  # compiled, once they have worked

    def nats(self, tokens_BT: Tensor, targets_Bn: Tensor) -> Tensor:
        """Return the nats of the last n targets of each window; compiled, they differ by rounding."""
        targets = targets_Bn.shape[1]
        return self._run(len(tokens_BT), targets, lambda: self.model.nats(self.model.hidden(tokens_BT, targets), targets_Bn))

    def logits(self, tokens_BT: Tensor, targets: int) -> Tensor:
        """Return the logits (B, n, V) of the last n `targets` of each window; compiled, they differ by rounding."""
        return self._run(len(tokens_BT), targets, lambda: self.model.logits(self.model.hidden(tokens_BT, targets)))

    def compiled(self) -> AbstractContextManager[None]:
        """Return a context in which the model runs compiled, if it has scored so before."""
        return nullcontext() if self.functions is None else _functions(self.model, self.functions)

    def _run(self, windows: int, targets: int, forward: Callable[[], Tensor]) -> Tensor:
        if not self.pays or (windows, targets) != self.most:
            return forward()
        if self.functions is None:
            return self._first(forward)
        with self.compiled():
            return forward()

    def _first(self, forward: Callable[[], Tensor]) -> Tensor:
        """Compile. Where that is not possible (no C++ compiler, no headers, kernels cached by another version) go on without."""
        say("compile: begins, under a minute")
        functions = compiled_functions()
        try:
            with _functions(self.model, functions):
                scored = forward()
        except Exception as error:
            say(f"compile: not possible here, scoring goes on without ({str(error).strip().splitlines()[0]})")
            self.pays = False
            return forward()
        self.functions = functions
        return scored


@contextmanager
def _functions(model: GPT, functions: ModelFunctions) -> Iterator[None]:
    """Let `model` run by other functions in this context."""
    own = model.functions
    model.functions = functions
    try:
        yield
    finally:
        model.functions = own
