"""What crosses the borders of documents, in scripts that keep them apart and in others."""

from pathlib import Path

import pytest

from support.contest_scripts import reviewed, script

SMEAR = """
class Smear(torch.nn.Module):
    def forward(self, x{more}):
        before = torch.cat([torch.zeros_like(x[:, :1]), {shift}], dim=1)
        return x + self.gate * before

class Model(torch.nn.Module):
    def forward(self, ids, {lengths}):
        return self.smear(flash_attention(ids, {lengths}))
"""


@pytest.mark.parametrize(
    ("more", "shift", "lengths", "leaks"),
    [
        ("", "x[:, :-1]", "cu_seqlens", True),
        ("", "x[:, :-1]", "lengths", False),  # attention crosses borders too
        (", bos", "x[:, :-1] * (1 - bos[:, 1:])", "cu_seqlens", False),
        ("", "input_ids[:, :-1]", "cu_seqlens", False),  # a hash of tokens
    ],
)
def test_a_smear_over_borders_is_disputed(tmp_path: Path, more: str, shift: str, lengths: str, leaks: bool) -> None:
    text = script(SMEAR.format(more=more, shift=shift, lengths=lengths), before="model = Model(Smear())")
    review = reviewed(tmp_path, text)
    line = text.split("\n").index(next(line for line in text.split("\n") if "before = torch.cat" in line)) + 1
    assert [(item.rule, item.line) for item in review.findings if item.weight == "disputed"] == [("document-leak", line)] * leaks
    assert review.verdict == "clean"
