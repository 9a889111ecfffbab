"""One round with the network that comes with Masklet, from the browser to the weights and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sam2_core.serving import build_engine
from tests.browser.desk import Desk
from tests.ui.house import launched

pytestmark = pytest.mark.browser


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).normal((40, 90, 60), 6, (360, 480, 3)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels)
    ImageDraw.Draw(picture).ellipse((160, 100, 320, 260), fill=(235, 120, 40))
    picture.save(tmp_path / "disc.png")
    return tmp_path / "disc.png"


@pytest.fixture
def bundled(chromium: Any) -> Iterator[str]:
    """The address of a page with the real network. Ask for it before `visit`, so that it outlives the pages."""
    engine = build_engine("nano", "cpu")
    with launched(engine) as (_, address):
        yield address
    engine.shut_down()


def test_a_click_on_a_disc_gives_the_disc(bundled: str, visit: Callable[..., Desk], disc: Path) -> None:
    desk = visit(bundled)
    desk.open(disc)
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.42)
    inside, outside = ((0.4, 0.45), (0.6, 0.55), (0.5, 0.62)), ((0.1, 0.1), (0.9, 0.9), (0.5, 0.85))
    assert all(desk.pixel(x, y)[3] for x, y in inside)
    assert not any(desk.pixel(x, y)[3] for x, y in outside)
    desk.press("n")
    desk.drag((0.02, 0.02), (0.3, 0.98))
    desk.expect_objects(2)
