"""The speed of this machine at training and scoring."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from multiprocessing import active_children, get_context

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.runtime.interruption import end_with_parent, uninterrupted
from bytegolf.runtime.progress import Progress
from bytegolf.runtime.threads import tune_process
from bytegolf.storage.provenance import provenance
from bytegolf.training.speed import BenchResult, Speed, measure
from bytegolf.training.start_up import start_up_seconds


def bench(recipes: Sequence[Recipe], *, seconds: float = 10.0, corpus_tokens: int = 1 << 21) -> BenchResult:
    """Measure how fast this machine trains and scores each recipe, and how long a command takes to its first step.

    `seconds` is the time to train each recipe for, compilation aside, on `corpus_tokens` random tokens. Each recipe runs in
    a process of its own, so that its peak memory is its own. The time to the first step is that of the first recipe.
    """
    speeds = []
    with Progress("bench", len(recipes), "recipes") as progress:
        for recipe in recipes:
            speeds.append(_measured_alone(recipe, seconds, corpus_tokens))
            progress.advance(note=recipe.name)
    return BenchResult(f"{date.today()}", provenance(), start_up_seconds(recipes[0]), speeds)


def _begin_child() -> None:
    """Prepare a process that measures: as the command line prepares its own, and ending with the one that waits for it."""
    tune_process()
    end_with_parent()


def _measured_alone(recipe: Recipe, seconds: float, corpus_tokens: int) -> Speed:
    """Return the speed of a recipe, measured in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin_child) as child:
        try:
            with uninterrupted():
                speed = child.submit(measure, recipe, seconds, corpus_tokens)
            return speed.result()
        except BrokenProcessPool:
            raise InputError(
                f"recipe {recipe.name}: expected its measurement to end, found its process killed; too little memory, perhaps"
            ) from None
        except BaseException:
            for process in active_children():  # or leaving the block waits for it to end
                process.terminate()
            raise
