from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui.house import House, open_house


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        yield house
