"""The speed of this machine at training and scoring."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context

from bytegolf.config import Recipe
from bytegolf.runtime.progress import Progress
from bytegolf.runtime.threads import tune_process
from bytegolf.storage.provenance import provenance
from bytegolf.training.speed import BenchResult, measure
from bytegolf.training.start_up import start_up_seconds


def bench(recipes: Sequence[Recipe], *, seconds: float = 10.0, corpus_tokens: int = 1 << 21) -> BenchResult:
    """Measure how fast this machine trains and scores each recipe, and how long a command takes to its first step.

    `seconds` is the time to train each recipe for, compilation aside, on `corpus_tokens` random tokens. Each recipe runs in
    a process of its own, so that its peak memory is its own. The time to the first step is that of the first recipe.
    """
    speeds = []
    with Progress("bench", len(recipes), "recipes") as progress:
        for recipe in recipes:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=tune_process) as child:
                speeds.append(child.submit(measure, recipe, seconds, corpus_tokens).result())
            progress.advance(note=recipe.name)
    return BenchResult(f"{date.today()}", provenance(), start_up_seconds(recipes[0]), speeds)
