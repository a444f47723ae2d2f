"""Arguments and options that several verbs share, each defined once."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.names import ProtocolName

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="Name of a recipe (see: bytegolf recipes) or path of a TOML file.")]
OptionalRecipe = Annotated[
    str | None, typer.Argument(metavar="RECIPE", help="Name of a recipe (see: bytegolf recipes) or path of a TOML file.")
]
ArtifactArgument = Annotated[Path, typer.Argument(metavar="ARTIFACT", help="A .bgz file, as pack makes it.")]
Overrides = Annotated[list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one key of the recipe; repeatable.")]
LearningOverrides = Annotated[
    list[str], typer.Option("--set", metavar="PROTOCOL.KEY=VALUE", help="Override how --protocol ttt or lora learns; repeatable.")
]
Data = Annotated[Path, typer.Option("--data", metavar="DIR", help="Data folder made by prepare, or a folder of contest shards.")]
OptionalData = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data folder made by prepare, or a folder of contest shards.")
]
TokenizerOption = Annotated[
    Path | None,
    typer.Option("--tokenizer", metavar="FILE.model", help="Tokenizer of a folder of bare shards, where it is not found beside it."),
]
Protocol = Annotated[
    ProtocolName,
    typer.Option(
        help="standard: windows side by side; sliding: each window scores only its last stride tokens; streaming: each token "
        "is forwarded once, its past kept in a rolling cache; ttt: sliding, and the model learns from each chunk after scoring it; "
        "lora: low-rank adapters learn each document, piece by piece."
    ),
]
LimitBytes = Annotated[int, typer.Option("--limit-bytes", min=0, metavar="N", help="Read only about the first N held-out bytes; 0 is all.")]
Stride = Annotated[
    int, typer.Option("--stride", min=0, metavar="N", help="Tokens between sliding windows, or streamed at a time; 0 is the model's own.")
]
WithExperts = Annotated[
    bool | None,
    typer.Option(
        "--experts/--no-experts",
        help="With experts that learn from what is scored, or by the model alone. By default as the recipe says.",
        show_default=False,
    ),
]
NoSandbox = Annotated[bool, typer.Option("--no-sandbox", help="Where the system has no sandbox: do without.")]
