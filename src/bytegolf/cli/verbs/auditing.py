"""The verb that looks for what makes a score untrue: in a predictor, or in the data."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson, NoSandbox, OptionalData, TokenizerOption
from bytegolf.cli.output import emit


def audit(
    name: Annotated[
        str | None, typer.Argument(metavar="MODULE:FACTORY", help="A function without arguments; MODULE is found in this folder.")
    ] = None,
    data: OptionalData = None,
    exact_only: Annotated[bool, typer.Option("--exact-only", help="With --data: look for exact copies alone, 20 times as fast.")] = False,
    tokenizer: TokenizerOption = None,
    tokens: Annotated[int, typer.Option("--tokens", min=8, metavar="N", help="Length of the text that it is tried with.")] = 128,
    noise_tokens: Annotated[
        int, typer.Option("--noise-tokens", min=64, metavar="N", help="Length of the noise: long enough to fill its caches.")
    ] = 2048,
    calls: Annotated[int, typer.Option("--calls", min=1, metavar="N", help="Scorings that one test may take, or it is left out.")] = 4096,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Random seed of the texts.")] = 0,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Test a predictor from outside, or with --data whether training and held-out documents overlap.

    FACTORY makes something with vocab_size and reset, predict and observe (token by token), or bits (those of each token of
    a text). It runs in a sandbox: does it look ahead, sum to one, score before it learns, score each token once? docs/audit.md
    explains the tests, docs/data.md the overlap. Exit status 1 for a violation, and for any overlap.
    """
    from bytegolf.errors import ParameterError

    if (name is None) == (data is None):
        raise ParameterError("name", "expected MODULE:FACTORY, or else --data DIR")
    if data is not None:
        ok = _audit_data(data, tokenizer, not exact_only, as_json)
    else:
        assert name is not None
        ok = _audit_predictor(name, tokens, noise_tokens, calls, seed, no_sandbox, as_json)
    if not ok:
        raise typer.Exit(1)


def _audit_data(data: Path, tokenizer: Path | None, near: bool, as_json: bool) -> bool:
    import bytegolf as bg
    from bytegolf.cli.overlap_table import overlap_table

    result = bg.audit_data(data, tokenizer=tokenizer, near=near)
    emit(result, as_json, overlap_table)
    return result.ok


def _audit_predictor(name: str, tokens: int, noise_tokens: int, calls: int, seed: int, no_sandbox: bool, as_json: bool) -> bool:
    import bytegolf as bg
    from bytegolf.auditing.bench import AuditOptions
    from bytegolf.cli.tables import audit_table

    options = AuditOptions(tokens=tokens, noise_tokens=noise_tokens, max_scorings=calls, seed=seed)
    result = bg.audit(name, options, sandbox=not no_sandbox)
    emit(result, as_json, audit_table)
    return result.ok
