"""What happens to validation data in the order of a script: scores, updates, exports."""

import ast
import re
from dataclasses import dataclass, replace

VALIDATION = "validation"  # the label of data that come from the held-out split
TRAINING = "training"  # the label of data that come from the training shards
LOSS = "loss"  # the label of what a loss was computed into
QUIET = "quiet"  # of a score: of a loss without gradients
PRESUMED = "presumed "  # with the name of a parameter that sounds like the held-out split, whatever is passed
SCORE, UPDATE, EXPORT, COLLECT, INSERT = "score", "update", "export", "collect", "insert"

VALIDATION_NAME = re.compile(
    r"^_*(all_|full_|local_|raw_|my_)?(val|valid|validation|heldout|holdout|eval)_?"
    r"(tokens?|toks?|data|ids|np|stream|seqs?|sequences|tensor|batch(es)?|loader|dataset|inputs?|targets?|x|y|text)(_\w{1,12})?$",
    re.IGNORECASE,
)
TRAINING_FILE = re.compile(r"train(ing)?_(files?|pattern|path|glob|shards?|tokens?|data|loader|stream)|fineweb_train", re.IGNORECASE)
NOT_DATA_NAME = re.compile(
    r"_(len|lens|length|size|count|num|n|bytes|every|stride|time|ms|loss|bpb|idx|steps?|tokens_per\w*)$", re.IGNORECASE
)
VALIDATION_FILE = re.compile(r"(^|[^a-z])val(id|idation)?_(files?|pattern|path|glob|shards?)|fineweb_val|[_/]val_\*|_val_0", re.IGNORECASE)
SCORE_NAME = re.compile(r"loss|nll|bits|bpb|score|ptl|log_?p|_lp|nats|ce_|^ls$|^tl$|^lsum$", re.IGNORECASE)
ACCUMULATING_NAME = re.compile(r"accum\w*_(bpb|score|loss|nll)|(add|record)_(bpb|score|nll)", re.IGNORECASE)
BYTES_NAME = re.compile(r"byte|^bs$|^tb$|^bc$|bpb", re.IGNORECASE)
BYTE_COUNT_NAME = re.compile(r"byte_?(sum|count|total|len|lut|cnt)|(total|sum|num|n|base|token|tok)_?bytes|bpb", re.IGNORECASE)
EXPORT_NAME = re.compile(r"quant|serialize|export|gptq|compress|^save$|pack", re.IGNORECASE)
COLLECT_NAME = re.compile(r"hessian|calib|awq|gptq_collect|collect_(act|stat)|act_stats|activation_stat", re.IGNORECASE)
MIXING_NAME = re.compile(
    r"alpha|temp|mix|lambda|gate|ppm|ngram|bias|^_*(eval|log|report|print)", re.IGNORECASE
)  # what is calibrated then is no quantiser
MODEL_NAME = re.compile(
    r"model|^net$|optim|^(\w+_)?opt$(?<!nll_opt)|module|^compiled|^ema|lora|scheduler|^log0?$|^log_fn|^logger|^args$|^hp", re.IGNORECASE
)
WARM_UP_NAME = re.compile(r"warm_?up|precompile|compile_", re.IGNORECASE)
EARLIER_NAME = re.compile(
    r"prev|scored|past|history|seen|replay|buffer|already|prefix|done|ctx_only|context_only|context_mask|ctx_(nll|loss|mask)|context_(nll|loss)",
    re.IGNORECASE,
)
FACTS_OF_DATA = {"numel", "size", "shape", "device", "dtype", "ndim", "nbytes", "is_cuda", "get_device"}
EQUIPMENT_NAME = re.compile(r"^sp$|lut$|tokenizer|vocab|leading_space|boundary|device$|seq_len$", re.IGNORECASE)
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
class DataEvent:
    """Something done with data: what, where, with which labels, within which loops, through which calls."""

    kind: str
    node: ast.AST
    labels: Labels
    loops: tuple[Loop, ...]
    calls: tuple[ast.AST, ...] = ()
    detail: str = ""

    def within(self, call: ast.AST, loops: tuple[Loop, ...], given: dict[str, Labels]) -> "DataEvent":
        """Return the event as the caller of its function sees it."""
        return replace(self, labels=substituted(self.labels, given), loops=(*loops, *self.loops), calls=(call, *self.calls))

    @property
    def of_validation(self) -> bool:
        """Whether its data come from the held-out split."""
        return is_validation(self.labels)


def is_validation(labels: Labels) -> bool:
    """Return whether data come from the held-out split, as far as is known."""
    return VALIDATION in labels or any(label.startswith(PRESUMED) for label in labels)


def is_equipment(attribute: str) -> bool:
    """Return whether an attribute of the held-out split's object is none of its tokens: the tokenizer, a table."""
    return bool(EQUIPMENT_NAME.search(attribute))


def substituted(labels: Labels, given: dict[str, Labels]) -> Labels:
    """Return labels with those of parameters replaced by the labels of the arguments."""
    found: set[str] = set()
    for label in labels:
        if label.startswith("parameter "):
            found |= given.get(label.removeprefix("parameter "), NONE)
        elif label.startswith(PRESUMED):
            passed = given.get(label.removeprefix(PRESUMED), NONE)
            if TRAINING not in passed or is_validation(passed):
                found.add(VALIDATION)
        else:
            found.add(label)
    return frozenset(found)


def of_parameter(name: str) -> Labels:
    """Return the labels of a parameter inside its function."""
    own = {f"parameter {name}"} if not MODEL_NAME.search(name) else set()
    return frozenset(own | {f"{PRESUMED}{name}"} if of_name(name) else own)


def of_text(text: str) -> Labels:
    """Return the labels that the name of a file, or of a setting that holds one, gives."""
    labels = ({VALIDATION} if VALIDATION_FILE.search(text) else set()) | ({TRAINING} if TRAINING_FILE.search(text) else set())
    return frozenset(labels)


def of_name(name: str) -> Labels:
    """Return the labels that a name gives by itself."""
    return frozenset({VALIDATION}) if VALIDATION_NAME.match(name) and not NOT_DATA_NAME.search(name) else NONE
