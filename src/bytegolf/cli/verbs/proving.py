"""Verbs that back a score, check a receipt, or use a model to compress."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bytegolf.cli.options import ArtifactArgument, AsJson, Data, LimitBytes, NoSandbox, Protocol, Stride, TokenizerOption
from bytegolf.cli.output import emit

if TYPE_CHECKING:
    from bytegolf.proving.receipt import Receipt


def prove(
    artifact: ArtifactArgument,
    data: Data,
    protocol: Protocol = "sliding",
    limit_bytes: LimitBytes = 0,
    stride: Stride = 0,
    tokenizer: TokenizerOption = None,
    no_experts: Annotated[bool, typer.Option("--no-experts", help="By the model alone, where the artifact has experts.")] = False,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Back a score by a file: code the held-out text, decode it in a sandbox, compare text and size with what is claimed.

    Writes proof.bgc and receipt.json beside the artifact, which verify checks on any machine. Exit status 1 if the file does
    not decode to the text, or its size is not what the score claims. --protocol streaming decodes fastest: it computes each token
    once. Try --limit-bytes 65536 first.
    """
    import bytegolf as bg

    receipt = bg.prove(
        artifact,
        data,
        protocol,
        limit_bytes=limit_bytes,
        tokenizer=tokenizer,
        stride=stride,
        experts=not no_experts,
        sandbox=not no_sandbox,
    )
    _emit_receipt(receipt, as_json)


def verify(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="A receipt.json, with the artifact and the proof beside it.")],
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Check a receipt, made on any machine, by nothing but the artifact and the proof beside it: decode the proof and count again.

    Exit status 1 if the proof does not decode to the text that the receipt names, or the figures are others.
    """
    import bytegolf as bg

    _emit_receipt(bg.verify(receipt, sandbox=not no_sandbox), as_json)


def _emit_receipt(receipt: "Receipt", as_json: bool) -> None:
    from bytegolf.cli.tables import receipt_table

    emit(receipt, as_json, receipt_table)
    if not receipt.ok:
        raise typer.Exit(1)


def compress(
    artifact: ArtifactArgument,
    source: Annotated[Path, typer.Argument(metavar="IN", help="Any file, text or binary.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .bgc file to make.")],
    as_json: AsJson = False,
) -> None:
    """Compress a file by a packed model. Whoever decompresses needs the same artifact; any machine will do."""
    import bytegolf as bg

    emit(bg.compress(artifact, source, out), as_json, str, out=out)


def decompress(
    artifact: ArtifactArgument,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file that compress made, or a proof.bgc.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the file comes back.")],
    as_json: AsJson = False,
) -> None:
    """Bring back a file that compress made, or the text of a proof, with the artifact it was made with."""
    import bytegolf as bg

    emit(bg.decompress(artifact, source, out), as_json, str, out=out)
