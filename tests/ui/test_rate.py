from __future__ import annotations

import pytest

from sam2_core.errors import Busy
from ui.rate import Rate


def test_bursts_pass_and_floods_do_not() -> None:
    now = [0.0]
    rate = Rate(10, lambda: now[0])
    for _ in range(20):
        rate.count()
    with pytest.raises(Busy, match="too fast"):
        rate.count()
    now[0] += 0.5
    for _ in range(5):
        rate.count()
    with pytest.raises(Busy):
        rate.count()
    now[0] += 1000
    for _ in range(20):
        rate.count()
    with pytest.raises(Busy):
        rate.count()
