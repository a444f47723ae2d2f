"""A proof that was made once, and copies of it to change."""

import shutil
from pathlib import Path

import pytest

from bytegolf.proving.decoder_process import DecoderProcess
from bytegolf.sandbox import sandbox_available
from support.proofs import artifact_file
from support.proved_texts import EXPERTS, TEXT, proved


@pytest.fixture(scope="session")
def proof_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a proof and its receipt, made in the sandbox where there is one. Read only."""
    folder = tmp_path_factory.mktemp("proved")
    result = proved(artifact_file(folder, experts=EXPERTS), TEXT, "sliding", DecoderProcess(isolated=sandbox_available()))
    assert result.ok, result.verdict
    return folder


@pytest.fixture
def copied_proof(proof_folder: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(proof_folder, tmp_path / "copied")
