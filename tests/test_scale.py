"""The simulation behind docs/scale.md agrees with what was measured, and with what can be reckoned."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.scale import MEASURED, Load, check, fewest_engines, main, shares, simulate, simulate_engine


def test_it_agrees_with_what_was_measured_on_one_engine() -> None:
    for (p50, p95), (_, _, median, slow) in zip(check(Load(), 60.0, seed=0), MEASURED, strict=True):
        assert p50 == pytest.approx(median, rel=0.15) and p95 == pytest.approx(slow, rel=0.2)


def test_an_engine_alone_takes_its_time_and_no_more() -> None:
    load = Load(click=0.05, step=0.1, overhead=0.0, spread=0.0)
    alone = simulate_engine(1, 0, load, 200.0, np.random.default_rng(0))
    assert alone.percentile(50) == pytest.approx(0.05)
    trackers = simulate_engine(0, 4, load, 100.0, np.random.default_rng(0))
    assert trackers.rates == pytest.approx([2.5] * 4, rel=0.05)
    assert np.isnan(trackers.percentile(95))


def test_a_click_waits_for_one_block_of_a_step_at_most() -> None:
    load = Load(click=0.01, step=0.2, blocks=4, overhead=0.0, spread=0.0)
    figures = simulate_engine(1, 5, load, 400.0, np.random.default_rng(0))
    assert 0.05 < max(figures.clicks) <= 0.06 + 1e-9


def test_hashing_gives_each_engine_about_as_much() -> None:
    parts = shares(50, np.random.default_rng(0))
    assert parts.sum() == pytest.approx(1) and parts.min() > 0.5 / 50 and parts.max() < 1.6 / 50


def test_more_visitors_need_more_engines_and_the_same_seed_says_the_same() -> None:
    def is_quick(figures: object) -> bool:
        return figures.percentile(95) <= 0.3  # type: ignore[attr-defined]

    counts = [fewest_engines(visitors, Load(), 30.0, 0, is_quick)[0] for visitors in (10, 500, 5000)]
    assert counts[0] == 1 and counts == sorted(set(counts))
    assert simulate(50, 3, Load(), 20.0, 1) == simulate(50, 3, Load(), 20.0, 1)


def test_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--visitors", "10", "--seconds", "20"])
    main(["--check", "--seconds", "20"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:4] == ["10", "clicks", "1", "10"] and len(lines) == 3 + 1 + len(MEASURED)
