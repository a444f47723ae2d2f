"""The audit finds every cheat by the tests that must find it, and finds nothing in what is honest."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bytegolf.auditing.audit import AuditReport, Finding, audit, audit_in_sandbox, load_factory
from bytegolf.auditing.bench import AuditOptions
from bytegolf.auditing.checks import CHECKS
from bytegolf.cli import app as cli
from bytegolf.errors import InputError
from bytegolf.sandbox import sandbox_available
from support.audit_page import PAGE, TABLE, table
from support.cheats import CHEATING
from support.cheats.honest import HONEST, Uniform

FEW = AuditOptions(max_scorings=400)
SANDBOX = sandbox_available()


@pytest.mark.parametrize("name", HONEST)
def test_what_is_honest_passes(name: str) -> None:
    for seed in range(3):
        report = audit(HONEST[name], replace(FEW, seed=seed))
        assert report.ok, [finding for finding in report.findings if not finding.passed]
        assert len(report.findings) + len(report.skipped) == len(CHECKS)


@pytest.mark.parametrize("name", CHEATING)
def test_a_cheat_is_found_by_the_tests_that_must_find_it(name: str) -> None:
    make, caught_by = CHEATING[name]
    report = audit(make, FEW)
    assert not report.ok and caught_by <= set(report.violated)
    for finding in report.findings:
        if not finding.passed and finding.test not in ("T8", "T9", "T11", "T12", "T13"):
            assert finding.position is not None and 0 <= finding.position < FEW.tokens
        assert finding.evidence


@pytest.mark.slow
def test_no_false_alarm_in_two_hundred_runs() -> None:
    alarms = [
        (name, seed, report.violated)
        for seed in range(50)
        for name, make in HONEST.items()
        if not (report := audit(make, AuditOptions(seed=seed))).ok
    ]
    assert not alarms


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEATING)
def test_a_cheat_is_found_twenty_times_of_twenty(name: str) -> None:
    make, caught_by = CHEATING[name]
    missed = [seed for seed in range(20) if not caught_by <= set(audit(make, AuditOptions(seed=seed)).violated)]
    assert not missed


def test_what_cannot_be_tried_is_said() -> None:
    report = audit(Uniform, AuditOptions(tokens=32, noise_tokens=64, max_scorings=10))
    assert report.ok and "scorings" in report.skipped["T5"] and report.skipped["T3"] == "the predictor offers no distributions"


def test_a_report_survives_as_json() -> None:
    report = AuditReport(False, [Finding("T1", True, "fine"), Finding("T2", False, "not so", 3)], {"T3": "not offered"})
    values = json.loads(json.dumps(report.to_json()))
    assert values["violated"] == ["T2"] and AuditReport.from_json(values) == report


@pytest.mark.parametrize("name", ["nothing", "json:nothing", "no_such_module:make", "json:__doc__"])
def test_a_factory_that_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: expected"):
        load_factory(name)


@pytest.mark.skipif(not SANDBOX, reason="this kernel offers no namespaces")
def test_the_verb_runs_strangers_code_in_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret").write_text("not in the folder that is audited")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "stranger.py").write_text(
        "import numpy as np, pathlib\n"
        "class Peeking:\n"
        "    vocab_size = 8\n"
        "    def bits(self, tokens):\n"
        "        return np.where(np.append(tokens[2:], 0) % 2, 2.0, 4.0)\n"
        "def make():\n"
        f"    assert not pathlib.Path({str(tmp_path / 'secret')!r}).exists()\n"
        "    return Peeking()\n"
        "def writes():\n"
        "    open('stranger.py', 'w')\n"
    )
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["bytegolf", "audit", "stranger:make", "--tokens", "32", "--noise-tokens", "64", "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1 and said["ok"] is False and "T2" in said["violated"]
    with pytest.raises(InputError, match="stranger:writes: expected something that can be audited"):
        audit_in_sandbox("stranger:writes", FEW)
    assert [path.name for path in folder.iterdir()] == ["stranger.py"]


def test_the_page_shows_what_catches_what() -> None:
    shown = TABLE.search(PAGE.read_text())
    assert shown is not None and shown[0] == table()
