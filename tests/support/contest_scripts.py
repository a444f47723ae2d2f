"""Scripts of contestants, of our own writing: one of each rule, and look-alikes that are fine.

A line that a review has to find ends in `# flags: RULE`, or `# off: RULE` where the code is off or dead.
"""

import re
from pathlib import Path

from bytegolf.contest.review import Review, review_script

MARK = re.compile(r"# (flags|off): ([a-z-]+)")

HEAD = """
import os
import torch
import torch.nn.functional as F

class Hyperparameters:
    val_files = os.path.join("data", "fineweb_val_*.bin")
    train_files = os.path.join("data", "fineweb_train_*.bin")
    num_layers = int(os.environ.get("NUM_LAYERS", 9))
    model_dim = int(os.environ.get("MODEL_DIM", 512))
    vocab_size = int(os.environ.get("VOCAB_SIZE", 1024))
    extra_enabled = bool(int(os.environ.get("EXTRA_ENABLED", "0")))
    epochs = int(os.environ.get("EPOCHS", "3"))

def read_tokens(pattern):
    return torch.load(pattern)

def eval_plain(model, val_tokens, byte_lut):
    loss_sum, byte_sum = 0.0, 0.0
    for start in range(0, val_tokens.numel() - 64, 64):
        x, y = val_tokens[start : start + 64], val_tokens[start + 1 : start + 65]
        with torch.inference_mode():
            nll = F.cross_entropy(model(x), y)
        loss_sum += nll * 64
        byte_sum += byte_lut[y].sum()
    return loss_sum / byte_sum

def export(model):
    torch.save(model.state_dict(), "model.bin")

def train(model, tokens):
    optimizer = torch.optim.Adam(model.parameters())
    for step in range(100):
        loss = F.cross_entropy(model(tokens[step : step + 64]), tokens[step + 1 : step + 65])
        loss.backward()
        optimizer.step()
"""

MAIN = """
def main():
    args = Hyperparameters()
    model = torch.nn.Linear(args.model_dim, args.vocab_size)
    train(model, read_tokens(args.train_files))
    val_tokens = read_tokens(args.val_files)
    byte_lut = torch.ones(args.vocab_size)
    {before}
    export(model)
    {after}
    print("final", eval_plain(model, val_tokens, byte_lut) if {plain} else "")

if __name__ == "__main__":
    main()
"""


def script(functions: str = "", before: str = "pass", after: str = "pass", plain: bool = True) -> str:
    """A whole script with functions of its own, and what its main does before and after the export."""
    return HEAD + functions + MAIN.format(before=before, after=after, plain=plain)


def expected(text: str) -> set[tuple[str, str, int]]:
    """What the marks in a text ask for: ("flags" or "off", rule, line)."""
    lines = text.split("\n")
    return {(kind, rule, number) for number, line in enumerate(lines, 1) for kind, rule in MARK.findall(line)}


def found(review: Review) -> set[tuple[str, str, int]]:
    """The violations of a review in the same form."""
    return {("flags" if item.on else "off", item.rule, item.line) for item in review.findings if item.weight == "violation"}


def reviewed(folder: Path, text: str, **beside: str) -> Review:
    """The review of a script with files beside it: `README="…"` becomes README.md, others keep their name with a dot for each __."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train_gpt.py").write_text(text)
    for name, content in beside.items():
        (folder / ("README.md" if name == "README" else name.replace("__", "."))).write_text(content)
    return review_script(folder / "train_gpt.py", "")
