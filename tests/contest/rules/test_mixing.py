"""Choices that see the token, and mixtures of bytes."""

from pathlib import Path

import pytest

from support.contest_scripts import expected, found, reviewed, script

BYTES = """
def ppm_mix(token_logp, n_bytes, ppm_logp, lam):
    per_byte = token_logp / n_bytes  # flags: byte-mixture
    return torch.logaddexp(per_byte + lam, ppm_logp)
"""
CHOICE = """
def choose(nll_model, nll_cache, entropy):
    {}
"""
CASES = {
    "the lower of two": script(CHOICE.format("return torch.minimum(nll_model, nll_cache)  # flags: oracle-gate"), after="choose(1, 2, 3)"),
    "where it is lower": script(
        CHOICE.format("return torch.where(nll_model < nll_cache, nll_model, nll_cache)  # flags: oracle-gate"), after="choose(1, 2, 3)"
    ),
    "kept if lower": script(
        CHOICE.format("if nll_cache < nll_model:  # flags: oracle-gate\n        nll_model[0] = nll_cache\n    return nll_model"),
        after="choose(1, 2, 3)",
    ),
    "by entropy": script(CHOICE.format("return torch.where(entropy < 2, nll_model, nll_cache)"), after="choose(1, 2, 3)"),
    "best loss of training": script("\ndef best(val_loss, best_loss):\n    return min(val_loss, best_loss)\n", after="best(1, 2)"),
    "a token spread over bytes": script(BYTES, after="ppm_mix(val_tokens, byte_lut, 3, 4)"),
    "bits per byte of a sum": script(
        "\ndef ppm_report(nll_sum, n_bytes, mix):\n    return nll_sum / n_bytes\n", after="ppm_report(1, 2, 3)"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_choices(tmp_path: Path, name: str) -> None:
    assert found(reviewed(tmp_path, CASES[name])) == expected(CASES[name])
