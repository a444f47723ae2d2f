"""What transformers computes from an exported folder, against the model: logits, texts, tokens. It runs where bytegolf is not."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bytegolf.config import ModelConfig, ScoreConfig, TextConfig
from bytegolf.exporting.exported_model import ExportedModel
from bytegolf.exporting.transformers_folder import write_transformers_folder
from bytegolf.model.gpt import GPT
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer
from bytegolf.text.tokenizer_training import train_bpe, train_tokenizer
from support.exact_models import weights_of
from support.models import CHANGES, changed, random_model, random_tokens
from support.runs import documents, environment

TEXTS = ["abc def\n  ghi", "héllo <s> 日本 ▁x", "b"]
TOKENIZERS: dict[str, Callable[[], Tokenizer]] = {
    "bpe": lambda: train_bpe(documents(), 300),
    "capitals": lambda: train_tokenizer(documents(), 300, TextConfig(tokenizer="capitals")),
    "bytes": BytesTokenizer,
}
pytestmark = pytest.mark.slow


def write(folder: Path, model: GPT, tokenizer: Tokenizer) -> Path:
    folder.mkdir(parents=True)
    write_transformers_folder(folder, ExportedModel(model.config, weights_of(model), tokenizer, ScoreConfig()))
    return folder


def config_of(tokenizer: Tokenizer, isolate: bool) -> ModelConfig:
    return changed(vocab_size=tokenizer.vocab_size, isolate_documents=isolate)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process with transformers and without bytegolf found of all folders."""
    root, out = tmp_path_factory.mktemp("folders"), tmp_path_factory.mktemp("found")
    for case, changes in CHANGES.items():
        model = random_model(changed(**changes))
        np.save(write(root / case, model, BytesTokenizer()) / "tokens.npy", random_tokens(model.config).numpy())
    for kind, make in TOKENIZERS.items():
        for isolate in (False, True):
            tokenizer = make()
            folder = write(root / f"{kind} {isolate}", random_model(config_of(tokenizer, isolate)), tokenizer)
            (folder / "texts.json").write_text(json.dumps(TEXTS))
    offline = environment() | {"HF_HOME": str(out / "home"), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "support.transformers_side", str(root), str(out)]
    done = subprocess.run(command, env=offline, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(params=[f"{kind} {isolate}" for kind in TOKENIZERS for isolate in (False, True)])
def facts(request: pytest.FixtureRequest, found: Path) -> tuple[Tokenizer, GPT, dict[str, Any]]:
    """A tokenizer and a model, and what was found of their folder."""
    kind, _, isolate = request.param.partition(" ")
    tokenizer = TOKENIZERS[kind]()
    return tokenizer, random_model(config_of(tokenizer, isolate == "True")), json.loads((found / "facts.json").read_text())[request.param]


@pytest.mark.parametrize("case", CHANGES)
def test_every_switch_gives_the_same_logits(case: str, found: Path) -> None:
    model = random_model(changed(**CHANGES[case]))
    with torch.no_grad():
        expected = model(random_tokens(model.config)).numpy()
    np.testing.assert_allclose(np.load(found / f"{case}.npy"), expected, atol=1e-5, rtol=0)


def test_tokens_are_ours_and_decode_to_the_text(facts: tuple[Tokenizer, GPT, dict[str, Any]]) -> None:
    tokenizer, _, seen = facts
    assert seen["ids"] == seen["saved ids"] == [[1, *tokenizer.encode(text).tolist()] for text in TEXTS]
    assert seen["decoded"] == TEXTS


def test_generating_takes_the_likeliest_token_with_and_without_a_cache(facts: tuple[Tokenizer, GPT, dict[str, Any]]) -> None:
    _, model, seen = facts
    for ids, made in zip(seen["ids"], seen["alone"], strict=True):
        text = list(ids)
        for token in made:
            with torch.no_grad():
                logits = model(torch.tensor([text]), last=1)[0, 0]
            assert logits[token] > logits.max() - 1e-4
            text.append(token)
    assert seen["alone"] == seen["without cache"] == seen["batch"], "a padded text of a batch is as alone"
    assert seen["beams"][0] == seen["beams"][1]


def test_what_transformers_users_rely_on(facts: tuple[Tokenizer, GPT, dict[str, Any]]) -> None:
    *_, seen = facts
    assert seen["saved"], "the same logits once more"
    np.testing.assert_allclose(seen["last logits"], seen["logits"][-2:], atol=1e-5)
    log_probabilities = torch.tensor(seen["logits"]).log_softmax(dim=-1)
    nats = [-log_probabilities[place, token].item() for place, token in enumerate(seen["ids"][0][1:])]
    assert math.isclose(seen["loss"], sum(nats) / len(nats), rel_tol=1e-4)
    assert seen["refusal"].startswith("text_ids: expected all tokens so far")
