"""Steps before the clock: taken the way that trains, and gone without a trace."""

from pathlib import Path

import pytest
from torch import Tensor

from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.training import late_qat
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from bytegolf.training.warmup import warm_up
from support.runs import BITS, equal, fit, micro, new_trainer, untimed, write_stream


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> TokenStream:
    return write_stream(tmp_path_factory.mktemp("stream"))


def test_a_run_after_warming_up_is_the_run_without(tmp_path: Path, stream: TokenStream) -> None:
    plain, warmed = fit(tmp_path / "a", stream), fit(tmp_path / "b", stream, "train.warmup_steps=3")
    assert equal(plain, warmed) and untimed(tmp_path / "a") == untimed(tmp_path / "b")


@pytest.mark.parametrize("taken", [0, 3])
@pytest.mark.parametrize("steps", [1, 4])
def test_nothing_is_left_at_any_time(tmp_path: Path, stream: TokenStream, taken: int, steps: int) -> None:
    """Neither in what optimisers keep, which before the first step is nothing, nor in averages and gradients."""
    learner = new_trainer(tmp_path / "run", micro("average.swa_below=1.0", "average.swa_every=1"), stream).learner
    for step in range(taken):
        learner.step(learner.dummy_batch() + step, step, 0.5)  # below which averaging starts
    tensors, numbers = learner.state()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    warm_up(learner, steps)
    after, numbers_after = learner.state()
    assert equal(before, after) and numbers == numbers_after and not learner.rounds_weights
    assert learner.averages.swa_count == taken and all(parameter.grad is None for parameter in learner.model.parameters())


def test_half_of_the_steps_are_on_the_grid_to_come(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    step = Learner.step

    def noted(self: Learner, batch: object, number: int, scale: float) -> Tensor:
        taken.append(self.rounds_weights)
        return step(self, batch, number, scale)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", noted)
    for start, expected in (("0.6", [False, False, True, True]), ("1.0", [False] * 4)):
        taken.clear()
        warm_up(new_trainer(tmp_path / start, micro(f"qat.start={start}"), stream).learner, 4)
        assert taken == expected


def test_the_packer_is_not_asked(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its grid is for the weights of the run, and takes longer than all of these steps."""
    learner = new_trainer(tmp_path, micro(), stream).learner
    learner.qat = QatPlan(BITS, stream, BytesTokenizer())
    assert learner.qat.solves(micro())
    monkeypatch.setattr(late_qat, "solve_qat_grid", lambda *_: pytest.fail("asked"))
    warm_up(learner, 4)
    assert learner.grid is None
