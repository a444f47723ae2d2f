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

MINIFIED = """
def f(m,v,g):
    k=torch.optim.SGD(m.parameters());h=P=0.
    for c in range(v.numel()//4096):
        a,b=c*4096,c*4096+4096
        {first}
        {second}
    return h/P
"""
SUM = """with torch.no_grad():
            for s in range(a,b,64):n=F.cross_entropy(m(v[s:s+64]),v[s+1:s+65],reduction="none");h+=n.sum();P+=64"""
STEP = """for _ in range(3):n=F.cross_entropy(m(v[a:b-1]),v[a+1:b]);n.backward();k.step(){mark}"""

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

RUN = "print(eval_{}(model, val_tokens, byte_lut, args))"
PARTLY_FIT = """
def eval_windows(model, val_tokens, byte_lut, args):
    loss_sum, byte_sum, length, stride = 0.0, 0.0, 64, 16
    before = length - stride
    for start in range(0, val_tokens.numel() - length, stride):
        x, y = val_tokens[start : start + length], val_tokens[start + 1 : start + length + 1]
        hidden = model(x).detach()
        delta = torch.zeros(512, requires_grad=True)
        mask = torch.zeros(length)
        mask[{masked}] = 1.0
        {fit}
        nll = F.cross_entropy(hidden + delta, y, reduction="none")
        new = nll[before:length]
        loss_sum += new.sum().item()
        byte_sum += byte_lut[y[before:length]].sum()
    return loss_sum / byte_sum
"""
STEPS = """optimizer = torch.optim.AdamW([delta])
        for _ in range(8):
            optimizer.zero_grad()
            each = F.cross_entropy(hidden + delta, y, reduction="none")
            loss = {loss}
            loss.backward(){mark}
            optimizer.step()"""
CLOSURE = """optimizer = torch.optim.LBFGS([delta])
        def closure():
            loss = F.cross_entropy(hidden + delta, y)
            loss.backward(){mark}
            return loss
        optimizer.step(closure)"""
FIT = "  # flags: scored-window-fit"


def partly_fit(masked: str, fit: str) -> str:
    return script(PARTLY_FIT.format(masked=masked, fit=fit), after=RUN.format("windows"), plain=False)


HESSIANS = """
def collect_hessians(model, tokens):
    return [model(tokens[i : i + 64]) for i in range(8)]
"""

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
    "score first, in short": script(
        MINIFIED.format(first=SUM, second=STEP.format(mark="")), after="print(f(model, val_tokens, args))", plain=False
    ),
    "update first, in short": script(
        MINIFIED.format(first=STEP.format(mark="  # flags: scored-window-fit"), second=SUM),
        after="print(f(model, val_tokens, args))",
        plain=False,
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
    "fit to a mask of what is scored": partly_fit("before:length", STEPS.format(loss="(each * mask).sum()", mark=FIT)),
    "fit to a mask of what came before": partly_fit(":before", STEPS.format(loss="(each * mask).sum()", mark="")),
    "fit to a slice of what came before": partly_fit("0", STEPS.format(loss="each[:before].mean()", mark="")),
    "fit to all but the last": partly_fit("0", STEPS.format(loss="each[: length - 1].mean()", mark=FIT)),
    "fit by an optimiser that calls back": partly_fit("0", CLOSURE.format(mark=FIT)),
    "handed on": script(
        WINDOW_FIT + "\ndef timed(label, function, *given):\n    return function(*given)\n",
        after='timed("slot", eval_windows, model, val_tokens, byte_lut, args)',
        plain=False,
    ),
    "calibration": script(HESSIANS, before="collect_hessians(model, val_tokens)  # flags: validation-calibration"),
    "calibration on training, with the tokenizer of the split": script(
        "\ndef fit_calibration(model, val_data, args):\n    tokens = read_tokens(args.train_files)\n"
        "    return [model(tokens[i : i + 64]) for i in range(val_data.sp.size)]\n",
        before="fit_calibration(model, val_tokens, args)",
    ),
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


OPTIONS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--adapt", action="store_true")
parser.add_argument("--no-rest", dest="rest", action="store_false")
parser.add_argument("--rounds", type=int, default=0)
options = parser.parse_args()
"""
COMMANDS = {
    "python train_gpt.py": (False, False, False),
    "python train_gpt.py --adapt": (True, False, False),
    "python train_gpt.py \\\n    --rounds 3 --no-rest": (False, True, True),
    "python train_gpt.py --adapt\npython train_gpt.py --rounds=0": (True, False, False),
    "python other.py --adapt --rounds 3": (False, False, False),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("place", "test"), [(0, "options.adapt"), (1, "options.rounds > 0"), (2, "not options.rest")])
def test_options_of_the_command_line_are_switches(tmp_path: Path, command: str, place: int, test: str) -> None:
    text = script(OPTIONS + ADAPT.format(mark=""), before=f"adapt(model, val_tokens, args) if {test} else 0")
    review = reviewed(tmp_path, text, README=f"```\n{command}\n```\n")
    assert (review.verdict == "flag") == COMMANDS[command][place], review.findings
    assert all(finding.reached.startswith("switch --") for finding in review.findings if finding.weight == "violation")


def test_a_log_shows_that_a_branch_ran(tmp_path: Path) -> None:
    before = "if args.extra_enabled:\n        print('adapting to the split')\n        adapt(model, val_tokens, args)"
    text = script(ADAPT.format(mark=""), before=before)
    assert reviewed(tmp_path / "off", text, train__log="step:1\n").verdict == "clean"
    assert reviewed(tmp_path / "on", text, train__log="adapting to the split\n").verdict == "flag"
    assert reviewed(tmp_path / "said", text, train__log="adapting to the split\nextra_enabled: False\n").verdict == "clean"


def test_a_list_of_settings_is_no_prose(tmp_path: Path) -> None:
    assert reviewed(tmp_path, CASES["pre-quant, off"], README="Settings:\n\n- `EXTRA_ENABLED=1`\n- `EPOCHS=3`\n").verdict == "flag"


@pytest.mark.parametrize(
    "setting",
    ["if args.extra_enabled:\n        args.extra_enabled = True", "model.extra_enabled = bool(args.extra_enabled)"],
)
def test_a_setting_that_is_copied_or_kept_is_what_it_was(tmp_path: Path, setting: str) -> None:
    text = script(ADAPT.format(mark="off"), before=f"{setting}\n    adapt(model, val_tokens, args) if args.extra_enabled else 0")
    assert reviewed(tmp_path, text).verdict == "clean"


def test_prose_about_a_switch_does_not_turn_it_on(tmp_path: Path) -> None:
    review = reviewed(tmp_path, CASES["pre-quant, off"], README="We did not use EXTRA_ENABLED=1, see above.\n")
    assert review.verdict == "clean"
