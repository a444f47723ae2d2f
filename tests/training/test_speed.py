"""What the benchmark reports is measured, whole and consistent. How fast anything is, no test says."""

import json
from pathlib import Path

import pytest
import torch

from bytegolf.cli.tables import bench_table
from bytegolf.model.flops import training_flops_per_token
from bytegolf.recipes import load_recipe
from bytegolf.scoring.protocols import PROTOCOLS
from bytegolf.training.speed import BenchResult, Speed, measure
from bytegolf.training.step_timing import LEAST_STEPS
from support.runs import MICRO


@pytest.fixture(scope="module")
def measured() -> Speed:
    return measure(load_recipe(MICRO, ["train.micro_batch_tokens=128"]), seconds=0.0, corpus_tokens=1 << 16)


def test_a_step_is_the_sum_of_its_phases(measured: Speed) -> None:
    assert set(measured.milliseconds) == {"data", "forward", "backward", "optimiser", "average"}
    assert all(phase > 0 for phase in measured.milliseconds.values())
    assert measured.tokens_per_second == pytest.approx(256e3 / sum(measured.milliseconds.values()))
    assert measured.steps == LEAST_STEPS


def test_the_share_is_of_the_product_in_the_same_run(measured: Speed) -> None:
    flops = training_flops_per_token(load_recipe(MICRO))
    assert measured.gflops == pytest.approx(measured.tokens_per_second * flops / 1e9)
    assert measured.share == pytest.approx(measured.gflops / measured.product_gflops)
    assert 0 < measured.share < 1


def test_every_protocol_is_timed(measured: Speed) -> None:
    assert set(measured.scored_tokens_per_second) == set(PROTOCOLS) - {"ttt", "lora"}


def test_the_table_shows_each_recipe(measured: Speed) -> None:
    table = bench_table(BenchResult("2026-01-31", {}, 1.25, [measured, measured]))
    assert table.count(f"{measured.tokens_per_second:,.0f} tokens/s") >= 2 and "1.2 s" in table


def test_results_are_kept_as_json(tmp_path: Path, measured: Speed) -> None:
    result = BenchResult("2026-01-31", {"torch": torch.__version__}, 1.0, [measured])
    again = json.loads(json.dumps(result.to_json()))
    assert again["machine"]["torch"] == torch.__version__ and again["speeds"][0]["share"] == measured.share
