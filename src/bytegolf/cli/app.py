"""The verbs: each parses, calls one function of `flow`, and prints. `bytegolf VERB --help` teaches the rest."""

import json
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.runtime.progress import is_main_process
from bytegolf.runtime.threads import tune_process

app = typer.Typer(
    name="bytegolf",
    help="Train, pack and prove the best language model that fits in N bytes.\n\n"
    "The flow is prepare → train → pack → score → report. Begin with: bytegolf quickstart",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


class Protocol(StrEnum):
    """How held-out text is put before the model."""

    standard = "standard"
    sliding = "sliding"
    streaming = "streaming"
    ttt = "ttt"


class Method(StrEnum):
    """How weights become integers."""

    rate = "rate"
    gptq = "gptq"
    baseline = "baseline"


class Coder(StrEnum):
    """How integers become bytes."""

    range = "range"
    zstd = "zstd"
    lzma = "lzma"
    zlib = "zlib"


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a recipe (see: bytegolf recipes) or path of a TOML file.")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one key of the recipe; repeatable.")]
DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="Data folder made by prepare, or a folder of contest shards.")]
TokenizerOption = Annotated[
    Path | None,
    typer.Option("--tokenizer", metavar="FILE.model", help="Tokenizer of a folder of bare shards, where it is not found beside it."),
]
ArtifactArgument = Annotated[Path, typer.Argument(metavar="ARTIFACT", help="A .bgz file, as pack makes it.")]
NoSandbox = Annotated[bool, typer.Option("--no-sandbox", help="Where the system has no sandbox: do without.")]


@app.command(epilog="Example: bytegolf quickstart --out runs/quickstart")
def quickstart(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the data and the run.")] = Path("runs/quickstart"),
    as_json: AsJson = False,
) -> None:
    """The whole flow in five minutes: text, tokens, a trained model, an artifact under 1 MB, its score, a report and a proof.

    The text is the source of Python's own standard library, so nothing is downloaded.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import quickstart_table

    _emit(bg.quickstart(out), as_json, quickstart_table)


@app.command(epilog="Example: bytegolf recipes tiny > mine.toml")
def recipes(
    name: Annotated[str | None, typer.Argument(help="A recipe to print fully resolved, each key with its meaning.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes, or print one as TOML: every knob, its value and what it means.

    Copy the output to a file, change it, and train with the file. A file may also begin with
    extends = "tiny" and hold only what differs.
    """
    from bytegolf.recipes import load_recipe, recipe_groups, recipe_toml

    if name is not None:
        recipe = load_recipe(name)
        _emit(recipe.model_dump(), as_json, lambda _: recipe_toml(recipe))
    else:
        groups = {title: {name: load_recipe(name).description for name in names} for title, names in recipe_groups().items()}
        known = {name: text for group in groups.values() for name, text in group.items()}
        _emit(known, as_json, lambda _: "\n\n".join(_listing(title, group) for title, group in groups.items()))


@app.command(epilog="Example: bytegolf plan v10_banked --set pack.budget=8000000")
def plan(recipe: RecipeArgument, overrides: Overrides = [], as_json: AsJson = False) -> None:  # noqa: B006 - typer's idiom
    """Before any training: parameters, FLOPs per token, predicted artifact bytes, and the steps this machine will take.

    Exit status 1 if the artifact will not fit the recipe's pack.budget.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import plan_table
    from bytegolf.recipes import load_recipe

    planned = bg.plan(load_recipe(recipe, overrides))
    _emit(planned, as_json, plan_table)
    if not planned.fits:
        raise typer.Exit(1)


@app.command(epilog="Example: bytegolf prepare stdlib --out data, or: bytegolf prepare fineweb --train-shards 10 --out data")
def prepare(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="stdlib; files and folders of text, jsonl or parquet; or fineweb.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Data folder to make.")],
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Take kind and size of the vocabulary from a recipe.")
    ] = None,
    vocab: Annotated[
        int | None, typer.Option("--vocab", metavar="N", help="Train a BPE vocabulary of N tokens (1024 if nothing is said).")
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option("--tokenizer", metavar="FILE.model|bytes", help="Use an existing tokenizer, or raw bytes.")
    ] = None,
    val_docs: Annotated[
        int | None, typer.Option("--val-docs", metavar="N", help="Hold out the first N documents instead of one in twenty by hash.")
    ] = None,
    normalised: Annotated[
        bool, typer.Option("--normalised", help="Let --tokenizer change the text; bytes are then those of the changed text.")
    ] = False,
    variant: Annotated[
        str | None, typer.Option("--variant", metavar="NAME", help="Of fineweb: a published vocabulary, sp1024 if nothing is said.")
    ] = None,
    train_shards: Annotated[
        int | None, typer.Option("--train-shards", metavar="N", help="Of fineweb: the first N training shards, 80 if nothing is said.")
    ] = None,
    with_docs: Annotated[
        bool, typer.Option("--with-docs", help="Of fineweb: also the documents (48 GB), to make another vocabulary of.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """SharedState text into a data folder: tokenizer, shards of tokens, the exact held-out text and a manifest.

    Every document is checked to decode to the bytes it came from. jsonl and parquet hold a document per record, in
    "text"; jsonl may be compressed (.gz, .zst, .xz, .bz2). Preparing the same text again reuses the folder.

    fineweb downloads the contest's published shards and tokenizer; hf://datasets/OWNER/NAME/FOLDER downloads what
    somebody else published in the same layout. The same command goes on with a download that was interrupted.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import data_table

    manifest = bg.prepare(
        sources,
        out,
        recipe=recipe,
        vocab=vocab,
        tokenizer=tokenizer,
        val_docs=val_docs,
        normalised=normalised,
        variant=variant,
        train_shards=train_shards,
        with_docs=with_docs,
    )
    _emit(manifest, as_json, data_table)


@app.command(epilog="Example: bytegolf train tiny --data data --out runs/tiny --set train.max_steps=400")
def train(
    recipe: Annotated[
        str | None, typer.Argument(metavar="RECIPE", help="Name of a recipe (see: bytegolf recipes) or path of a TOML file.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Data folder made by prepare, or a folder of contest shards.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Run folder to make.")] = None,
    overrides: Overrides = [],  # noqa: B006
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in RUN from its newest checkpoint; start it if there is none.")
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="RUN", help="Repeat a finished run of this recipe and data bit for bit, its clock included."),
    ] = None,
    env: Annotated[
        bool,
        typer.Option(
            "--env",
            help="Take the environment variables of the seed system (NUM_LAYERS=12, ...); then also pack and score as it did. "
            "RECIPE, --data and --out need not be given.",
        ),
    ] = False,
    tokenizer: TokenizerOption = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe on a data folder.

    Ctrl-C and SIGTERM write a checkpoint first; the same command with --resume continues. A run with a cap in seconds
    logs what its clock said at every step: --replay takes the same steps at the same learning rates from there, and
    on the same machine and installation ends with the same weights.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import baseline_table, train_table
    from bytegolf.recipes import load_recipe
    from bytegolf.recipes.environment import read_environment

    if env:
        command = read_environment(os.environ, recipe, overrides, data=data, tokenizer=tokenizer, out=out)
        _emit(bg.train_baseline(command, resume=resume, replay=replay), as_json, baseline_table)
    elif recipe is None or data is None or out is None:
        missing = next(name for name, value in (("RECIPE", recipe), ("--data", data), ("--out", out)) if value is None)
        raise InputError(f"train: expected RECIPE, --data DIR and --out RUN, or --env, found no {missing}")
    else:
        _emit(bg.train(load_recipe(recipe, overrides), data, out, resume=resume, tokenizer=tokenizer, replay=replay), as_json, train_table)


@app.command("import", epilog="Example: bytegolf import final_model.pt --recipe v10_banked --tokenizer bpe_1024.model --out runs/seed")
def import_(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A .pt, .ptz or .safetensors file.")],
    recipe: Annotated[str, typer.Option("--recipe", metavar="RECIPE", help="What the model is: a recipe's name or a TOML file.")],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", metavar="FILE.model|bytes", help="The tokenizer it was trained with.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Run folder to make.")],
    overrides: Overrides = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Make a run of a checkpoint that another program trained, to pack and score it.

    Read are the weights of the seed system's scripts, with a tensor per bank or per layer, raw (final_model.pt) or quantised
    (.ptz, through zstd, zlib or LZMA), and safetensors under their names or bytegolf's. Nothing in a file is ever run.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import import_table
    from bytegolf.recipes import load_recipe

    result = bg.import_checkpoint(checkpoint, out, recipe=load_recipe(recipe, overrides), tokenizer=tokenizer)
    _emit(result, as_json, import_table)


@app.command(epilog="Example: bytegolf pack runs/tiny --budget 500000 --data data")
def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    budget: Annotated[
        int, typer.Option("--budget", metavar="BYTES", help="Bytes the artifact may have; 0 takes the recipe's pack.budget.")
    ] = 0,
    reserve: Annotated[int, typer.Option("--reserve", min=0, metavar="BYTES", help="Bytes of the budget to keep free, for code say.")] = 0,
    method: Annotated[
        Method | None,
        typer.Option(
            help="rate: steps by how much the loss minds, trellis-coded, to fill the budget (learns from training text with --data, "
            "else from text of the model's own); gptq: a grid for each matrix, each rounding error made good by the weights still "
            "to be rounded (needs --data); seed: fixed bits and a step per row. The recipe's pack.method if not given."
        ),
    ] = None,
    coder: Annotated[
        Coder | None,
        typer.Option(help="range: entropy coding; the others compress one byte a weight. The recipe's pack.coder if not given."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Also score before and after packing on this data folder's held-out text."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The artifact; RUN/artifact.bgz if not given.")] = None,
    tokenizer: TokenizerOption = None,
    as_json: AsJson = False,
) -> None:
    """Pack a run into one self-contained file, tokenizer included, as precise as the budget allows and never over it.

    Method seed, the fixed widths of the system bytegolf starts from, has no say in its size: over the budget it is refused.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import pack_table

    result = bg.pack(
        run,
        budget=budget,
        reserve=reserve,
        method=method.value if method else None,
        coder=coder.value if coder else None,
        data=data,
        tokenizer=tokenizer,
        out=out,
    )
    _emit(result, as_json, pack_table)


@app.command(epilog="Example: bytegolf score runs/tiny/artifact.bgz --data data --protocol sliding")
def score(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_ARTIFACT", help="A finished run, or a .bgz file.")],
    data: DataOption,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="standard: windows side by side; sliding: each window scores only its last stride tokens; streaming: each token "
            "forwarded once, its past kept in a rolling cache; ttt: sliding, and the model learns from each chunk after it was scored."
        ),
    ] = Protocol.sliding,
    limit_bytes: Annotated[
        int, typer.Option("--limit-bytes", min=0, metavar="N", help="Score only about the first N held-out bytes; 0 is all.")
    ] = 0,
    stride: Annotated[
        int,
        typer.Option("--stride", min=0, metavar="N", help="Tokens between sliding windows, or streamed at a time; 0 is the model's own."),
    ] = 0,
    overrides: Annotated[
        list[str], typer.Option("--set", metavar="ttt.KEY=VALUE", help="Override how --protocol ttt trains; repeatable.")
    ] = [],  # noqa: B006
    tokenizer: TokenizerOption = None,
    as_json: AsJson = False,
) -> None:
    """Bits per byte on the held-out text: every token once, from its past alone, over the exact number of UTF-8 bytes."""
    import bytegolf as bg
    from bytegolf.cli.tables import score_table

    _emit(
        bg.score(source, data, protocol.value, limit_bytes=limit_bytes, tokenizer=tokenizer, stride=stride, overrides=overrides),
        as_json,
        score_table,
    )


@app.command(epilog="Example: bytegolf prove runs/tiny/artifact.bgz --data data --limit-bytes 65536")
def prove(
    artifact: Annotated[Path | None, typer.Argument(metavar="ARTIFACT", help="A .bgz file, as pack makes it.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Data folder with the held-out text.")] = None,
    protocol: Annotated[Protocol, typer.Option(help="As of score.")] = Protocol.sliding,
    limit_bytes: Annotated[
        int, typer.Option("--limit-bytes", min=0, metavar="N", help="Prove only about the first N held-out bytes; 0 is all.")
    ] = 0,
    stride: Annotated[
        int,
        typer.Option("--stride", min=0, metavar="N", help="As of score. Short pieces of --protocol streaming decode fastest, 16 say."),
    ] = 0,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="receipt.json", help="Verify a receipt again, by the files beside it.")
    ] = None,
    overrides: Annotated[
        list[str], typer.Option("--set", metavar="ttt.KEY=VALUE", help="Override how --protocol ttt trains; repeatable.")
    ] = [],  # noqa: B006
    tokenizer: TokenizerOption = None,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Back a score by a file: code the held-out text, decode it in a sandbox, compare text and size with what is claimed.

    Writes proof.bgc and receipt.json beside the artifact. Exit status 1 if the file does not decode to the text, or its size
    is not what the score claims. Decoding takes up to one forward pass a token: begin with --limit-bytes 65536.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import receipt_table

    if check is not None and artifact is None and data is None:
        receipt = bg.verify(check, sandbox=not no_sandbox)
    elif check is None and artifact is not None and data is not None:
        receipt = bg.prove(
            artifact,
            data,
            protocol.value,
            limit_bytes=limit_bytes,
            tokenizer=tokenizer,
            stride=stride,
            overrides=overrides,
            sandbox=not no_sandbox,
        )
    else:
        raise InputError("prove: expected ARTIFACT and --data DIR, or --check receipt.json alone, found another choice")
    _emit(receipt, as_json, receipt_table)
    if not receipt.ok:
        raise typer.Exit(1)


@app.command(epilog="Example: bytegolf audit my_predictor:make --tokens 200")
def audit(
    name: Annotated[str, typer.Argument(metavar="MODULE:FACTORY", help="A function without arguments; MODULE is found in this folder.")],
    tokens: Annotated[int, typer.Option("--tokens", min=8, metavar="N", help="Length of the text that it is tried with.")] = 128,
    noise_tokens: Annotated[
        int, typer.Option("--noise-tokens", min=64, metavar="N", help="Length of the noise: long enough to fill its caches.")
    ] = 2048,
    calls: Annotated[int, typer.Option("--calls", min=1, metavar="N", help="Scorings that one test may take, or it is left out.")] = 4096,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the texts.")] = 0,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Test a predictor from outside: does it look ahead, sum to one, score before it learns, score each token once?

    FACTORY makes something with vocab_size and reset, predict and observe (token by token), or costs (the bits of each token
    of a text). It runs in a sandbox. Exit status 1 for a violation. docs/proof.md explains the tests.
    """
    import bytegolf as bg
    from bytegolf.auditing.audit import Options
    from bytegolf.cli.tables import audit_table

    result = bg.audit(name, Options(tokens=tokens, noise_tokens=noise_tokens, most_calls=calls, seed=seed), sandbox=not no_sandbox)
    _emit(result, as_json, audit_table)
    if not result.ok:
        raise typer.Exit(1)


@app.command(epilog="Example: bytegolf compress runs/tiny/artifact.bgz notes.txt notes.bgc")
def compress(
    artifact: ArtifactArgument,
    source: Annotated[Path, typer.Argument(metavar="IN", help="Any file, text or binary.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .bgc file to make.")],
    as_json: AsJson = False,
) -> None:
    """Compress a file by a packed model. It is decoded again and compared before OUT appears.

    Whoever decompresses needs the same artifact, and a machine that computes alike: the same version of torch, kind of
    processor and number of threads. The file says which, and is refused elsewhere.
    """
    import bytegolf as bg

    _emit(bg.compress(artifact, source, out), as_json, str)


@app.command(epilog="Example: bytegolf decompress runs/tiny/artifact.bgz notes.bgc notes.txt")
def decompress(
    artifact: ArtifactArgument,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file that compress made.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the file comes back.")],
    as_json: AsJson = False,
) -> None:
    """Bring back a file that compress made, with the artifact it was made with."""
    import bytegolf as bg

    _emit(bg.decompress(artifact, source, out), as_json, str)


@app.command(epilog="Example: bytegolf report runs/tiny runs/small --out report.html")
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Finished runs.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page.")],
    as_json: AsJson = False,
) -> None:
    """One HTML page about one or more runs, which opens without a network: loss curves, bytes by group, scores."""
    import bytegolf as bg

    _emit({"report": str(bg.report(runs, out))}, as_json, lambda result: result["report"])


@app.command(epilog="Example: bytegolf bench tiny small --out speed.json")
def bench(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE...", help="Names or TOML files of recipes.")] = ["tiny", "small"],  # noqa: B006
    overrides: Overrides = [],  # noqa: B006 - typer's idiom
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", min=0, help="Time to train each for, compilation aside.")] = 10.0,
    corpus: Annotated[int, typer.Option("--corpus-tokens", metavar="N", min=1 << 16, help="Random tokens to train on.")] = 1 << 21,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Keep the result as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """How fast this machine trains and scores: tokens per second, the parts of a step, memory, start-up, and the share of
    the matrix-product rate that this very machine reaches in the same run and precision.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import bench_table
    from bytegolf.recipes import load_recipe
    from bytegolf.storage.files import write_json

    result = bg.bench([load_recipe(recipe, overrides) for recipe in recipes], seconds=seconds, corpus_tokens=corpus)
    if out is not None:
        write_json(out, result.to_json())
    _emit(result, as_json, bench_table)


def main() -> None:
    """Run a verb. A user's mistake ends in one line and status 2, an interrupted run in status 130."""
    tune_process()
    try:
        with _together():
            status = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        if status == 130:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
        sys.exit(status)
    except InputError as error:
        _fail(str(error), 2)
    except OSError as error:
        _fail(f"{error.filename or 'file system'}: {error.strerror or error}", 2)
    except InterruptedRunError as error:
        _fail(str(error), 130)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", 130)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's usage errors, whose classes have no public name
            raise
        _fail(f"{' '.join(error.format_message().split())} (bytegolf --help)", 2)


def _together() -> AbstractContextManager[object]:
    """Of what torchrun started, one process speaks, and none outlives another's failure."""
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return nullcontext()
    from bytegolf.runtime.parallel import joined

    return joined()


def _fail(message: str, status: int) -> None:
    print(f"error: {message}", file=sys.stderr, flush=True)  # whichever process it is that has to say it
    sys.exit(status)


def _listing(title: str, known: dict[str, str]) -> str:
    return "\n".join((title, *(f"  {name:<20} {text}" for name, text in known.items())))


def _emit(result: Any, as_json: bool, human: Any) -> None:
    """Print a result for a machine or for a person."""
    if not is_main_process():
        return
    if as_json:
        plain = result if isinstance(result, dict) else result.to_json()
        print(json.dumps(plain))
    else:
        print(human(result))
