"""The command line put together: verbs in groups, in the order of the flow, and how a verb ends."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand

from bytegolf.cli.output import emit
from bytegolf.cli.several_values import ManyAgainst
from bytegolf.cli.streams import discard_output, end_on_signals, settle_streams
from bytegolf.cli.verbs import auditing, comparing, contest, machine, packing, proving, start, sweeping, training, using
from bytegolf.errors import FAILED, INTERRUPTED, InputError, InterruptedRunError, ParameterError, is_out_of_memory
from bytegolf.runtime.threads import tune_process


class Verb(NamedTuple):
    """A verb's function, an example of its use, its name where that is not the function's, and how its words are parsed."""

    function: Callable[..., None]
    example: str
    name: str | None = None
    command: type[TyperCommand] = TyperCommand


VERBS: dict[str, tuple[Verb, ...]] = {
    "Start here": (
        Verb(start.quickstart, "bytegolf quickstart --out runs/quickstart"),
        Verb(start.recipes, "bytegolf recipes tiny > mine.toml"),
        Verb(start.plan, "bytegolf plan v10_banked --set pack.budget=8000000"),
    ),
    "Train": (
        Verb(training.prepare, "bytegolf prepare stdlib --out data, or: bytegolf prepare fineweb --train-shards 10 --out data"),
        Verb(training.train, "bytegolf train tiny --data data --out runs/tiny --set train.max_steps=400"),
        Verb(
            training.import_checkpoint,
            "bytegolf import final_model.pt --recipe v10_banked --tokenizer bpe_1024.model --out runs/imported",
            name="import",
        ),
        Verb(sweeping.sweep, "bytegolf sweep tiny --data data --seeds 1,2,3 --grid optim.matrix_lr=0.02,0.03 --out sweeps/lr"),
    ),
    "Pack and score": (
        Verb(packing.pack, "bytegolf pack runs/tiny --budget 500000 --data data"),
        Verb(packing.score, "bytegolf score runs/tiny/artifact.bgz --data data --protocol sliding"),
        Verb(packing.report, "bytegolf report runs/tiny runs/small --out report.html"),
    ),
    "Prove": (
        Verb(proving.prove, "bytegolf prove runs/tiny/artifact.bgz --data data --limit-bytes 65536"),
        Verb(proving.verify, "bytegolf verify runs/tiny/receipt.json"),
        Verb(auditing.audit, "bytegolf audit my_predictor:make --tokens 200, or: bytegolf audit --data data"),
    ),
    "Compete": (
        Verb(contest.review, "bytegolf review records/track_10min_16mb/2026-03-17_NaiveBaseline --markdown"),
        Verb(comparing.compare, "bytegolf compare runs/new-1 runs/new-2 --against 1.1194,1.1200,1.1189", command=ManyAgainst),
        Verb(
            contest.submit,
            "bytegolf submit runs/s1 runs/s2 runs/s3 --data data --out submission --author Ada --github-id ada",
        ),
    ),
    "Use a model": (
        Verb(using.generate, 'bytegolf generate runs/tiny/artifact.bgz --prompt "def main" --temperature 0.8 --seed 1'),
        Verb(using.export, "bytegolf export runs/tiny --to hf --out exported"),
        Verb(proving.compress, "bytegolf compress runs/tiny/artifact.bgz notes.txt notes.bgc"),
        Verb(proving.decompress, "bytegolf decompress runs/tiny/artifact.bgz notes.bgc notes.txt"),
    ),
    "This machine": (
        Verb(machine.doctor, "bytegolf doctor"),
        Verb(machine.bench, "bytegolf bench tiny small --out speed.json"),
    ),
}

SHARED_VERBS = ("train", "score")  # which torchrun may start several times, to work as one

app = typer.Typer(
    name="bytegolf",
    help="Train, pack and prove the best language model that fits in N bytes.\n\n"
    "The flow is prepare → train → pack → score → prove → submit. Begin with: bytegolf quickstart",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for panel, verbs in VERBS.items():
    for verb in verbs:
        app.command(verb.name, cls=verb.command, epilog=f"Example: {verb.example}", rich_help_panel=panel)(verb.function)


def _print_version(asked: bool) -> None:
    if not asked:
        return
    try:
        print(f"bytegolf {version('bytegolf')}")
    except PackageNotFoundError:
        print("bytegolf, run from its source and not installed")
    raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    shows_version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Take the options that come before a verb. Without a verb, show the flow and the next step."""
    if context.invoked_subcommand is None:
        from bytegolf.cli.first_tables import overview_table
        from bytegolf.flow.next_step import next_step

        emit(next_step(), False, overview_table)


def main() -> None:
    """Run a verb. A user's mistake ends in one line and status 2, an interruption in status 130."""
    try:
        settle_streams()
        end_on_signals()
        tune_process()
        with _process_group():
            status = app(sys.argv[1:], standalone_mode=False)
        if status == INTERRUPTED:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
        sys.exit(status)
    except ParameterError as error:
        _fail(f"{_flag(error.parameter)}: {error.problem}", FAILED)
    except InputError as error:
        _fail(str(error), FAILED)
    except BrokenPipeError:
        discard_output()
        _fail("stdout: expected a reader, found it gone", FAILED)
    except OSError as error:
        _fail(f"{error.filename or 'file system'}: {error.strerror or error}", FAILED)
    except InterruptedRunError as error:
        _fail(str(error), INTERRUPTED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted", INTERRUPTED)
    except Exception as error:
        if is_out_of_memory(error):
            _fail(f"memory: expected more than this machine has free ({' '.join(str(error).split())[:200]})", FAILED)
        if not hasattr(error, "format_message"):  # typer's usage errors, whose classes have no public name
            raise
        _fail(f"{' '.join(error.format_message().split())} (bytegolf --help)", FAILED)


def _process_group() -> AbstractContextManager[object]:
    """Join the processes that torchrun started, for verbs that several share: the main one prints, none outlives another's failure.

    A verb that works alone takes no notice of what a launcher left in the environment.
    """
    if _running_verb() not in SHARED_VERBS:
        for variable in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
            os.environ.pop(variable, None)
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return nullcontext()
    from bytegolf.runtime.parallel import joined

    return joined()


def _running_verb() -> str | None:
    """Return the name of the verb that was asked for."""
    known = getattr(typer.main.get_command(app), "commands", {})
    return next((argument for argument in sys.argv[1:] if argument in known), None)


def _flag(parameter: str) -> str:
    """Return what the running verb calls a parameter of the public API: `--budget` for `budget`, `SOURCE...` for `sources`."""
    command = typer.main.get_command(app)
    running = getattr(command, "commands", {}).get(_running_verb())
    for option in running.params if running else ():
        if option.name in (parameter, f"no_{parameter}"):
            named = next((name for name in option.opts if name.startswith("--")), None)
            return named or option.metavar or parameter
    return parameter


def _fail(message: str, status: int) -> NoReturn:
    with suppress(OSError):  # of a stderr that nobody reads
        print(f"error: {message}", file=sys.stderr, flush=True)  # whichever process it is that has to say it
    sys.exit(status)
