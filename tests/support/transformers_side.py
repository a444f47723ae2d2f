"""What transformers makes of exported folders, in a process that has no bytegolf.

python -m support.transformers_side IN OUT    # for every folder in IN: its logits of the tokens there, and what it generates
"""

import json
import sys
from pathlib import Path
from typing import Any


def logits_of(folder: Path, out: Path) -> None:
    """Write the logits of `tokens.npy`."""
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
    with torch.no_grad():
        np.save(out / f"{folder.name}.npy", model(torch.from_numpy(np.load(folder / "tokens.npy"))).logits.numpy())


def main(root: Path, out: Path) -> None:
    sys.modules["bytegolf"] = None  # type: ignore[assignment]  # what imports it fails
    for folder in sorted(root.iterdir()):
        if (folder / "tokens.npy").exists():
            logits_of(folder, out)
    facts = {folder.name: behaviour(folder, out) for folder in sorted(root.iterdir()) if (folder / "texts.json").exists()}
    (out / "facts.json").write_text(json.dumps(facts))


def behaviour(folder: Path, out: Path) -> dict[str, Any]:
    """Return what tokenizer and model do with `texts.json`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    texts = json.loads((folder / "texts.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    greedy = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": None}
    single = [tokenizer(text, return_tensors="pt") for text in texts]
    model.save_pretrained(out / "saved" / folder.name)
    tokenizer.save_pretrained(out / "saved" / folder.name)
    again = AutoModelForCausalLM.from_pretrained(out / "saved" / folder.name, trust_remote_code=True)
    same_tokenizer = AutoTokenizer.from_pretrained(out / "saved" / folder.name, trust_remote_code=True)
    first = single[0]["input_ids"]
    with torch.no_grad():
        return {
            "ids": [inputs["input_ids"][0].tolist() for inputs in single],
            "decoded": [tokenizer.decode(inputs["input_ids"][0]) for inputs in single],
            "alone": [model.generate(**inputs, **greedy)[0, -12:].tolist() for inputs in single],
            "without cache": [model.generate(**inputs, **greedy, use_cache=False)[0, -12:].tolist() for inputs in single],
            "batch": model.generate(**batch, **greedy)[:, -12:].tolist(),
            "beams": [model.generate(**single[0], **greedy, num_beams=3, use_cache=cached)[0].tolist() for cached in (True, False)],
            "saved": torch.equal(again(first).logits, model(first).logits),
            "saved ids": [same_tokenizer(text)["input_ids"] for text in texts],
            "loss": model(first, labels=first).loss.item(),
            "logits": model(first).logits[0].tolist(),
            "last logits": model(first, logits_to_keep=2).logits[0].tolist(),
            "refusal": refusal(model, first),
        }


def refusal(model: Any, ids: Any) -> str:
    """Return what is said where tokens continue a cache and those before them are not given."""
    from transformers import DynamicCache

    name = "cache" if "cache" in model.forward.__code__.co_varnames else "past_key_values"
    cache = DynamicCache(config=model.config)
    model(ids, **{name: cache})
    try:
        model(ids[:, :1], **{name: cache})
    except ValueError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
