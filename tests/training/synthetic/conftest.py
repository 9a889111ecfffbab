"""Samples whose colours are left alone."""

from __future__ import annotations

import pytest

from sam2_core.training.synthetic.photometric import Photometric

NO_CHANGE = Photometric(blur=0, shrink=0, tone=None, gray=False, noise=0, jpeg=0, seed=0)


@pytest.fixture
def no_photometric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Photometric, "choose", classmethod(lambda cls, random: NO_CHANGE))
