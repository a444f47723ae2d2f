"""Verbs from text to a trained run."""

import os
from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson, OptionalData, OptionalRecipe, Overrides, TokenizerOption
from bytegolf.cli.output import emit
from bytegolf.errors import InputError
from bytegolf.names import PlaceName

Sources = Annotated[list[str], typer.Argument(metavar="SOURCE...", help="stdlib; files and folders of text, JSON or parquet; or fineweb.")]
PublishedVariant = Annotated[
    str | None, typer.Option("--variant", metavar="NAME", help="Of fineweb: a published vocabulary, sp1024 if nothing is said.")
]
TrainShards = Annotated[
    int | None, typer.Option("--train-shards", metavar="N", help="Of fineweb: the first N training shards, 80 if nothing is said.")
]
WithDocs = Annotated[bool, typer.Option("--with-docs", help="Of fineweb: also the documents (48 GB), to make another vocabulary of.")]
Vocab = Annotated[int | None, typer.Option("--vocab", metavar="N", help="Train a BPE vocabulary of N tokens (1024 if nothing is said).")]
ValDocs = Annotated[
    int | None, typer.Option("--val-docs", metavar="N", help="Hold out the first N documents instead of one in twenty by hash.")
]
Normalised = Annotated[
    bool, typer.Option("--normalised", help="Let --tokenizer change the text; bytes are then those of the changed text.")
]

TextColumn = Annotated[
    str | None, typer.Option("--text-column", metavar="NAME", help="Column of JSON and parquet that holds the text, if not text.")
]
Workers = Annotated[
    int, typer.Option("--workers", metavar="N", min=0, help="Processes that encode text; 0 is all cores. The data is the same.")
]
On = Annotated[
    PlaceName | None,
    typer.Option("--on", help="Encode text on a Ray cluster: that of this machine, or the one at RAY_ADDRESS.", show_default=False),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Skip, count and list records and files that cannot be read.")]

TokenizerChoice = Annotated[
    str | None,
    typer.Option(
        "--tokenizer", metavar="FILE.model|capitals|bytes", help="Use an existing tokenizer, one that marks capitals, or raw bytes."
    ),
]


def prepare(
    sources: Sources,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Data folder to make.")],
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="Take kind and size of the vocabulary from a recipe.")
    ] = None,
    vocab: Vocab = None,
    tokenizer: TokenizerChoice = None,
    val_docs: ValDocs = None,
    normalised: Normalised = False,
    text_column: TextColumn = None,
    skip_bad: SkipBad = False,
    workers: Workers = 0,
    on: On = None,
    variant: PublishedVariant = None,
    train_shards: TrainShards = None,
    with_docs: WithDocs = False,
    as_json: AsJson = False,
) -> None:
    """Turn text into a data folder: tokenizer, shards of tokens, the exact held-out text and a manifest.

    Every document is checked to decode to the bytes it came from. JSON (lines, or an array) and parquet hold a document
    per record, in "text" or --text-column. All but parquet may be compressed (.gz, .zst, .xz, .bz2). Preparing the same
    text again reuses the folder, and the same command goes on with a preparation that was interrupted.

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
        text_column=text_column,
        skip_bad=skip_bad,
        workers=workers,
        on=on,
        variant=variant,
        train_shards=train_shards,
        with_docs=with_docs,
    )
    emit(manifest, as_json, data_table)


def train(
    recipe: OptionalRecipe = None,
    data: OptionalData = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN", help="Run folder to make.")] = None,
    overrides: Overrides = [],  # noqa: B006 - typer's idiom
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
            help="Take the environment variables of the baseline (NUM_LAYERS=12, ...); then also pack and score as it did. "
            "RECIPE, --data and --out need not be given.",
        ),
    ] = False,
    tokenizer: TokenizerOption = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe on a data folder.

    Ctrl-C, SIGTERM and SIGHUP write a checkpoint first; the same command with --resume continues. A run with a cap in seconds
    logs what its clock said at every step: --replay takes the same steps at the same learning rates from there, and
    on the same machine and installation ends with the same weights.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import baseline_table, train_table
    from bytegolf.recipes import load_recipe
    from bytegolf.recipes.environment import read_environment

    if env:
        command = read_environment(os.environ, recipe, overrides, data=data, tokenizer=tokenizer, out=out)
        emit(bg.train_baseline(command, resume=resume, replay=replay), as_json, baseline_table)
    elif recipe is None or data is None or out is None:
        missing = next(name for name, value in (("RECIPE", recipe), ("--data", data), ("--out", out)) if value is None)
        raise InputError(f"train: expected RECIPE, --data DIR and --out RUN, or --env, found no {missing}")
    else:
        emit(bg.train(load_recipe(recipe, overrides), data, out, resume=resume, tokenizer=tokenizer, replay=replay), as_json, train_table)


def import_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A .pt, .ptz or .safetensors file.")],
    recipe: Annotated[str, typer.Option("--recipe", metavar="RECIPE", help="What the model is: a recipe's name or a TOML file.")],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", metavar="FILE.model|bytes", help="The tokenizer it was trained with.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Run folder to make.")],
    overrides: Overrides = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Make a run of a checkpoint that another program trained, to pack and score it.

    It reads checkpoints of the baseline's scripts, with a tensor per bank or per layer, raw (final_model.pt) or quantised
    (.ptz, through zstd, zlib or LZMA), and safetensors under their names or bytegolf's. Nothing in a file is ever run.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import import_table
    from bytegolf.recipes import load_recipe

    result = bg.import_checkpoint(checkpoint, out, recipe=load_recipe(recipe, overrides), tokenizer=tokenizer)
    emit(result, as_json, import_table)
