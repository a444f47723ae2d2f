"""Learning from the held-out text, in every order."""

from pathlib import Path

import pytest

from support.contest_scripts import expected, found, reviewed, script

ADAPT = """
def adapt(model, val_tokens, args):
    optimizer = torch.optim.AdamW(model.parameters())
    for epoch in range(args.epochs):
        for start in range(0, val_tokens.numel() - 64, 64):
            x, y = val_tokens[start : start + 64], val_tokens[start + 1 : start + 65]
            loss = F.cross_entropy(model(x), y)
            loss.backward()  # {mark}
            optimizer.step()
"""

CHUNKED = """
def step_on(model, optimizer, x, y):
    loss = F.cross_entropy(model(x), y)
    loss.backward(){mark}
    optimizer.step()

def eval_chunks(model, val_tokens, byte_lut, args):
    optimizer = torch.optim.SGD(model.parameters())
    loss_sum, byte_sum = 0.0, 0.0
    for chunk in range(0, val_tokens.numel() // 4096):
        low, high = chunk * 4096, chunk * 4096 + 4096
        {first}
        {second}
    return loss_sum / byte_sum
"""
SCORE = """with torch.no_grad():
            for start in range(low, high, 64):
                x, y = val_tokens[start : start + 64], val_tokens[start + 1 : start + 65]
                loss_sum += F.cross_entropy(model(x), y, reduction="none").sum()
                byte_sum += byte_lut[y].sum()"""
UPDATE = """for epoch in range(args.epochs):
            step_on(model, optimizer, val_tokens[low : high - 1], val_tokens[low + 1 : high])"""

PER_DOCUMENT = """
def eval_documents(model, val_tokens, byte_lut, args):
    loss_sum, byte_sum = 0.0, 0.0
    for document in range(val_tokens.numel() // 512):
        adapter = torch.zeros(8, requires_grad=True)
        optimizer = torch.optim.Adam([adapter])
        for epoch in range({epochs}):
            for part in range(4):
                low = document * 512 + part * 128
                x, y = val_tokens[low : low + 128], val_tokens[low + 1 : low + 129]
                nll = F.cross_entropy(model(x + adapter), y, reduction="none")
                {score}
                nll.mean().backward(){mark}
                optimizer.step()
    return loss_sum / byte_sum
"""
LAST_EPOCH = """if epoch == {last}:
                    loss_sum += nll.sum().item()
                    byte_sum += byte_lut[y].sum()"""

WINDOW_FIT = """
def eval_windows(model, val_tokens, byte_lut, args):
    loss_sum, byte_sum = 0.0, 0.0
    for start in range(0, val_tokens.numel() - 64, 64):
        x, y = val_tokens[start : start + 64], val_tokens[start + 1 : start + 65]
        hidden = model(x).detach()
        delta = torch.zeros(512, requires_grad=True)
        optimizer = torch.optim.AdamW([delta])
        for _ in range(8):
            optimizer.zero_grad()
            F.cross_entropy(hidden + delta, y).backward()  # flags: scored-window-fit
            optimizer.step()
        loss_sum += F.cross_entropy(hidden + delta, y, reduction="none").sum().item()
        byte_sum += byte_lut[y].sum()
    return loss_sum / byte_sum
"""

HESSIANS = """
def collect_hessians(model, tokens):
    return [model(tokens[i : i + 64]) for i in range(8)]
"""

RUN = "print(eval_{}(model, val_tokens, byte_lut, args))"
CASES = {
    "pre-quant": script(ADAPT.format(mark="flags: validation-pretraining"), before="adapt(model, val_tokens, args)"),
    "the same on training tokens": script(ADAPT.format(mark="fine"), before="adapt(model, read_tokens(args.train_files)[:9999], args)"),
    "pre-quant, off": script(
        ADAPT.format(mark="off: validation-pretraining"), before="adapt(model, val_tokens, args) if args.extra_enabled else 0"
    ),
    "pre-quant, dead": script(ADAPT.format(mark="not reached by anything")),
    "score first": script(CHUNKED.format(first=SCORE, second=UPDATE, mark=""), after=RUN.format("chunks"), plain=False),
    "update first": script(
        CHUNKED.format(first=UPDATE, second=SCORE, mark="  # flags: scored-window-fit"), after=RUN.format("chunks"), plain=False
    ),
    "score first, then again": script(
        CHUNKED.format(first=SCORE, second=UPDATE, mark=""),
        after=f"{RUN.format('chunks')}\n    print(eval_plain(model, val_tokens, byte_lut))  # flags: rescoring",
        plain=False,
    ),
    "last epoch": script(
        PER_DOCUMENT.format(epochs="args.epochs", score=LAST_EPOCH.format(last="args.epochs - 1"), mark="  # flags: score-after-update"),
        after=RUN.format("documents"),
        plain=False,
    ),
    "one epoch": script(
        PER_DOCUMENT.format(epochs="1", score=LAST_EPOCH.format(last="0"), mark=""), after=RUN.format("documents"), plain=False
    ),
    "window fit": script(WINDOW_FIT, after=RUN.format("windows"), plain=False),
    "handed on": script(
        WINDOW_FIT + "\ndef timed(label, function, *given):\n    return function(*given)\n",
        after='timed("slot", eval_windows, model, val_tokens, byte_lut, args)',
        plain=False,
    ),
    "calibration": script(HESSIANS, before="collect_hessians(model, val_tokens)  # flags: validation-calibration"),
    "calibration on training": script(HESSIANS, before="collect_hessians(model, read_tokens(args.train_files))"),
}


@pytest.mark.parametrize("name", CASES)
def test_event_order(tmp_path: Path, name: str) -> None:
    review = reviewed(tmp_path, CASES[name])
    dead = "not reached" in CASES[name]
    assert found(review) == expected(CASES[name])
    assert review.verdict == ("flag" if any(kind == "flags" for kind, _, _ in expected(CASES[name])) else "clean"), dead


def test_a_switch_is_named(tmp_path: Path) -> None:
    (finding,) = (item for item in reviewed(tmp_path, CASES["pre-quant, off"]).findings if item.weight == "violation")
    assert (finding.reached, finding.on, finding.evidence.split("  #")[0]) == ("switch EXTRA_ENABLED=1", False, "loss.backward()")


@pytest.mark.parametrize(
    "beside",
    [
        {"README": "Run it:\n```\nEXTRA_ENABLED=1 torchrun train_gpt.py\n```\n"},
        {"train__log": "extra_enabled: True\nstep:1\n"},
        {"run__sh": "export EXTRA_ENABLED=1\npython train_gpt.py\n"},
    ],
)
def test_a_switch_that_was_on(tmp_path: Path, beside: dict[str, str]) -> None:
    review = reviewed(tmp_path, CASES["pre-quant, off"], **beside)
    assert review.verdict == "flag" and review.flagged[0].reached == "switch EXTRA_ENABLED=1"


def test_a_log_shows_that_code_ran(tmp_path: Path) -> None:
    text = script(
        ADAPT.format(mark="").replace(
            "    optimizer = torch.optim.AdamW", "    print(f'adapting to the split {args.epochs}')\n    optimizer = torch.optim.AdamW"
        ),
        before="adapt(model, val_tokens, args) if args.extra_enabled else 0",
    )
    assert reviewed(tmp_path / "off", text, train__log="step:1\n").verdict == "clean"
    assert reviewed(tmp_path / "script", text, train__log=text).verdict == "clean"  # many logs begin with the script
    assert reviewed(tmp_path / "on", text, train__log="adapting to the split 3\n").verdict == "flag"


def test_prose_about_a_switch_does_not_turn_it_on(tmp_path: Path) -> None:
    review = reviewed(tmp_path, CASES["pre-quant, off"], README="We did not use EXTRA_ENABLED=1, see above.\n")
    assert review.verdict == "clean"
