"""What the benchmarks print would be wrong if they stopped the clock too early."""

from __future__ import annotations

import pytest
import torch

from benchmarks.network_parts import timed


@pytest.mark.parametrize(("kind", "waits"), [("cpu", False), ("cuda", True), ("mps", True), ("xpu", True)])
def test_the_clock_stops_when_the_device_is_done(monkeypatch: pytest.MonkeyPatch, kind: str, waits: bool) -> None:
    done: list[str] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: done.append(device.type))
    assert timed(lambda: done.append("run"), torch.device(kind)) >= 0
    assert done == (["run", kind] if waits else ["run"])
