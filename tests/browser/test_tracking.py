"""Tracking in a real browser: correct one frame, update what it touched, and what happens where an object is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.types import Mask, ObjectMask, Prompt
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import launched

pytestmark = pytest.mark.browser

HERE, THERE = (0.28, 0.76), (0.58, 0.76)  # in the masks of clicks a little beside, not below their markers


class VanishingEngine(FakeEngine):
    """Objects are away on some frames. Notes what tracking found."""

    def __init__(self) -> None:
        super().__init__()
        self.away: tuple[int, ...] = ()
        self.found: list[tuple[int, int]] = []

    def find(self, size: tuple[int, int], frame: int, object_id: int, nearest: Prompt) -> ObjectMask:
        self.found.append((frame, object_id))
        if frame in self.away:
            return ObjectMask(object_id, Mask.from_array(np.zeros(size)), 0.1, -4.0)
        return super().find(size, frame, object_id, nearest)


@pytest.fixture
def engine() -> VanishingEngine:
    return VanishingEngine()


@pytest.fixture
def place(chromium: Any, engine: VanishingEngine) -> Iterator[str]:
    """Where the page is. Ask for it before `visit`, so that it outlives the pages."""
    with launched(engine) as (_, address):
        yield address


@pytest.fixture
def desk(place: str, visit: Callable[..., Desk], clip: Path) -> Desk:
    desk = visit(place)
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(*HERE)
    return desk


def ended(desk: Desk, words: str) -> None:
    desk.page.wait_for_selector(f".mk-tip:has-text('{words}')")
    desk.expect(".mk-live").to_contain_text(words, use_inner_text=True)


def see(desk: Desk, frame: int, place: tuple[float, float], there: bool = True) -> None:
    desk.page.locator(".mk-scrub").fill(str(frame))
    desk.expect_frame(frame + 1)
    desk.expect_mask(*place, there=there)


def correct(desk: Desk, frame: int) -> None:
    desk.page.locator(".mk-scrub").fill(str(frame))
    desk.expect_frame(frame + 1)
    desk.click(0.6, 0.8)
    desk.expect_mask(*THERE)


def test_a_correction_is_followed_by_an_update_of_what_it_touched(desk: Desk, engine: VanishingEngine) -> None:
    desk.press("t")
    ended(desk, "29 frames changed")
    desk.expect(".mk-main-action[data-action=update]").to_be_hidden()
    correct(desk, 24)
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:has-text('Update 28 frames')")
    correct(desk, 10)
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:has-text('Update 27 frames')")
    engine.found.clear()
    desk.press("u")
    ended(desk, "27 frames changed")
    assert sorted(frame for frame, _ in engine.found) == [at for at in range(1, 30) if at not in (10, 24)]
    desk.page.wait_for_selector(".mk-main-action[data-action=update]", state="hidden")
    see(desk, 3, THERE, there=False)
    see(desk, 8, THERE)
    see(desk, 29, THERE)


def test_only_frames_between_the_neighbouring_clicks_are_updated(desk: Desk, engine: VanishingEngine) -> None:
    correct(desk, 20)
    desk.page.click(".mk-main-action[data-action=track]")
    ended(desk, "28 frames changed")
    correct(desk, 10)
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:has-text('Update 18 frames')")
    engine.found.clear()
    desk.page.click(".mk-main-action[data-action=update]")
    ended(desk, "18 frames changed")
    assert {frame for frame, _ in engine.found} == {*range(1, 10), *range(11, 20)}
    desk.press("u")
    desk.expect_toast("Nothing to update")


def test_a_correction_taken_back_needs_no_update(desk: Desk) -> None:
    desk.press("t")
    ended(desk, "29 frames changed")
    correct(desk, 10)
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:visible")
    desk.press("Control+z")
    desk.page.wait_for_selector(".mk-main-action[data-action=update]", state="hidden")
    see(desk, 10, HERE)


def test_one_frame_alone_is_tracked_and_the_way_back_too(desk: Desk) -> None:
    desk.press("ArrowRight", "ArrowRight")
    desk.expect_frame(3)
    desk.press("f")
    ended(desk, "1 frame changed")
    desk.expect_mask(*HERE)
    see(desk, 3, HERE, there=False)
    see(desk, 2, HERE)
    desk.press("f")
    ended(desk, "up to date")
    desk.page.locator(".mk-scrub").fill("29")
    desk.expect_frame(30)
    desk.press("Shift+T")
    ended(desk, "28 frames changed")
    see(desk, 20, HERE)


def test_only_an_added_object_is_computed(desk: Desk, engine: VanishingEngine) -> None:
    desk.press("t")
    ended(desk, "29 frames changed")
    engine.found.clear()
    desk.press("n")
    correct(desk, 4)
    desk.press("t")
    ended(desk, "25 frames changed")
    assert set(engine.found) == {(frame, 2) for frame in range(5, 30)}
    see(desk, 20, HERE)
    desk.expect_mask(*THERE)


def test_tracking_pauses_where_an_object_is_lost_and_goes_on(desk: Desk, engine: VanishingEngine) -> None:
    engine.away = (12, 13, 14, 15)
    desk.press("t")
    desk.page.wait_for_selector(".mk-lost:has-text('Object 1 was lost at frame 13. Click on it, or go on.')")
    desk.expect_frame(13)
    desk.expect(".mk-live").to_contain_text("was lost")
    desk.page.click(".mk-lost-resume")
    ended(desk, "frames changed")
    desk.expect(".mk-lost").to_be_hidden()
    see(desk, 29, HERE)


def test_a_click_on_the_lost_object_brings_it_back(desk: Desk, engine: VanishingEngine) -> None:
    engine.away = (12, 13)
    desk.press("t")
    desk.page.wait_for_selector(".mk-lost:visible")
    desk.expect_frame(13)
    desk.click(0.6, 0.8)
    desk.expect_mask(*THERE)
    desk.page.wait_for_selector(".mk-lost", state="hidden")
    engine.away = ()
    desk.page.click(".mk-resume")
    ended(desk, "17 frames changed")
    see(desk, 29, THERE)
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:has-text('Update 11 frames')")


def test_the_pause_can_be_switched_off_for_good(desk: Desk, engine: VanishingEngine) -> None:
    engine.away = (12, 13)
    switch = desk.page.locator(".mk-pausing")
    assert switch.get_attribute("aria-pressed") == "true"
    switch.click()
    desk.page.reload()
    desk.page.wait_for_selector(".mk-pausing[aria-pressed=false]:visible")
    desk.press("t")
    ended(desk, "29 frames changed")
    desk.expect(".mk-lost").to_be_hidden()


def test_tracking_and_updating_keep_to_the_range(desk: Desk) -> None:
    for frame, key in ((9, "o"), (5, "i")):
        desk.page.locator(".mk-scrub").fill(str(frame))
        desk.expect_frame(frame + 1)
        desk.press(key)
    desk.press("t")
    ended(desk, "5 frames changed")
    see(desk, 9, HERE)
    see(desk, 10, HERE, there=False)
    desk.press("Shift+I")
    see(desk, 0, HERE)
    desk.press("t")
    ended(desk, "24 frames changed")
    correct(desk, 15)
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:has-text('Update 28 frames')")
    desk.page.locator(".mk-scrub").fill("18")
    desk.expect_frame(19)
    desk.press("o")
    desk.page.wait_for_selector(".mk-main-action[data-action=update]:has-text('Update 17 frames')")
    desk.press("u")
    ended(desk, "17 frames changed")


def expect_action(desk: Desk, action: str, words: str) -> None:
    desk.page.wait_for_selector(f".mk-main-action[data-action={action}]:has-text('{words}')")


def test_the_main_action_goes_with_the_work_from_track_to_done(desk: Desk, engine: VanishingEngine) -> None:
    engine.away = (12, 13)
    desk.page.click(".mk-main-action:has-text('Track')")
    desk.page.wait_for_selector(".mk-lost:visible")
    expect_action(desk, "resume", "Go on")
    correct(desk, 8)
    expect_action(desk, "update", "Update 1")
    desk.expect(".mk-resume").to_be_visible()
    desk.page.wait_for_timeout(700)  # it is saved
    desk.page.reload()
    expect_action(desk, "update", "Update 1")
    engine.away = ()
    desk.page.click(".mk-main-action")
    expect_action(desk, "resume", "Go on")
    desk.expect(".mk-resume").to_be_hidden()
    desk.page.click(".mk-main-action")
    expect_action(desk, "done", "Done")
    see(desk, 29, THERE)
    desk.page.click(".mk-main-action")
    desk.expect(".mk-download-dialog").to_be_visible()
    desk.press("Escape", "n")
    correct(desk, 3)
    expect_action(desk, "track", "Track")  # the new object
