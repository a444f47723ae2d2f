"""Verbs that use a model: text made by it, and files for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson
from bytegolf.cli.output import emit, print_as_it_comes
from bytegolf.cli.streams import piped_text
from bytegolf.runtime.progress import say

SourceArgument = Annotated[Path, typer.Argument(metavar="ARTIFACT_OR_RUN", help="A .bgz file, or a finished run.")]


def generate(
    source: SourceArgument,
    prompt: Annotated[
        str | None, typer.Option("--prompt", metavar="TEXT", help="How the text begins. Without it, what is piped to stdin.")
    ] = None,
    temperature: Annotated[float, typer.Option("--temperature", metavar="T", help="Below 1 likelier tokens, 0 the likeliest.")] = 1.0,
    top_k: Annotated[int, typer.Option("--top-k", metavar="K", help="Only the K likeliest tokens; 0 is all.")] = 0,
    top_p: Annotated[
        float, typer.Option("--top-p", metavar="P", help="Only the likeliest tokens that have this share of the probability together.")
    ] = 1.0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", metavar="N", help="Tokens to generate at most.")] = 256,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="The same seed gives the same text, on every machine.")] = None,
    experts: Annotated[
        bool, typer.Option("--experts/--no-experts", help="Let experts learn from the prompt and from what is generated.")
    ] = False,
    past_end: Annotated[bool, typer.Option("--past-end", help="Begin another document where one ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Generate text that follows a prompt, and print it as it comes.

    The prompt is the beginning of a document, and may be empty. Predictions and draws are exact, so that a seed gives the same text
    on every machine; without one, stderr tells which was drawn. Beyond the model's window the older half of what is in sight is forgotten.
    """
    import bytegolf as bg

    generation = bg.generate(
        source,
        piped_text() if prompt is None else prompt,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        max_tokens=max_tokens,
        seed=seed,
        experts=experts,
        stop=not past_end,
    )
    if as_json:
        emit(generation, as_json, str)
    else:
        print_as_it_comes(piece.text for piece in generation)
        say(str(generation))


def export(
    source: SourceArgument,
    to: Annotated[str, typer.Option("--to", metavar="safetensors|hf", help="hf is a folder that transformers loads, code included.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to make.")],
    as_json: AsJson = False,
) -> None:
    """Write a model for other tools: safetensors with its configuration in JSON, or a folder for Hugging Face transformers.

    The latter is loaded by AutoModelForCausalLM.from_pretrained(DIR, trust_remote_code=True) and AutoTokenizer likewise, also where
    bytegolf is not installed, and generates through a cache. Weights are float32.
    """
    import bytegolf as bg

    emit(bg.export(source, out, to), as_json, str)
