"""Signals are raised in this process: whatever handler stands there is the test's own."""

from __future__ import annotations

import os
import signal

import pytest

from ui import serve
from ui.end_signals import NAMES, EndSignals

SIGNALS = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_one_counts_and_later_ones_disturb_nobody(number: int) -> None:
    former = signal.signal(number, signal.SIG_DFL)  # whoever runs the tests may ignore it
    with EndSignals() as signals:
        assert not signals.came
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert signals.came
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signals.hold()
    assert signal.signal(number, former) is signal.SIG_DFL


def test_on_hold_it_is_only_noted() -> None:
    with EndSignals() as signals:
        signals.hold()
        signal.raise_signal(signal.SIGTERM)
        assert signals.came


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is none")
def test_what_nohup_ignores_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with EndSignals() as signals:
            signal.raise_signal(signal.SIGHUP)
            assert not signals.came
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_server_that_ends_before_it_has_begun_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "find_spec", lambda name: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(serve, "model_registry", lambda settings: pytest.fail("it loads"))
    assert serve.main([], os.environ) == 0
