"""Verbs that back a score, check a receipt, or use a model to compress."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bytegolf.cli.options import ArtifactArgument, AsJson, Data, LimitBytes, NoSandbox, Protocol, Stride, TokenizerOption, TttOverrides
from bytegolf.cli.output import emit

if TYPE_CHECKING:
    from bytegolf.proving.receipt import Receipt


def prove(
    artifact: ArtifactArgument,
    data: Data,
    protocol: Protocol = "sliding",
    limit_bytes: LimitBytes = 0,
    stride: Stride = 0,
    overrides: TttOverrides = [],  # noqa: B006 - typer's idiom
    tokenizer: TokenizerOption = None,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Back a score by a file: code the held-out text, decode it in a sandbox, compare text and size with what is claimed.

    Writes proof.bgc and receipt.json beside the artifact. Exit status 1 if the file does not decode to the text, or its size
    is not what the score claims. Decoding takes up to one forward pass a token: begin with --limit-bytes 65536. Short pieces
    of --protocol streaming (--stride 16, say) decode fastest.
    """
    import bytegolf as bg

    _emit_receipt(
        bg.prove(
            artifact,
            data,
            protocol,
            limit_bytes=limit_bytes,
            tokenizer=tokenizer,
            stride=stride,
            overrides=overrides,
            sandbox=not no_sandbox,
        ),
        as_json,
    )


def verify(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="A receipt.json, with the artifact and the proof beside it.")],
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Check a receipt by nothing but the artifact and the proof beside it: decode the proof, and score the text again.

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
    """Compress a file by a packed model. It is decoded again and compared before OUT appears.

    Whoever decompresses needs the same artifact, and a machine that computes alike: the same version of torch, kind of
    processor and number of threads. The file says which, and is refused elsewhere.
    """
    import bytegolf as bg

    emit(bg.compress(artifact, source, out), as_json, str, out=out)


def decompress(
    artifact: ArtifactArgument,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file that compress made.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the file comes back.")],
    as_json: AsJson = False,
) -> None:
    """Bring back a file that compress made, with the artifact it was made with."""
    import bytegolf as bg

    emit(bg.decompress(artifact, source, out), as_json, str, out=out)
