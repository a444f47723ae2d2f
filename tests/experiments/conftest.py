"""A data folder."""

from pathlib import Path

import pytest

from support.runs import prepared


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)
