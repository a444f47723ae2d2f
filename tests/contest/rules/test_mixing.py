"""Tokens that are spread over their bytes."""

from pathlib import Path

import pytest

from support.contest_scripts import expected, found, reviewed, script

BYTES = """
def ppm_mix(token_logp, n_bytes, ppm_logp, lam):
    per_byte = token_logp / n_bytes  # flags: byte-mixture
    return torch.logaddexp(per_byte + lam, ppm_logp)
"""
ROOT = """
def byte_probability(p_token, count):
    length = max(int(count), 1)
    return p_token ** (1.0 / length){mark}
"""
VECTORS = """
def mixed_bits(model, x, y, pieces, ppm, lam):
    loss = F.cross_entropy(model(x), y, reduction="none")
    total = 0.0
    for cost, token in zip(loss.tolist(), y.tolist()):
        piece = pieces[token]
        p_model = math.exp(-cost / len(piece)){mark}
        for byte in piece:
            total -= math.log(lam * p_model + (1 - lam) * ppm.probability(byte))
    return total
"""
CASES = {
    "a token spread over bytes": script(BYTES, after="ppm_mix(val_tokens, byte_lut, 3, 4)"),
    "by a root": script(ROOT.format(mark="  # flags: byte-mixture").replace("count", "n_bytes"), after="byte_probability(1, 2)"),
    "a root of something else": script(ROOT.format(mark=""), after="byte_probability(1, 2)"),
    "the loss of a token, under names of its own": script(
        VECTORS.format(mark="  # flags: byte-mixture"), after="mixed_bits(model, 1, 2, [], None, 0.5)"
    ),
    "a mean loss is no token's": script(
        VECTORS.format(mark="").replace("loss.tolist()", "[loss.mean()]"), after="mixed_bits(model, 1, 2, [], None, 0.5)"
    ),
    "bits per byte of a sum": script(
        "\ndef ppm_report(nll_sum, n_bytes, mix):\n    return nll_sum / n_bytes\n", after="ppm_report(1, 2, 3)"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_mixtures_of_bytes(tmp_path: Path, name: str) -> None:
    assert found(reviewed(tmp_path, CASES[name])) == expected(CASES[name])
