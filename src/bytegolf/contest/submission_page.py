"""The README.md of a submission, written from its facts."""

from bytegolf.contest.logs import CAP_BYTES
from bytegolf.contest.submission import SubmissionFacts
from bytegolf.contest.submission_rules import SCRIPT
from bytegolf.proving.receipt import Receipt


def readme(facts: SubmissionFacts, parameters: int, receipt: Receipt) -> str:
    """Return the page: scores, sizes, how to run it, what the model is, and what backs the score."""
    return "\n".join([*_scores(facts), *_commands(facts), *_method(facts, parameters), *_proof(facts, receipt)]) + "\n"


def _scores(facts: SubmissionFacts) -> list[str]:
    deviation = "" if facts.bpb_deviation is None else f" ± {facts.bpb_deviation:.6f} (standard deviation over n − 1)"
    handle = f" (@{facts.entrant.github_id})" if facts.entrant.github_id else ""
    part = "" if facts.whole else ", of the beginning of the held-out text alone"
    rows = [
        f"| {result.seed} | {result.bpb:.6f} | {result.loss:.6f} | {result.steps:,} | {result.train_seconds:,.1f} "
        f"| {result.eval_seconds:,.1f} | {result.artifact_bytes:,} | {facts.code_bytes + result.artifact_bytes:,} |"
        for result in facts.seeds
    ]
    return [
        f"# {facts.entrant.name}",
        "",
        f"By {facts.entrant.author}{handle}, track `{facts.entrant.track}`.",
        f"Mean of {len(facts.seeds)} seed{'s' * (len(facts.seeds) != 1)}: **{facts.bpb:.6f} bits per byte**{deviation}, "
        f"protocol `{facts.protocol}`{part}.",
        "",
        "| seed | bits per byte | nats per token | steps | training, s | evaluation, s | artifact, bytes | with code |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
        f"The cap is {CAP_BYTES:,} bytes, code ({facts.code_bytes:,}) and artifact together. Every seed is packed to fit.",
        f"Scored: {facts.seeds[0].bytes:,} bytes of text, {facts.seeds[0].tokens:,} tokens, each once, in order.",
        f"Trained and scored on {facts.machine['processor']}, torch {facts.machine['torch']}.",
        "",
    ]


def _commands(facts: SubmissionFacts) -> list[str]:
    first = facts.seeds[0]
    return [
        "## How to run it",
        "",
        "    pip install -r requirements.txt",
        f"    python {SCRIPT} --data DATA --evaluate {first.artifact}   # the score of seed {first.seed} again",
        f"    python {SCRIPT} --data DATA --seed {first.seed} --out run   # trains, packs and scores; also under torchrun",
        f"    python {SCRIPT} --show sources   # writes the sources of the script where they can be read",
        "",
        "DATA is a folder of shards and their tokenizer.",
        "",
    ]


def _method(facts: SubmissionFacts, parameters: int) -> list[str]:
    changed = facts.recipe.model_dump(exclude_defaults=True)
    keys = [
        f"    {section}.{key} = {value!r}"
        for section, values in changed.items()
        if isinstance(values, dict)
        for key, value in values.items()
        if (section, key) != ("train", "seed")
    ]
    return [
        "## What it is",
        "",
        f"Recipe `{facts.recipe.name}`: {facts.recipe.description}. {parameters:,} parameters.",
        f"Packed by method `{facts.recipe.pack.method}`, coder `{facts.recipe.pack.coder}`. All seeds have one recipe; "
        "where it differs from bytegolf's defaults:",
        "",
        *keys,
        "",
        f"`{SCRIPT}` carries the parts of bytegolf that it needs and nothing else of it. It was made by `bytegolf submit`.",
        "",
    ]


def _proof(facts: SubmissionFacts, receipt: Receipt) -> list[str]:
    text = "the text that was scored" if receipt.text_bytes == facts.seeds[0].bytes else "the beginning of the text that was scored"
    return [
        "## What backs the score",
        "",
        f"`proof.bgc` is {text} ({receipt.text_bytes:,} bytes) compressed to {receipt.coded_bytes:,} bytes by "
        f"`{receipt.artifact}`, {receipt.bpb_coded:.6f} bits per byte under protocol `{receipt.protocol}`; it decodes to that text.",
        "",
        "    bytegolf verify receipt.json",
        "",
        "It does not show:",
        "",
        *(f"- {item}" for item in receipt.not_checked),
    ]
