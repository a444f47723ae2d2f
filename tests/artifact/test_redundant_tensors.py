"""What a model computes itself, or holds twice, may stand in its checkpoint; but only as this model has it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from bytegolf.errors import InputError
from support.baseline_files import banked, imported, logits
from support.models import changed, random_model

CONFIG = changed(isolate_documents=False, rope_dims=4, rope_base=100.0)
MODEL = random_model(CONFIG)
OWN, BASELINE = MODEL.state_dict(), banked(MODEL)


def frequencies(rotated: int, base: float) -> Tensor:
    return torch.tensor([base ** (-2 * pair / rotated) for pair in range(rotated // 2)])


REDUNDANT: dict[str, dict[str, object]] = {
    "a tied head": {**BASELINE, "lm_head.weight": BASELINE["tok_emb.weight"].clone()},
    "a tied head under our name": {**OWN, "head": OWN["tokens"]},
    "rotary frequencies": {**OWN, "rotary.inv_freq": frequencies(4, 100.0)},
    "rotary frequencies of each block": {
        **BASELINE,
        **{f"blocks.{i}.attn.rotary.inv_freq": frequencies(4, 100.0).bfloat16() for i in range(4)},
    },
    "rotary tables": {**BASELINE, "rotary.cos_cached": torch.ones(9, 4), "rotary.sin_cached": torch.ones(9, 4)},
    "a mask of floats": {**BASELINE, "blocks.0.attn.mask": torch.ones(9, 9)},
}


@pytest.mark.parametrize("case", REDUNDANT)
def test_the_model_is_the_same_without(case: str, tmp_path: Path) -> None:
    torch.save(REDUNDANT[case], tmp_path / "a.pt")
    assert torch.equal(logits(imported(tmp_path / "a.pt", CONFIG)), logits(MODEL))


def test_the_head_of_a_model_that_has_one(tmp_path: Path) -> None:
    """Though it is the embedding's copy, it is a weight."""
    untied = changed(isolate_documents=False, tie_embeddings=False)
    weights = random_model(untied).state_dict()
    torch.save({**weights, "head": weights["tokens"]}, tmp_path / "a.pt")
    assert torch.equal(imported(tmp_path / "a.pt", untied).state_dict()["head"], weights["tokens"])


OTHER_RECIPE = (
    r"expected rotary\.inv_freq for model\.rope_base = 100 and 4 rotated dimensions, as the recipe has them, found other frequencies"
)
WRONG: dict[str, tuple[dict[str, object], str]] = {
    "another base": ({**OWN, "rotary.inv_freq": frequencies(4, 10_000.0)}, OTHER_RECIPE),
    "another number of dimensions": ({**OWN, "rotary.inv_freq": frequencies(6, 100.0)}, OTHER_RECIPE),
    "another head": (
        {**OWN, "head": OWN["tokens"].nextafter(torch.tensor(9.0))},
        r"expected head to be tokens bit for bit, found another tensor; it looks like model\.tie_embeddings = False",
    ),
    "a buffer that no one knows": (
        {**BASELINE, "rotary.scaling": torch.ones(3)},
        r"expected the tensors of the recipe, found rotary\.scaling too$",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_of_another_model_is_refused(case: str, tmp_path: Path) -> None:
    tensors, expected = WRONG[case]
    torch.save(tensors, tmp_path / "a.pt")
    with pytest.raises(InputError, match=expected):
        imported(tmp_path / "a.pt", CONFIG)
