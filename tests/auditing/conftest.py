"""Every test begins with cheats that have learned nothing."""

import pytest

from support.cheats.accounting import CarriedOver


@pytest.fixture(autouse=True)
def _forget() -> None:
    CarriedOver.forget()
