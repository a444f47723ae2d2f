"""What a submission says of itself, computed from its runs."""

import math
import statistics

import pytest

from bytegolf.contest.logs import read_log
from bytegolf.contest.submission import log_of
from support.submissions import seed_result, submission_facts


def test_figures_are_means_of_all_seeds() -> None:
    results = [seed_result(seed, bits, artifact_bytes=size) for seed, bits, size in ((1, 3000.0, 90), (2, 3300.0, 110), (3, 3600.0, 100))]
    told = submission_facts(*results).to_json()
    assert told["val_bpb"] == pytest.approx(1.1) and told["val_bpb_std"] == pytest.approx(0.1)
    losses = [result.bits * math.log(2) / 1000 for result in results]
    assert told["val_loss"] == pytest.approx(statistics.fmean(losses)) and told["val_loss_std"] == pytest.approx(statistics.stdev(losses))
    assert (told["bytes_total"], told["bytes_code"], told["bytes_model"]) == (160, 50, 110)
    assert told["seeds"] == [1, 2, 3] and told["seed_results"]["2"]["artifact_bytes"] == 110
    assert told["author"] == "Ada" and told["wallclock_seconds"] == 590.0


def test_one_seed_has_no_deviation() -> None:
    told = submission_facts(seed_result(1)).to_json()
    assert told["val_bpb_std"] is None and told["val_loss_std"] is None


def test_a_log_says_what_the_contest_reads() -> None:
    result = seed_result(7, train_seconds=12.5)
    facts = read_log(result.log_name, log_of(result, 50, "step 1\nstep 2\n"))
    assert (facts.bpb, facts.total_bytes, facts.code_bytes, facts.train_seconds, facts.seeds) == (1.0, 150, 50, 12.5, {7})
    assert facts.bytes_per_token == pytest.approx(3.0)
