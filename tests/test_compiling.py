"""What was compiled is kept for as long as no source changes."""

import os
import subprocess
import sys
from pathlib import Path

from bytegolf.compiling import forget_other_sources


def compiled_of(package: Path) -> Path:
    kept = package / "room" / "__pycache__" / "a.f-1.py311.nbi"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(b"code")
    return kept


def test_a_changed_source_makes_all_forgotten(tmp_path: Path) -> None:
    """Whichever it is: it may have been compiled into a function of another file."""
    kept = compiled_of(tmp_path)
    (tmp_path / "a.py").write_text("x = 1\n")
    forget_other_sources(tmp_path)
    assert not kept.exists(), "nobody knows of which sources it was"
    compiled_of(tmp_path)
    forget_other_sources(tmp_path)
    assert kept.exists()
    os.utime(tmp_path / "a.py", ns=(1, 1))
    forget_other_sources(tmp_path)
    assert not kept.exists()


def test_a_new_or_lost_source_counts(tmp_path: Path) -> None:
    forget_other_sources(tmp_path)
    for change in (lambda: (tmp_path / "b.py").write_text(""), (tmp_path / "b.py").unlink):
        kept = compiled_of(tmp_path)
        change()
        forget_other_sources(tmp_path)
        assert not kept.exists()


def test_what_is_kept_is_loaded_before_numba_is_made_ready_to_compile(tmp_path: Path) -> None:
    """Which takes longer than all that is loaded to bring a small file back."""
    code = "import sys; from bytegolf.exact.arithmetic import exp; print(exp(1.0), 'numba.np.linalg' in sys.modules)"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    said = [subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout.split() for _ in range(2)]
    assert [made_ready for _, made_ready in said] == [b"True", b"False"]
    assert said[0][0] == said[1][0]
