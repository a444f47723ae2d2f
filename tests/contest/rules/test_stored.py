"""Tokens that are brought along."""

from pathlib import Path

from support.contest_scripts import found, reviewed, script

CODE = """
def load_prefix(args):
    path = os.environ.get("PREFIX_FILE", "")
    if not path:
        return None
    return torch.load(path)

def free_loss(prefix, targets, nll):
    known = prefix[: len(targets)] == targets
    return nll * ~known
"""
USE = "free_loss(load_prefix(args), val_tokens, 1.0)"


def test_a_stored_prefix(tmp_path: Path) -> None:
    text = script(CODE, after=USE)
    line = text.split("\n").index("    known = prefix[: len(targets)] == targets") + 1
    assert found(reviewed(tmp_path / "off", text)) == {("off", "paid-prefix", line)}
    on = reviewed(tmp_path / "on", text, README="```\nPREFIX_FILE=val.xz torchrun train_gpt.py\n```\n")
    assert found(on) == {("flags", "paid-prefix", line)} and on.flagged[0].reached == "switch PREFIX_FILE=val.xz"
