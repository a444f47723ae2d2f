"""Which names were meant to be a variable of the baseline."""

from bytegolf.recipes.variables import VARIABLES

# What only variables of the baseline begin with. Prefixes that other programs use as well (WANDB_, RUN_, MODEL_) are not here.
PREFIXES = (
    "ADAM_", "ATTN_", "BIGRAM_", "CONTROL_TENSOR_", "EMA_", "EMBED_", "EVAL_", "FP16_KEEP_", "GPTQ_", "GRAD_CLIP", "HEAD_LR", "ITERATION",
    "LATE_QAT", "LN_", "LOGIT_", "MATRIX_LR", "MAX_WALLCLOCK", "MLP_", "MUON_", "QAT_", "QK_", "ROPE_", "SCALAR_LR", "SWA_", "TIED_EMBED",
    "TIE_EMBED", "TRAIN_", "TRIGRAM_", "TTT_", "VALUE_EMBED", "VAL_", "WARMDOWN", "WARMUP_", "WEIGHT_DECAY", "XSA_",
)  # fmt: skip
LONG_NAME = 8  # letters, from which on two slips count as one name mistyped


def nearest_variable(name: str) -> str | None:
    """The variable that `name`, which is none, was meant to be; None if it has nothing to do with the baseline."""
    spelled = name.upper()
    candidates = [known for known in VARIABLES if abs(len(known) - len(spelled)) <= 2]
    distances = {known: edit_distance(spelled, known) for known in candidates}
    nearest = min(distances, key=distances.__getitem__, default=None)
    if nearest and distances[nearest] <= (2 if len(nearest) >= LONG_NAME else 1):
        return nearest
    return min(VARIABLES, key=lambda known: edit_distance(spelled, known)) if spelled.startswith(PREFIXES) else None


def edit_distance(a: str, b: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b` (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        above, row = row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other)))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                row[j] = min(row[j], before[j - 2] + 1)
        before = above
    return row[-1]
