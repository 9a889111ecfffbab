"""The rule that says which masks look wrong, as a table: the file of the page itself is asked, without the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ui.web_files import WEB

pytestmark = pytest.mark.browser

PIXELS = 100 * 200
AWAY = {"quality": 0.9, "presence": -6.0, "area": 0}


def seen(area: int = 1000, quality: float = 0.9, presence: float = 6.0) -> dict[str, float]:
    return {"quality": quality, "presence": presence, "area": area}


@pytest.fixture(scope="module")
def blank(chromium: Any) -> Iterator[Any]:
    page = chromium.new_page()
    code = (WEB / "timeline" / "quality.js").read_text("utf-8")
    load = "async code => void Object.assign(window, await import(`data:text/javascript,${encodeURIComponent(code)}`))"
    page.evaluate(load, code)
    yield page
    page.close()


@pytest.mark.parametrize(
    ("here", "earlier", "after", "least", "most", "reason"),
    [
        (seen(), [seen(), seen(), seen()], seen(), 0, 0.01, "lost"),
        (seen(), [], None, 0, 0.01, "lost"),
        (AWAY, [seen()], None, 1, 1, "lost"),
        (AWAY, [AWAY], seen(), 1, 1, "lost"),
        (AWAY, [AWAY], AWAY, 0.5, 0.5, "lost"),
        (AWAY, [], None, 0.5, 0.5, "lost"),
        (seen(presence=0.0), [seen()], seen(), 0.5, 0.5, "lost"),
        (seen(presence=-3.0), [seen()], seen(), 0.9, 1, "lost"),
        (seen(quality=0.6), [seen()], seen(), 0.49, 0.51, "low predicted IoU"),
        (seen(quality=0.2), [seen()], seen(), 1, 1, "low predicted IoU"),
        (seen(1300), [seen()], seen(), 0, 0.01, "lost"),
        (seen(2200), [seen()], seen(2200), 0.5, 0.6, "area jumped"),
        (seen(4000), [seen(), seen(), seen()], seen(), 1, 1, "area jumped"),
        (seen(250), [seen()], seen(), 1, 1, "area jumped"),
        (seen(1000), [seen(9000), seen(), seen()], seen(), 0, 0.01, "lost"),
        (seen(4000), [seen(4000), seen(), seen()], seen(4000), 1, 1, "area jumped"),
        (seen(4000), [AWAY, AWAY, AWAY], seen(), 0, 0.01, "lost"),
        (seen(2), [seen(6)], seen(3), 0, 0.3, "area jumped"),
        (seen(15000), [seen(14500)], seen(15000), 0, 0.01, "lost"),
        (seen(16500), [seen(16000)], seen(16000), 0.49, 0.51, "covers the frame"),
        (seen(18500), [seen(18000)], seen(18000), 1, 1, "covers the frame"),
        (seen(20000), [seen()], seen(), 1, 1, "covers the frame"),
    ],
)
def test_a_mask_is_doubted_for_the_worst_of_its_signs(
    blank: Any, here: Any, earlier: Any, after: Any, least: float, most: float, reason: str
) -> None:
    ask = "([here, earlier, after, pixels]) => suspicionOf(here, earlier, after ?? undefined, pixels)"
    found = blank.evaluate(ask, [here, earlier, after, PIXELS])
    assert least <= found["score"] <= most
    assert found["reason"] == reason


@pytest.mark.parametrize(
    ("scores", "worst"),
    [
        ([], []),
        ([0, 0.4, 0.49], []),
        ([0.6, 0.9, 0.7, 0, 0.5], [1, 4]),
        ([1, 0.5, 0.5, 1], [0]),
        ([0, 0, 1], [2]),
    ],
)
def test_of_each_stretch_the_worst_frame_is_shown(blank: Any, scores: list[float], worst: list[int]) -> None:
    assert blank.evaluate("scores => worstFrames(scores)", scores) == worst


@pytest.mark.parametrize(
    ("frame", "step", "shown"), [(0, 1, 4), (4, 1, 9), (9, 1, 4), (20, 1, 4), (20, -1, 9), (9, -1, 4), (4, -1, 9)]
)
def test_the_way_goes_on_around_the_end(blank: Any, frame: int, step: int, shown: int) -> None:
    assert blank.evaluate("([frame, step]) => nextAfter([4, 9], frame, step)", [frame, step]) == shown
