"""The micro recipe, a small repetitive corpus, and ways to train on it with nothing around the loop."""

import hashlib
import os
import random
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bytegolf
import bytegolf as bg
from bytegolf.config import Recipe, TextConfig
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Bits, Weights
from bytegolf.recipes import load_recipe
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.prepare import prepare_text
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from bytegolf.training.loop import Trainer, Validate
from bytegolf.training.schedule import Clock

MICRO = Path(__file__).with_name("micro.toml")
BITS: Bits = {"mlp": 5.0, "attention": 5.5, "embedding": 7.0}
AtEvent = Callable[[int, Callable[[], None]], None]  # the fixture `at_event`
FINGERPRINT = {"data": "some data", "tokenizer": "a tokenizer"}


def micro(*overrides: str) -> Recipe:
    return load_recipe(MICRO, overrides)


# --- the loop alone


def write_stream(folder: Path, tokens: int = 4096) -> TokenStream:
    """Byte tokens in which four phrases follow one another at random: easy to learn, in ten steps or so."""
    phrases = [np.frombuffer(text, np.uint8) for text in (b"to be or not ", b"that is the ", b"question. ", b"whether ")]
    order = np.random.default_rng(0).integers(len(phrases), size=tokens)
    text = np.concatenate([phrases[i] for i in order])[:tokens]
    with ShardWriter(folder, "train") as writer:
        writer.write(text.astype(np.uint16) + 4)
    return TokenStream(sorted(folder.glob("train_*.bin")))


def new_trainer(
    root: Path,
    recipe: Recipe,
    stream: TokenStream,
    fingerprint: dict[str, str] = FINGERPRINT,
    clock: Clock | None = None,
    bits: Bits = BITS,
) -> Trainer:
    """What `flow.train` builds, over the run folder `root`."""
    root.mkdir(exist_ok=True)
    dtype = torch.bfloat16 if recipe.train.dtype == "bfloat16" else torch.float32
    model = GPT(recipe.model, dtype)
    model.initialise(recipe.train.seed, recipe.train.init)
    return Trainer(Learner(recipe, model, QatPlan(bits)), stream, RunFolder(root), fingerprint, clock or Clock.of(recipe.train))


def constant(weights: Weights, limit_bytes: int) -> dict[str, float]:
    """A validation that costs nothing."""
    return {"bpb": 1.0}


def fit(root: Path, stream: TokenStream, *overrides: str, validate: Validate = constant) -> Weights:
    """Train the micro recipe to its end, or on from a checkpoint, and return copies of the final weights."""
    weights = new_trainer(root, micro(*overrides), stream).fit(validate)
    return {name: weight.clone() for name, weight in weights.items()}


def equal(a: Weights, b: Weights) -> bool:
    """Return whether two sets of weights are the same bit for bit."""
    return set(a) == set(b) and all(torch.equal(a[name], b[name]) for name in a)


def events(root: Path, kind: str | None = None) -> list[dict[str, Any]]:
    return [event for event in RunFolder(root).events() if kind in (None, event["event"])]


def losses(root: Path) -> list[float]:
    """Return the loss of each logged step."""
    return [event["loss"] for event in events(root, "step")]


def untimed(root: Path) -> list[dict[str, Any]]:
    """The log but for what was measured of the machine."""
    measured = ("seconds", "step_ms", "tokens_per_second", "peak_memory_mb")
    return [{key: value for key, value in event.items() if key not in measured} for event in events(root)]


class Killed(BaseException):
    """The process ends here: nothing between this and the file system gets to run, but for `finally`."""


def kill() -> None:
    raise Killed


class Stopwatch:
    """Time that goes on by itself, one second per look, and by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1.0
        return self.now


@contextmanager
def small_disk(room: int) -> Iterator[None]:
    """In here no file grows beyond `room` bytes: the file system itself refuses, as a full one does."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


# --- the whole flow


def environment() -> dict[str, str]:
    """Return the environment of a real process: this package and `support`, wherever it starts, and one thread."""
    places = (Path(bytegolf.__file__).parents[1], Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places)), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def heed_signals() -> None:
    """Let a new process be ended by what the terminal sends, also where the tests themselves were started to outlive it."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def documents(seed: int = 1, count: int = 60) -> list[str]:
    """Texts of words that `seed` draws from a small vocabulary; 68 kB in all for sixty."""
    draw = random.Random(seed)
    words = ["".join(draw.choice("abcdefghij") for _ in range(draw.randint(2, 7))) for _ in range(60)]
    return [" ".join(draw.choice(words) for _ in range(200)) + "\n" for _ in range(count)]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_texts(folder: Path, texts: Sequence[str]) -> Path:
    folder.mkdir(parents=True)
    for index, text in enumerate(texts):
        (folder / f"{index:03d}.txt").write_text(text)
    return folder


def prepared(factory: pytest.TempPathFactory) -> Path:
    """A data folder of raw bytes, made once per session. Read only."""
    root = factory.getbasetemp() / "prepared"
    if not (root / "data").exists():
        prepare_text([str(write_texts(root / "texts", documents()))], root / "data", text=TextConfig(tokenizer="bytes"))
    return root / "data"


def finished(factory: pytest.TempPathFactory) -> Path:
    """A micro run, trained, packed, scored and reported once per session. Read only: copy it to change it."""
    run, data = factory.getbasetemp() / "finished" / "run", prepared(factory)
    if not (run / "report.html").exists():
        bg.train(micro(), data, run)
        bg.pack(run, data=data)
        bg.report([run], run / "report.html")
    return run
