"""Verbs that prove a score, verify a proof, audit a predictor, or compress files with a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bytegolf.cli.options import ArtifactArgument, AsJson, Data, LimitBytes, NoSandbox, Protocol, Stride, Tokenizer, TttOverrides
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
    tokenizer: Tokenizer = None,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Prove a score with a file: code the held-out text, decode it in a sandbox, and compare text and size with the claim.

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
    """Verify a receipt with only the artifact and the proof beside it: decode the proof, and score the text again.

    Exit status 1 if the proof does not decode to the text that the receipt names, or the figures differ.
    """
    import bytegolf as bg

    _emit_receipt(bg.verify(receipt, sandbox=not no_sandbox), as_json)


def _emit_receipt(receipt: "Receipt", as_json: bool) -> None:
    from bytegolf.cli.tables import receipt_table

    emit(receipt, as_json, receipt_table)
    if not receipt.ok:
        raise typer.Exit(1)


def audit(
    name: Annotated[str, typer.Argument(metavar="MODULE:FACTORY", help="A function without arguments; MODULE is found in this folder.")],
    tokens: Annotated[int, typer.Option("--tokens", min=8, metavar="N", help="Length of the text that it is tried with.")] = 128,
    noise_tokens: Annotated[
        int, typer.Option("--noise-tokens", min=64, metavar="N", help="Length of the noise: long enough to fill its caches.")
    ] = 2048,
    calls: Annotated[int, typer.Option("--calls", min=1, metavar="N", help="Scorings that one test may take, or it is left out.")] = 4096,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Random seed of the texts.")] = 0,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Test a predictor from outside: that it does not look ahead, sums to one, and scores each token once, before it learns from it.

    FACTORY returns an object with vocab_size and reset, predict and observe (token by token), or costs (the bits of each token
    of a text). It runs in a sandbox. Exit status 1 for a violation. docs/proof.md explains the tests.
    """
    import bytegolf as bg
    from bytegolf.auditing.audit import Options
    from bytegolf.cli.tables import audit_table

    result = bg.audit(name, Options(tokens=tokens, noise_tokens=noise_tokens, most_calls=calls, seed=seed), sandbox=not no_sandbox)
    emit(result, as_json, audit_table)
    if not result.ok:
        raise typer.Exit(1)


def compress(
    artifact: ArtifactArgument,
    source: Annotated[Path, typer.Argument(metavar="IN", help="Any file, text or binary.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .bgc file to make.")],
    as_json: AsJson = False,
) -> None:
    """Compress a file with a packed model. It is decoded again and compared before OUT appears.

    Decompressing needs the same artifact, and a machine that computes alike: the same version of torch, kind of processor
    and number of threads. The file records these, and is refused on other machines.
    """
    import bytegolf as bg

    emit(bg.compress(artifact, source, out), as_json, str)


def decompress(
    artifact: ArtifactArgument,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file that compress made.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the file comes back.")],
    as_json: AsJson = False,
) -> None:
    """Restore a file that compress made, with the artifact it was made with."""
    import bytegolf as bg

    emit(bg.decompress(artifact, source, out), as_json, str)
