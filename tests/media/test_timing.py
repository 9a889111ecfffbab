"""Whatever stamps a file claims, times increase and the rate makes sense."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.media.timing import build_timeline


@pytest.mark.parametrize("rate", [5, 24 / 1.001, 24, 25, 30 / 1.001, 30, 50, 60 / 1.001, 60, 120, 240])
@pytest.mark.parametrize("tick", [1e-3, 1 / 90000])
def test_usual_rates_are_recognised_through_rounding(rate: float, tick: float) -> None:
    stamps = np.round(np.arange(1000) / rate / tick) * tick + 7.0
    line = build_timeline(stamps, round(1 / rate / tick) * tick)
    assert line.fps == pytest.approx(rate, rel=1e-9)
    assert line.constant_rate
    assert line.duration == pytest.approx(1000 / rate, abs=0.002)
    np.testing.assert_allclose(line.times, stamps - 7.0, atol=1e-9)


def test_unusual_rates_are_kept() -> None:
    assert build_timeline(np.arange(300) / 12.34, 0.08).fps == pytest.approx(12.34)


def test_a_pause_makes_the_rate_variable() -> None:
    stamps = np.arange(100) / 30
    stamps[50:] += 0.5
    line = build_timeline(stamps, 1 / 30)
    assert not line.constant_rate
    np.testing.assert_allclose(line.times, stamps)
    assert line.duration == pytest.approx(stamps[-1] + 1 / 30)


def test_a_single_bad_stamp_is_moved() -> None:
    stamps = np.arange(200) / 25
    stamps[100] = stamps[99]
    line = build_timeline(stamps, 1 / 25)
    assert (np.diff(line.times) > 0).all()
    np.testing.assert_allclose(np.delete(line.times, 100), np.delete(stamps, 100), atol=1e-9)
    assert stamps[99] < line.times[100] < stamps[101]


@pytest.mark.parametrize("stamps", [np.zeros(50), np.arange(50) // 2 / 25 * 2, -np.arange(50.0)])
def test_many_bad_stamps_give_a_constant_rate(stamps: np.ndarray) -> None:
    line = build_timeline(stamps, 0.04)
    assert line.constant_rate
    np.testing.assert_allclose(np.diff(line.times), 1 / line.fps)
    assert line.times[0] == 0


@pytest.mark.parametrize(("duration", "fps"), [(0.1, 10), (0.0, 25)])
def test_one_frame(duration: float, fps: float) -> None:
    line = build_timeline(np.array([3.0]), duration)
    assert line.times.tolist() == [0]
    assert line.fps == pytest.approx(fps)
    assert line.duration == pytest.approx(1 / fps)
