"""Hidden text, the network, files beside the script."""

from pathlib import Path

from support.contest_scripts import reviewed, script


def test_text_that_cannot_be_read_is_flagged(tmp_path: Path) -> None:
    review = reviewed(tmp_path, script(after="exec(os.environ['CODE'])"))
    assert [(item.rule, item.evidence) for item in review.flagged] == [("opaque", "exec(os.environ['CODE'])")]
    assert review.undecided


def test_the_network_is_told(tmp_path: Path) -> None:
    review = reviewed(tmp_path, script(before="import urllib.request as net; net.urlopen('http://example.com')"))
    assert review.verdict == "clean" and [item.rule for item in review.findings] == ["external"]


def test_helpers_are_read_and_counted(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def pick(nll_a, nll_b, torch):\n    return torch.minimum(nll_a, nll_b)\n")
    review = reviewed(tmp_path, script("\nfrom helper import pick\n", after="pick(1, 2, torch)"))
    assert [(item.rule, item.file, item.line) for item in review.flagged] == [("oracle-gate", "helper.py", 2)]
    assert review.helper_bytes == (tmp_path / "helper.py").stat().st_size
