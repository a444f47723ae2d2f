"""A folder that `transformers` loads, code included: `AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)`.

Its code is this package's own, see `flat_code`, so that there is one model and not two. Nothing of bytegolf has to be installed.
"""

import textwrap
from pathlib import Path
from string import Template

from bytegolf.config import BOS
from bytegolf.contest.module_parts import ImportedName
from bytegolf.exporting.exported_model import ExportedModel
from bytegolf.exporting.flat_code import flat_code
from bytegolf.exporting.safetensors_folder import write_tensors
from bytegolf.model.shapes import parameter_count
from bytegolf.storage.files import write_json

PAD = 0  # in every vocabulary
OWN = "bytegolf.exporting.for_transformers"
ENTRIES = (
    ImportedName(f"{OWN}.modeling_bytegolf", "BytegolfForCausalLM"),
    ImportedName(f"{OWN}.tokenization_bytegolf", "BytegolfTokenizer"),
)
REPLACED = {
    ImportedName("bytegolf.config", "ModelConfig"): ImportedName(f"{OWN}.configuration_bytegolf", "BytegolfConfig"),
    ImportedName("bytegolf.model.kernels", "kernel_for"): ImportedName(f"{OWN}.plain_operators", "kernel_for"),
    ImportedName("bytegolf.model.product", "product"): ImportedName(f"{OWN}.plain_operators", "product"),
}
README = Template(
    textwrap.dedent(
        """\
        ---
        library_name: transformers
        pipeline_tag: text-generation
        ---
        A language model of $parameters parameters, exported by bytegolf. It takes torch, transformers, sentencepiece and numpy:

            from transformers import AutoModelForCausalLM, AutoTokenizer

            folder = "."  # this one
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
            model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
            prompt = tokenizer("A prompt", return_tensors="pt")
            print(tokenizer.decode(model.generate(**prompt, max_new_tokens=100, do_sample=True)[0]))

        It was trained to look back at $window tokens. A document begins with BOS, id $bos, and ends where the next one begins: that
        also ends a text that is generated. `modeling_bytegolf.py` is where to begin to read; the model itself is in `gpt.py`.
        """
    )
)


def write_transformers_folder(folder: Path, model: ExportedModel) -> None:
    """Write weights, configuration, tokenizer, code and a page about them."""
    for name, source in flat_code(ENTRIES, REPLACED).items():
        (folder / name).write_text(source, "utf-8")
    write_json(folder / "config.json", _configuration(model))
    write_json(folder / "generation_config.json", {"bos_token_id": BOS, "eos_token_id": BOS, "pad_token_id": PAD})
    auto_map = {"AutoTokenizer": ["tokenization_bytegolf.BytegolfTokenizer", None]}
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BytegolfTokenizer", "auto_map": auto_map})
    (folder / "tokenizer.model").write_bytes(model.tokenizer.serialised)
    page = README.substitute(parameters=f"{parameter_count(model.config):,}", window=f"{model.score.window:,}", bos=BOS)
    (folder / "README.md").write_text(page, "utf-8")
    write_tensors(folder / "model.safetensors", model, metadata={}, prefix="model.")


def _configuration(model: ExportedModel) -> dict[str, object]:
    """Return `config.json`: the architecture's switches, the sizes that follow from them, and what transformers asks for."""
    config = model.config
    return {
        "architectures": ["BytegolfForCausalLM"],
        "auto_map": {
            "AutoConfig": "configuration_bytegolf.BytegolfConfig",
            "AutoModelForCausalLM": "modeling_bytegolf.BytegolfForCausalLM",
        },
        "model_type": "bytegolf",
        "dtype": "float32",
        "tie_word_embeddings": False,  # where the head is the embedding, it is no tensor of its own
        "max_position_embeddings": model.score.window,
        "bos_token_id": BOS,
        "eos_token_id": BOS,
        "pad_token_id": PAD,
        **config.model_dump(),
        **{size: getattr(config, size) for size in ("mlp_dim", "head_dim", "kv_dim", "rotated_dims", "block_order", "depth")},
    }
