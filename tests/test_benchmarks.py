"""Benchmarks wait for the device before they stop the clock."""

from __future__ import annotations

import pytest
import torch

from benchmarks.network_parts import timed


@pytest.mark.parametrize(("kind", "waits"), [("cpu", False), ("cuda", True), ("mps", True), ("xpu", True)])
def test_the_clock_stops_after_synchronizing(monkeypatch: pytest.MonkeyPatch, kind: str, waits: bool) -> None:
    done: list[str] = []
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda device: done.append(device.type))
    assert timed(lambda: done.append("run"), torch.device(kind)) >= 0
    assert done == (["run", kind] if waits else ["run"])
