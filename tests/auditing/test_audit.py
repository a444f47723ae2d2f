"""The audit finds every cheat by the tests that must find it, and finds nothing in what is honest."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bytegolf.auditing.adapter import in_order
from bytegolf.auditing.audit import Audit, Options, audit, audit_in_sandbox, load
from bytegolf.auditing.checks import CHECKS
from bytegolf.auditing.protocol_scorer import ProtocolScorer
from bytegolf.auditing.trial import GAIN_BITS
from bytegolf.cli import app as cli
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.sandbox import sandbox_available
from bytegolf.scoring.protocols import PROTOCOLS
from support.cheats import CHEATING, HONEST, Stepwise, Uniform, V
from support.models import changed, random_model

PAGE = Path(__file__).parents[2] / "docs" / "proof.md"
FEW = Options(most_calls=400)
OURS = Options(tokens=24, noise_tokens=120, cuts=2, most_calls=500)

SANDBOX = sandbox_available()


def seeded(options: Options, seed: int) -> Options:
    return Options(**{**vars(options), "seed": seed})


@pytest.mark.parametrize("name", HONEST)
def test_what_is_honest_passes(name: str) -> None:
    for seed in range(3):
        found = audit(HONEST[name], seeded(FEW, seed))
        assert found.ok, [finding for finding in found.findings if not finding.passed]
        assert len(found.findings) + len(found.skipped) == len(CHECKS)


@pytest.mark.parametrize("name", CHEATING)
def test_a_cheat_is_found_by_the_tests_that_must_find_it(name: str) -> None:
    factory, expected = CHEATING[name]
    found = audit(factory, FEW)
    assert not found.ok and expected <= set(found.violated)
    for finding in found.findings:
        if not finding.passed and finding.test not in ("T8", "T9", "T11", "T12", "T13"):
            assert finding.position is not None and 0 <= finding.position < FEW.tokens
        assert finding.evidence


@pytest.mark.slow
def test_no_false_alarm_in_two_hundred_runs() -> None:
    alarms = [
        (name, seed, found.violated)
        for seed in range(50)
        for name, factory in HONEST.items()
        if not (found := audit(factory, seeded(Options(), seed))).ok
    ]
    assert not alarms


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEATING)
def test_a_cheat_is_found_twenty_times_of_twenty(name: str) -> None:
    factory, expected = CHEATING[name]
    missed = [seed for seed in range(20) if not expected <= set(audit(factory, seeded(Options(), seed)).violated)]
    assert not missed


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_our_own_protocols_pass(protocol: ProtocolName) -> None:
    model = random_model(changed(isolate_documents=False))
    config, ttt = ScoreConfig(window=8, stride=4, batch_tokens=8), TttConfig(lr=0.5, chunk_tokens=8, epochs=1, batch_sequences=1)
    found = audit(lambda: ProtocolScorer(model, protocol, config, ttt), OURS)
    assert found.ok, [finding for finding in found.findings if not finding.passed]
    assert {"T2", "T3", "T4", "T5", "T8", "T10", "T11", "T12"} <= {finding.test for finding in found.findings}


def test_a_model_that_looks_ahead_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = GPT.blocks

    def ahead(self: GPT, *arguments: object, **options: object) -> torch.Tensor:
        x = honest(self, *arguments, **options)  # type: ignore[arg-type]
        return x + 0.5 * x.roll(-1, dims=1) + 0.5 * x.roll(-2, dims=1)

    monkeypatch.setattr(GPT, "blocks", ahead)
    model = random_model(changed())
    config = ScoreConfig(window=8, stride=4, batch_tokens=8)
    found = audit(lambda: ProtocolScorer(model, "standard", config, TttConfig()), OURS)
    assert {"T2", "T3"} <= set(found.violated)


def test_noise_convicts_at_its_bound_and_not_before() -> None:
    """A scorer that takes a fixed number of bits off in all, just below the bound and just above."""

    class Discount(Uniform):
        def __init__(self, off: float) -> None:
            self.off = off

        def costs(self, tokens: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
            honest = np.full(len(tokens) - 1, np.log2(len(np.unique(tokens)) if len(tokens) > 500 else V))
            return honest - self.off / len(honest)

    for off, passes in ((GAIN_BITS - 1, True), (GAIN_BITS + 1, False)):
        found = {finding.test: finding for finding in audit(lambda off=off: Discount(off), FEW).findings}
        assert found["T11"].passed is passes


def test_order_of_scoring_is_told_from_books() -> None:
    assert in_order(np.array([[1, 5.0], [0, 3.0], [1, 9.0]]), 3).tolist() == [3.0, 5.0, np.inf]


def test_what_cannot_be_tried_is_said() -> None:
    found = audit(Uniform, Options(tokens=32, noise_tokens=64, most_calls=10))
    assert found.ok and "scorings" in found.skipped["T5"] and found.skipped["T3"] == "the subject offers no distributions"


@pytest.mark.parametrize("factory", [dict, lambda: object()])
def test_what_is_no_predictor_is_refused(factory: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="audit: expected a factory"):
        audit(factory, FEW)


def test_a_vector_of_the_wrong_length_is_refused() -> None:
    class Short(Stepwise):
        def predict(self) -> np.ndarray:  # type: ignore[type-arg]
            return super().predict()[:, 1:]

    with pytest.raises(InputError, match="expected predict to give 16 probabilities, found 15"):
        audit(Short, FEW)


@pytest.mark.parametrize("name", ["nothing", "json:nothing", "no_such_module:make", "json:__doc__"])
def test_a_factory_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: expected"):
        load(name)


@pytest.mark.skipif(not SANDBOX, reason="this kernel offers no namespaces")
def test_the_verb_runs_strangers_code_in_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_text("not in the folder that is audited")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "stranger.py").write_text(
        "import numpy as np, pathlib\n"
        "class Peeking:\n"
        "    vocab_size = 8\n"
        "    def costs(self, tokens):\n"
        "        return np.where(np.append(tokens[2:], 0) % 2, 2.0, 4.0)\n"
        "def make():\n"
        f"    assert not pathlib.Path({str(tmp_path / 'secret')!r}).exists()\n"
        "    return Peeking()\n"
        "def writes():\n"
        "    open('stranger.py', 'w')\n"
    )
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["bytegolf", "audit", "stranger:make", "--tokens", "32", "--noise-tokens", "64", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1 and said["ok"] is False and "T2" in said["violated"]
    with pytest.raises(InputError, match="stranger:writes: expected something that can be audited"):
        audit_in_sandbox("stranger:writes", FEW)
    assert [path.name for path in folder.iterdir()] == ["stranger.py"]


def matrix() -> str:
    """Violation × test, as the audit finds it."""
    head = ["| violation | " + " | ".join(CHECKS) + " |", "|---|" + "---|" * len(CHECKS)]
    subjects = {**{name: factory for name, (factory, _) in CHEATING.items()}, **{f"honest: {name}": made for name, made in HONEST.items()}}
    return "\n".join([*head, *(f"| {name} | " + " | ".join(_marks(audit(factory, FEW))) + " |" for name, factory in subjects.items())])


def _marks(found: Audit) -> list[str]:
    passed = {finding.test: finding.passed for finding in found.findings}
    return ["–" if test in found.skipped else "" if passed[test] else "✗" for test in CHECKS]


def test_the_page_shows_the_matrix() -> None:
    shown = re.search(r"\| violation \|.*?(?=\n\n)", PAGE.read_text(), re.DOTALL)
    assert shown is not None and shown[0].strip() == matrix()


if __name__ == "__main__":
    print(matrix())
