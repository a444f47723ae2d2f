"""Find the variable of the baseline that a misspelled name was meant to be."""

from bytegolf.recipes.variables import VARIABLES

# Prefixes that only variables of the baseline have. Those that other programs also use (WANDB_, RUN_, MODEL_) are left out.
PREFIXES = (
    "ADAM_", "ATTN_", "BIGRAM_", "CONTROL_TENSOR_", "EMA_", "EMBED_", "EVAL_", "FP16_KEEP_", "GPTQ_", "GRAD_CLIP", "HEAD_LR", "ITERATION",
    "LATE_QAT", "LN_", "LOGIT_", "MATRIX_LR", "MAX_WALLCLOCK", "MLP_", "MUON_", "QAT_", "QK_", "ROPE_", "SCALAR_LR", "SWA_", "TIED_EMBED",
    "TIE_EMBED", "TRAIN_", "TRIGRAM_", "TTT_", "VALUE_EMBED", "VAL_", "WARMDOWN", "WARMUP_", "WEIGHT_DECAY", "XSA_",
)  # fmt: skip
LONG_NAME = 8  # letters; in a name at least this long, two typing errors are allowed


def nearest_variable(name: str) -> str | None:
    """Return the variable that the unknown `name` was probably meant to be, or None if it is unrelated to the baseline."""
    spelled = name.upper()
    candidates = [known for known in VARIABLES if abs(len(known) - len(spelled)) <= 2]
    distances = {known: edit_distance(spelled, known) for known in candidates}
    nearest = min(distances, key=distances.__getitem__, default=None)
    if nearest and distances[nearest] <= (2 if len(nearest) >= LONG_NAME else 1):
        return nearest
    return min(VARIABLES, key=lambda known: edit_distance(spelled, known)) if spelled.startswith(PREFIXES) else None


def edit_distance(a: str, b: str) -> int:
    """Return the edit distance between two strings (optimal string alignment).

    Insertions, deletions, substitutions and swaps of neighbours count one each.
    """
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
