"""Hints that depend on a property of the token that they are about."""

from pathlib import Path

import pytest

from support.contest_scripts import expected, found, reviewed, script

PYTHON = """
class WordHints:
    def run(self, tokens, starts_word):
        hint, trust = [0] * len(tokens), [0.0] * len(tokens)
        key = ()
        for i, raw in enumerate(tokens):
            token = int(raw)
            starts = bool(starts_word[token])
            {gate}
                hint[i] = self.best[key]{mark}
            self.learn(key, token)
            key = (token,)
        return hint, trust

    def learn(self, key, token):
        self.best[key] = token
"""
C = """int run(const uint16_t *tokens, int64_t n, const uint8_t *starts, state *st, uint16_t *word_top) {
    for (int64_t i = 0; i < n; ++i) {
        const uint16_t tok = tokens[i];
        const uint8_t start = starts[tok];
        if (GATE) {
            word_top[i] = st->table[st->key].top;
        }
        learn(st, tok);
    }
    return 0;
}
"""
LIBRARY = """
SOURCE = "hints.c"

def native_hints(tokens):
    return compiled(SOURCE)(tokens)
"""
CASES = {
    "at the starts of words": script(
        PYTHON.format(gate="if starts:", mark="  # flags: gate-peeks"), after="WordHints().run(val_tokens, byte_lut)"
    ),
    "after anything known": script(PYTHON.format(gate="if key in self.best:", mark=""), after="WordHints().run(val_tokens, byte_lut)"),
    "lengths in bytes": script(
        PYTHON.format(gate="if starts:", mark="").replace("self.best[key]", "1 + self.sizes[token]", 1),
        after="WordHints().run(val_tokens, byte_lut)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hints_in_python(tmp_path: Path, name: str) -> None:
    assert found(reviewed(tmp_path, CASES[name])) == expected(CASES[name])


@pytest.mark.parametrize(("gate", "kinds"), [("!start && st->length > 0", {"flags"}), ("st->length > 0", set())])
def test_hints_in_c_are_told_by_their_line(tmp_path: Path, gate: str, kinds: set[str]) -> None:
    review = reviewed(tmp_path, script(LIBRARY, after="native_hints(val_tokens)"), hints__c=C.replace("GATE", gate))
    assert {kind for kind, _, _ in found(review)} == kinds
    assert all((finding.file, finding.line, finding.rule) == ("hints.c", 5, "gate-peeks") for finding in review.flagged)


def test_a_strength_of_zero_switches_them_off(tmp_path: Path) -> None:
    settings = LIBRARY + '\nclass Settings:\n    word_boost = float(os.environ.get("WORD_BOOST", "0.75"))\n'
    text = script(settings, after="native_hints(val_tokens)")
    source = C.replace("GATE", "start")
    assert reviewed(tmp_path / "on", text, hints__c=source).verdict == "flag"
    off = reviewed(tmp_path / "off", text, hints__c=source, README="```\nWORD_BOOST=0.0 python train_gpt.py\n```\n")
    assert off.verdict == "clean" and "word_boost=0.0" in off.findings[0].reached
