"""What happens to validation data in the order of a script: scores, updates, exports."""

import ast
import re
from dataclasses import dataclass, replace

VALIDATION = "validation"  # the label of data that come from the held-out split
SCORE, UPDATE, EXPORT, COLLECT, INSERT = "score", "update", "export", "collect", "insert"

VALIDATION_NAME = re.compile(
    r"^_*(all_|full_|local_|raw_|my_)?(val|valid|validation|heldout|holdout|eval)_?"
    r"(tokens?|toks?|data|ids|np|stream|seqs?|sequences|tensor|batch(es)?|loader|dataset|inputs?|targets?|x|y|text)(_\w{1,12})?$",
    re.IGNORECASE,
)
NOT_DATA_NAME = re.compile(r"_(len|lens|length|size|count|num|n|bytes|every|stride|time|ms|loss|bpb|idx|steps?|tokens_per\w*)$", re.IGNORECASE)
VALIDATION_FILE = re.compile(r"(^|[^a-z])val(id|idation)?_(files?|pattern|path|glob|shards?)|fineweb_val|[_/]val_\*|_val_0", re.IGNORECASE)
SCORE_NAME = re.compile(r"loss|nll|bits|bpb|score|ptl|log_?p|_lp|nats|ce_|^ls$|^tl$|^lsum$", re.IGNORECASE)
BYTES_NAME = re.compile(r"byte|^bs$|^tb$|^bc$|bpb", re.IGNORECASE)
BYTE_COUNT_NAME = re.compile(r"byte_?(sum|count|total|len|lut|cnt)|(total|sum|num|n|base|token|tok)_?bytes|bpb", re.IGNORECASE)
EXPORT_NAME = re.compile(r"quant|serialize|export|gptq|compress|^save$|pack", re.IGNORECASE)
COLLECT_NAME = re.compile(r"hessian|calib|awq|gptq_collect|collect_(act|stat)|act_stats|activation_stat", re.IGNORECASE)
MIXING_NAME = re.compile(r"alpha|temp|mix|lambda|gate|ppm|ngram|bias", re.IGNORECASE)  # what is calibrated then is no quantiser
MODEL_NAME = re.compile(r"model|^net$|optim|_opt$|^opt|module|compiled|^ema|lora|scheduler|^log|logger|^args$|^h$|^hp", re.IGNORECASE)
WARM_UP_NAME = re.compile(r"warm_?up|precompile|compile_", re.IGNORECASE)
EARLIER_NAME = re.compile(r"prev|scored|past|history|seen|replay|buffer|already|prefix|done|ctx_only|context_only|context_mask|ctx_(nll|loss|mask)|context_(nll|loss)", re.IGNORECASE)
FACTS_OF_DATA = {"numel", "size", "shape", "device", "dtype", "ndim", "nbytes", "is_cuda", "get_device"}
EVENT_LIMIT = 300  # of one function

Labels = frozenset[str]
NONE: Labels = frozenset()


@dataclass(frozen=True)
class Loop:
    """A loop around an event. `node` says which; `turns` how often it turns, where that is known."""

    node: ast.AST

    @property
    def label(self) -> str:
        """The label of data that depend on the loop's variable."""
        return f"loop {id(self.node)}"

    @property
    def counts(self) -> bool:
        """Whether it is a `for`, whose variable says what a turn is about."""
        return isinstance(self.node, ast.For | ast.AsyncFor)


@dataclass(frozen=True)
class Event:
    """Something done with data: what, where, with which labels, within which loops, through which calls."""

    kind: str
    node: ast.AST
    labels: Labels
    loops: tuple[Loop, ...]
    calls: tuple[ast.AST, ...] = ()
    detail: str = ""

    def within(self, call: ast.AST, loops: tuple[Loop, ...], given: dict[str, Labels]) -> "Event":
        """Return the event as the caller of its function sees it."""
        return replace(self, labels=substituted(self.labels, given), loops=(*loops, *self.loops), calls=(call, *self.calls))

    @property
    def of_validation(self) -> bool:
        """Whether its data come from the held-out split."""
        return VALIDATION in self.labels


def substituted(labels: Labels, given: dict[str, Labels]) -> Labels:
    """Return labels with those of parameters replaced by the labels of the arguments."""
    kept = [label for label in labels if not label.startswith("parameter ")]
    return frozenset(kept).union(*(given.get(label.removeprefix("parameter "), NONE) for label in labels if label.startswith("parameter ")))


def of_name(name: str) -> Labels:
    """Return the labels that a name gives by itself."""
    return frozenset({VALIDATION}) if VALIDATION_NAME.match(name) and not NOT_DATA_NAME.search(name) else NONE
