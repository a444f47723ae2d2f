"""Choices and weights that see how well the token to be scored was predicted, and look-alikes that do not."""

from pathlib import Path

import pytest

from support.contest_scripts import expected, found, reviewed, script

CHOICE = """
def choose(nll_model, nll_cache, entropy):
    {}
"""
EVALUATION = """
def eval_mixed(model, val_tokens, counts):
    total = 0.0
    for start in range(0, val_tokens.numel() - 64, 64):
        chunk = val_tokens[start : start + 65]
        x, y = chunk[:-1], chunk[1:]
        scores = torch.log_softmax(model(x), dim=-1)
        entropy = -(scores.exp() * scores).sum(-1)
        ours = scores[torch.arange(64), y].exp()
        theirs = counts[x, y] / counts[x].sum(-1)
        {}
        total -= torch.log(mixed).sum().item()
    return total
"""
TOKEN_BY_TOKEN = """
def eval_tokens(model, cache, tokens):
    total, weight = 0.0, 0.5
    logits = model(tokens[:-1])
    targets = tokens[1:]
    losses = F.cross_entropy(logits, targets, reduction="none").tolist()
    for place, target in enumerate(targets.tolist()):
        counts, seen = cache.predict(tokens[: place + 1])
        loss = losses[place]
        {}
        total += loss
        weight = weight * 0.9 + 0.1 * loss
    return total
"""
HELPER = """
def strength(p):
    return 0.5 * (1.0 - p)

def eval_helped(model, x, y, cached):
    p = torch.softmax(model(x), -1).gather(-1, y.unsqueeze(-1)).squeeze(-1)
    w = strength({})
    return (1 - w) * p + w * cached{}
"""


def chosen(body: str) -> str:
    return script(CHOICE.format(body), after="choose(1, 2, 3)")


def mixed(body: str) -> str:
    return script(EVALUATION.format(body), after="eval_mixed(model, val_tokens, 1)")


def by_token(body: str) -> str:
    return script(TOKEN_BY_TOKEN.format(body), after="eval_tokens(model, None, val_tokens)")


CASES = {
    "the lower of two": chosen("return torch.minimum(nll_model, nll_cache)  # flags: oracle-gate"),
    "where it is lower": chosen("return torch.where(nll_model < nll_cache, nll_model, nll_cache)  # flags: oracle-gate"),
    "kept if lower": chosen("if nll_cache < nll_model:  # flags: oracle-gate\n        nll_model[0] = nll_cache\n    return nll_model"),
    "by entropy": chosen("return torch.where(entropy < 2, nll_model, nll_cache)"),
    "best loss of training": script("\ndef best(val_loss, best_loss):\n    return min(val_loss, best_loss)\n", after="best(1, 2)"),
    "the larger of two probabilities": mixed("mixed = torch.maximum(ours, theirs)  # flags: oracle-gate"),
    "kept where it helps": mixed(
        "mixed = ours.clone()\n        helps = theirs > ours\n        places = torch.arange(64)[helps]\n"
        "        mixed[places] = theirs[helps]  # flags: oracle-gate"
    ),
    "mixed where the token has been seen": mixed("mixed = torch.where(theirs > 0, 0.5 * ours + 0.5 * theirs, ours)  # flags: gate-peeks"),
    "more of it where the token is improbable": mixed(
        "w = (1 - ours) * 0.5\n        mixed = (1 - w) * ours + w * theirs  # flags: gate-peeks"
    ),
    "more of it where the model is uncertain": mixed("w = torch.sigmoid(entropy)\n        mixed = (1 - w) * ours + w * theirs"),
    "mixed where the context has been seen": mixed("mixed = torch.where(counts[x].sum(-1) > 0, 0.5 * ours + 0.5 * theirs, ours)"),
    "the logarithm of a sum, kept from overflow": mixed(
        "top = torch.maximum(ours, theirs)\n        mixed = top + torch.log(torch.exp(ours - top) + torch.exp(theirs - top))"
    ),
    "a floor": mixed("mixed = torch.maximum(0.5 * ours + 0.5 * theirs, 1e-9)"),
    "if the token is improbable": by_token(
        "if loss > 2.0:  # flags: gate-peeks\n            loss = loss * 0.5 - 0.5 * counts.get(target, 0) / seen"
    ),
    "if the context is known": by_token("if seen > 2:\n            loss = loss * 0.5 - 0.5 * counts.get(target, 0) / seen"),
    "a weight of the tokens before": by_token("loss = (1 - weight) * loss + weight * 5"),
    "how often it helped": by_token("helped = 0\n        if counts.get(target, 0) / seen > loss:\n            helped += 1"),
    "by a helper": script(HELPER.format("p", "  # flags: gate-peeks"), after="eval_helped(model, 1, 2, 3)"),
    "by a helper that sees the context": script(HELPER.format("x", ""), after="eval_helped(model, 1, 2, 3)"),
    "training weighs its losses": script(
        '\ndef focal(model, x, y):\n    nll = F.cross_entropy(model(x), y, reduction="none")\n'
        "    nll = torch.where(nll > 2, nll, 0.5 * nll)\n    nll.mean().backward()\n",
        before="focal(model, 1, 2)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_choices(tmp_path: Path, name: str) -> None:
    assert found(reviewed(tmp_path, CASES[name])) == expected(CASES[name])


EXPERTS = """
def expert_losses(model, x, y, counts):
    scores = torch.log_softmax(model(x), dim=-1)
    ours = -scores.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    theirs = -(counts[x, y] / counts[x].sum(-1)).log()
    flat = torch.full_like(ours, 6.9)
    entropy = -(scores.exp() * scores).sum(-1)
    return torch.stack([ours, theirs, {}], dim=-1)
"""


@pytest.mark.parametrize(("third", "rules"), [("entropy", ["unnormalised-mix"]), ("flat", [])])
def test_an_expert_that_says_the_same_of_every_token(tmp_path: Path, third: str, rules: list[str]) -> None:
    review = reviewed(tmp_path, script(EXPERTS.format(third), after="expert_losses(model, 1, 2, 3)"))
    assert [finding.rule for finding in review.findings if finding.weight == "disputed"] == rules and review.verdict == "clean"
