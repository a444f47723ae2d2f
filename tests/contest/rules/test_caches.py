"""Caches with the target in the key, and caches that are fine."""

from pathlib import Path

import pytest

from support.contest_scripts import expected, found, reviewed, script

COUNTS = """
def cache_loss(tokens, position, counts, pairs, mask, primes):
    context_hash = tokens[position - 2] * primes[0] ^ tokens[position - 1] * primes[1]
    target = tokens[position]
    {key}
    seen = counts[context_hash & mask]
    return {read} / max(seen, 1)
"""
MAKER = """
def folded(h, value, mask):
    h ^= value * 40503
    return h & mask
"""
FOLD = """
class Buckets:
    def fold(self, h):
        if self.mask is not None:
            return h & self.mask
        return h.abs() % self.size

"""
EMBEDDING = """
class BigramHash(torch.nn.Module):
    def forward(self, input_ids):
        h = (input_ids[1:] * 31 ^ input_ids[:-1] * 17) % 4096
        return self.table[h]
"""
USE = "print(cache_loss(val_tokens, 5, [0] * 99, [0] * 99, 63, [3, 5, 7]))"
CASES = {
    "in one line": script(
        COUNTS.format(key="full_key = (context_hash ^ target * primes[2]) & mask  # flags: target-in-key", read="pairs[full_key]"),
        after=USE,
    ),
    "in steps, under other names": script(
        COUNTS.format(
            key="wanted = tokens[position]\n"
            "    mixed_hash = context_hash ^ wanted * 7\n    slot = mixed_hash & mask  # flags: target-in-key",
            read="pairs[slot]",
        ),
        after=USE,
    ),
    "by a function": script(
        MAKER + COUNTS.format(key="place = folded(context_hash, target, mask)  # flags: target-in-key", read="pairs[place]"), after=USE
    ),
    "folded by a method": script(
        FOLD
        + COUNTS.format(key="full = context_hash ^ target * 7\n    key = buckets.fold(full)  # flags: target-in-key", read="pairs[key]"),
        after=USE,
    ),
    "by windows that end in the target": script(
        COUNTS.format(
            key="window = torch.cat([tokens[position - 3 : position], target])\n    window_hash = torch.zeros(1)\n"
            "    for k in range(4):\n        window_hash = window_hash ^ primes[k] * window[k]\n"
            "    window_hash = window_hash % 64  # flags: target-in-key",
            read="pairs[window_hash]",
        ),
        after=USE,
    ),
    "the remainder of a sum": script(
        COUNTS.format(
            key="sums_hash = (context_hash * 31 + target) & 0xFFFFFFFF  # flags: target-in-key\n    slot = sums_hash % 64",
            read="pairs[slot]",
        ),
        after=USE,
    ),
    "in place": script(
        COUNTS.format(key="pass", read="pairs[(context_hash ^ target * 7) % 64]").replace("return", "value =") + "    return value\n",
        after=USE,
    ).replace("% 64] / max(seen, 1)", "% 64] / max(seen, 1)  # flags: target-in-key"),
    "of all candidates": script(
        COUNTS.format(key="candidates = torch.arange(1024)", read="pairs[(context_hash ^ candidates * 7) & mask]"), after=USE
    ),
    "an embedding of input tokens": script(EMBEDDING, before="model = BigramHash()"),
    "dead": script(
        COUNTS.format(key="full_key = (context_hash ^ target * primes[2]) & mask  # off: target-in-key", read="pairs[full_key]")
    ),
    "written and never read": script(
        COUNTS.format(key="full_key = (context_hash ^ target * primes[2]) & mask\n    pairs[full_key] += 1", read="1"), after=USE
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_keys(tmp_path: Path, name: str) -> None:
    assert found(reviewed(tmp_path, CASES[name])) == expected(CASES[name])
