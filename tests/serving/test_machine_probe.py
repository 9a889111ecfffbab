"""The probe of the device: bounded in time whatever the clock says, and plausible."""

from __future__ import annotations

import itertools

import pytest
import torch

from sam2_core.errors import ConfigError
from sam2_core.serving import machine_probe
from sam2_core.serving.machine_probe import PROBE_SECONDS, measure_machine


def test_the_best_step_counts_but_not_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_probe, "_TOKENS", 64)
    times = iter([0.0, 0.0, 0.001, 0.1, 0.2, 0.2, 0.3, 0.35, PROBE_SECONDS])
    machine = measure_machine("cpu", lambda: next(times))
    operations = 2 * 64 * (12 * 384**2 + 2 * 64 * 384)
    assert machine.gflops == pytest.approx(operations / 1e9 / 0.05)
    assert (machine.device, machine.gigabytes) == ("cpu", None)
    assert machine.cores >= 1


def test_a_slow_machine_is_measured_by_a_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_probe, "_TOKENS", 64)
    ticks = itertools.count(0.0, 5.0)
    calls: list[float] = []

    def clock() -> float:
        calls.append(next(ticks))
        return calls[-1]

    measure_machine("cpu", clock)
    assert len(calls) == 1 + 2 * 2 + 1


def test_the_probe_leaves_random_numbers_alone_and_unknown_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_probe, "_TOKENS", 64)
    state = torch.get_rng_state()
    assert measure_machine("cpu", itertools.count(0.0, 0.5).__next__).gflops > 0
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ConfigError):
        measure_machine("cuda:77")
