"""Archives of Python files inside scripts are read without being run."""

import base64
import io
import json
import zipfile
import zlib
from pathlib import Path

import pyppmd
import pytest

from bytegolf.contest.archives import members_of
from bytegolf.contest.bundle import Entry, bundle
from bytegolf.contest.decoders import MAX_DECODED_BYTES
from bytegolf.contest.review import review_script
from support.contest_scripts import reviewed, script

MODULE = script(
    "\ndef choose(nll_a, nll_b):\n    return torch.minimum(nll_a, nll_b)  # flags: oracle-gate\n",
    after="choose(1, 2)",
).replace('if __name__ == "__main__":\n    main()', "main()")
LINE = MODULE.split("\n").index("    return torch.minimum(nll_a, nll_b)  # flags: oracle-gate") + 1


def zipped(**files: str) -> bytes:
    """A compressed zip of files, named with a dot for each __."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return held.getvalue()


PAIRS = "work.py\0" + MODULE
ZIP = base64.b85encode(zipped(work__py=MODULE))
PPMD = base64.b64encode(pyppmd.compress(PAIRS, max_order=8, mem_size=1 << 20))
JSON = base64.b64encode(zlib.compress(json.dumps({"work.py": MODULE}).encode()))
SCRIPTS = {
    "a zip": f"import base64, io, zipfile\nzipfile.ZipFile(io.BytesIO(base64.b85decode({ZIP!r}))).extractall('x')\n",
    "pairs in PPMd": f"import base64, pyppmd\ntext = pyppmd.decompress(base64.b64decode({PPMD!r}), max_order=8, mem_size=1 << 20)\n",
    "JSON": f"import base64, zlib\nfiles = zlib.decompress(base64.b64decode({JSON!r})).decode()\n",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_an_archive_holds_is_reviewed(tmp_path: Path, name: str) -> None:
    review = reviewed(tmp_path, SCRIPTS[name] + "import work\n")
    assert [(item.rule, item.file, item.line) for item in review.flagged] == [("oracle-gate", "train_gpt.py, work.py", LINE)]
    assert review.decoded_bytes == len(MODULE)


def test_an_archive_beside_the_script_is_imported(tmp_path: Path) -> None:
    text = "import zipimport\nwork = zipimport.zipimporter('code.zip').load_module('work')\n"
    (tmp_path / "code.zip").write_bytes(zipped(work__py=MODULE))
    assert [(item.rule, item.file) for item in reviewed(tmp_path, text).flagged] == [("oracle-gate", "train_gpt.py, work.py")]
    (tmp_path / "code.zip").unlink()
    (finding,) = reviewed(tmp_path, text).flagged
    assert finding.rule == "opaque" and "not at hand" in finding.why


def test_bombs_and_rubbish_hold_nothing() -> None:
    bomb = zipped(a__py="#" * (MAX_DECODED_BYTES + 1), b__py="b = 1")
    assert members_of(bomb) == {}
    damaged = zipped(work__py=MODULE)
    for value in (b"PK", damaged[:-40], b"PK\x05\x06" + bytes(18), "{", "{}", '{"a.txt": "b"}', "a\0b", "\0", 7, None):
        assert members_of(value) == {}
    assert all(isinstance(text, str) for text in members_of(damaged[:60] + bytes(20) + damaged[80:]).values())


@pytest.mark.slow
def test_a_submission_of_our_own_is_read_and_clean(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_bytes(bundle(Entry("bytegolf.flow.contest_script", "main"), {"recipe": ""}))
    review = review_script(tmp_path / "train_gpt.py", "")
    assert review.verdict == "clean" and not review.findings and not review.undecided
    assert review.decoded_bytes > 3 * review.code_bytes
