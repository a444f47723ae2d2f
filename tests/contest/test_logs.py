"""What logs say is compared with the split, the cap and the code."""

import pytest

from bytegolf.contest.logs import log_findings, mixed_configurations, read_log, too_few_runs

GOOD = """seed: 1337
val_loader: tokens:62021632
step:20000/20000 val_loss:2.0727 val_bpb:1.2275 train_time:599000ms
Code size: 47642 bytes
Total submission size int8+zlib: 15,863,489 bytes
final val_loss:2.07269931 val_bpb:1.22754213
"""


def rules(text: str, vocabulary: int | None = 1024) -> list[str]:
    return [finding.rule for finding in log_findings(read_log("train.log", text), vocabulary, (47642,))]


def test_a_good_log() -> None:
    facts = read_log("train.log", GOOD)
    assert (facts.bpb, facts.total_bytes, facts.code_bytes, facts.train_seconds, facts.seeds) == (
        1.22754213,
        15863489,
        47642,
        599.0,
        {1337},
    )
    assert facts.bytes_per_token == pytest.approx(2.436, abs=1e-3) and rules(GOOD) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (("15,863,489", "16,000,001"), "size"),
        (("599000ms", "640000ms"), "over-budget"),
        (("val_bpb:1.22754213", "val_bpb:1.22754213 eval_time:640000ms"), "over-budget"),
        (("val_bpb:1.22754213", "val_bpb:1.22754213 eval_time: 640.5s"), "over-budget"),
        (("tokens:62021632", "tokens:5000000"), "coverage"),
        (("val_bpb:1.22754213", "val_bpb:1.0448"), "byte-count"),
        (("47642", "40000"), "log-mismatch"),
        (("val_loss:2.07269931 val_bpb:1.22754213", "val_loss:nan val_bpb:nan"), "log-mismatch"),
        (("seed: 1337", "train_shards: 1499"), "split-overlap"),
    ],
)
def test_what_is_wrong_is_told(change: tuple[str, str], rule: str) -> None:
    assert rules(GOOD.replace(*change)) == [rule]


def test_nothing_is_said_of_other_vocabularies() -> None:
    assert rules(GOOD.replace("val_bpb:1.22754213", "val_bpb:1.0448"), vocabulary=777) == []


def test_one_seed_is_few() -> None:
    logs = [read_log(f"{seed}.log", GOOD.replace("1337", str(seed))) for seed in (1, 2, 3)]
    assert [finding.rule for finding in too_few_runs(logs[:1])] == ["seeds"] and too_few_runs(logs) == too_few_runs([]) == []


def test_seeds_of_two_configurations() -> None:
    logs = [
        read_log(f"{seed}.log", GOOD.replace("1337", str(seed)) + f"  muon_lr: {rate}\n")
        for seed, rate in ((1, "0.02"), (2, "2e-2"), (3, "0.03"))
    ]
    assert mixed_configurations(logs[:2]) == []
    (finding,) = mixed_configurations(logs)
    assert (finding.rule, finding.file, finding.weight) == ("seeds", "3.log", "disputed") and "muon_lr is 2e-2 in 2.log" in finding.why
