"""`train --resume`: a run that was stopped ends as if it had not, and only as the run that it began as."""

from collections.abc import Callable
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.text.prepare import prepare_text
from bytegolf.training.loop import Trainer
from support.records import read_json
from support.runs import micro, sha256, untimed


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes training raise KeyboardInterrupt in a step, as the second Ctrl-C does, once."""

    def arrange(step: int) -> None:
        take = Trainer.train_step
        stopped: list[int] = []

        def watched(self: Trainer, *arguments: object) -> float:
            if self.clock.step == step and not stopped:
                stopped.append(step)
                raise KeyboardInterrupt
            return take(self, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Trainer, "train_step", watched)

    return arrange


@pytest.mark.parametrize("step", [0, 9, 15, 29])
def test_a_run_that_was_stopped_ends_as_if_it_had_not(
    run: Path, data: Path, tmp_path: Path, stop_after: Callable[[int], None], step: int
) -> None:
    """Before the first checkpoint --resume begins anew."""
    stop_after(step)
    with pytest.raises((KeyboardInterrupt, InterruptedRunError)):
        bg.train(micro(), data, tmp_path / "run")
    assert not (tmp_path / "run" / "manifest.json").exists()
    result = bg.train(micro(), data, tmp_path / "run", resume=True)
    assert result.steps == 30 and result.val_bpb == read_json(run / "manifest.json")["val_bpb"]
    assert sha256(tmp_path / "run" / "weights.safetensors") == sha256(run / "weights.safetensors")
    assert untimed(tmp_path / "run") == untimed(run)


def test_resuming_what_never_began(run: Path, data: Path, tmp_path: Path) -> None:
    bg.train(micro(), data, tmp_path / "run", resume=True)
    assert sha256(tmp_path / "run" / "weights.safetensors") == sha256(run / "weights.safetensors")


def test_another_recipe_does_not_resume(data: Path, tmp_path: Path, stop_after: Callable[[int], None]) -> None:
    stop_after(15)
    with pytest.raises(KeyboardInterrupt):
        bg.train(micro(), data, tmp_path / "run")
    with pytest.raises(InputError, match=r"expected the recipe the run began with, found .*train\.seed"):
        bg.train(micro("train.seed=2"), data, tmp_path / "run", resume=True)


@pytest.mark.parametrize("step", [5, 15])
def test_another_tokenizer_does_not_resume(two_splits: list[Path], tmp_path: Path, stop_after: Callable[[int], None], step: int) -> None:
    """Before the first checkpoint too: the folder holds the tokenizer that the run began with, and pack takes it from there."""
    recipe = micro("model.vocab_size=300", "text.tokenizer=bpe")
    other = tmp_path / "other"
    prepare_text([str(tmp_path / "clean texts")], other, vocab_size=300)
    stop_after(step)
    with pytest.raises(KeyboardInterrupt):
        bg.train(recipe, two_splits[0], tmp_path / "run")
    try:
        bg.train(recipe, other, tmp_path / "run", resume=True)
    except InputError as error:
        assert "tokenizer" in str(error) or "data" in str(error)
    else:
        assert sha256(tmp_path / "run" / "tokenizer.model") == sha256(other / "tokenizer.model")
