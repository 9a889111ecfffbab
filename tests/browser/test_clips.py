"""Clips in a real browser: step, play, track, stop and go on."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sam2_core.media import ingest, open_store
from sam2_core.serving.commands import Command, Track
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.media.numbered import read_number
from tests.ui.house import DEADLINE, GatedEngine, launched

pytestmark = pytest.mark.browser


def test_a_clip_is_stepped_scrubbed_and_played(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    desk.expect_frame(1)
    desk.page.click(".mk-next")
    desk.expect_frame(2)
    desk.press("ArrowRight", "Shift+ArrowRight")
    desk.expect_frame(13)
    desk.press("ArrowLeft")
    desk.expect_frame(12)
    desk.page.locator(".mk-scrub").fill("20")
    desk.expect_frame(21)
    desk.press("End")
    desk.expect_frame(30)
    desk.press("Home", "Space")
    desk.expect_frame(30)
    desk.page.wait_for_selector(".mk-play[aria-label=Play]")
    desk.expect(".mk-time").to_have_text("0:00.96")


def test_a_clip_is_tracked_and_comes_down_with_its_masks(desk: Desk, clip: Path, tmp_path: Path) -> None:
    desk.open(clip)
    desk.page.locator(".mk-scrub").fill("10")
    desk.expect_frame(11)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.press("ArrowRight")
    desk.expect_mask(0.28, 0.76, there=False)
    desk.press("ArrowLeft")
    desk.page.click(".mk-main-action[data-action=track]")
    desk.page.wait_for_selector(".mk-track:visible")
    desk.expect_mask_at_both_ends(0.28, 0.76, 30)
    with zipfile.ZipFile(desk.download("masks")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
    assert names == [f"object_01/{number:05}.png" for number in range(30)]
    video = tmp_path / "overlay.mp4"
    video.write_bytes(desk.download("mp4").read_bytes())
    ingest(video, tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        assert store.info.frames == 30
        assert [read_number(store.frame(number)) for number in (0, 29)] == [0, 29]
        red, _, blue = store.frame(0)[130, 96].astype(int)
        assert red > blue + 40, "the mask is drawn in"


def test_tracking_stops_goes_on_and_takes_clicks(
    gated: tuple[GatedEngine, str], visit: Callable[..., Desk], clip: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.click("[data-direction=forward]")
    for _ in range(3):
        engine.gate.release()
    desk.page.wait_for_selector(".mk-tracking:visible")
    desk.page.wait_for_function("Number(document.querySelector('.mk-frame-number').textContent) > 3")
    desk.click(0.6, 0.8)
    desk.expect_mask(0.58, 0.76)
    assert not desk.page.is_checked(".mk-follow input"), "who clicks wants to stay"
    desk.page.click(".mk-main-action[data-action=stop]")
    for _ in range(2):
        engine.gate.release()
    desk.page.wait_for_selector(".mk-resume:visible")
    for _ in range(40):
        engine.gate.release()
    desk.page.click(".mk-resume")
    desk.expect_frame(30)
    desk.page.wait_for_selector(".mk-track:visible")
    desk.expect(".mk-resume").to_be_hidden()
    desk.expect_mask(0.58, 0.76)


def test_what_tracking_found_before_a_click_does_not_cover_its_answer(visit: Callable[..., Desk], clip: Path) -> None:
    class LateEngine(GatedEngine):
        """Finds its masks at once and hands them over late."""

        def execute(self, session: str, command: Command[Any]) -> Any:
            found = FakeEngine.execute(self, session, command)
            if isinstance(command, Track):
                self.entered.release()
                assert self.gate.acquire(timeout=DEADLINE)
            return found

    engine = LateEngine()
    with launched(engine) as (_, address):
        desk = visit(address)
        desk.open(clip)
        desk.click(0.3, 0.8)
        desk.expect_mask(0.28, 0.76)
        desk.page.click("[data-direction=forward]")
        assert engine.entered.acquire(timeout=DEADLINE)
        desk.click(0.6, 0.8)
        desk.expect_mask(0.58, 0.76)
        for _ in range(60):
            engine.gate.release()
        desk.page.wait_for_selector(".mk-track:visible")
        desk.press("ArrowRight", "Home")
        desk.expect_frame(1)
        desk.expect_mask(0.28, 0.76)
        desk.expect_mask(0.58, 0.76)
        desk.context.close()


def test_a_reload_in_mid_track_shows_the_run_and_can_stop_it(
    gated: tuple[GatedEngine, str], visit: Callable[..., Desk], clip: Path
) -> None:
    engine, address = gated
    desk = visit(address)
    desk.open(clip)
    desk.click(0.3, 0.8)
    desk.expect_mask(0.28, 0.76)
    desk.page.click("[data-direction=forward]")
    engine.gate.release()
    desk.expect_frame(2)
    desk.page.reload()
    desk.page.wait_for_selector(".mk-tracking:visible")
    for _ in range(4):
        engine.gate.release()
    desk.page.wait_for_function("Number(document.querySelector('.mk-frame-number').textContent) > 3")
    desk.page.click(".mk-main-action[data-action=stop]")
    for _ in range(40):
        engine.gate.release()
    desk.page.wait_for_selector(".mk-main-action[data-action=resume]:visible")
    desk.page.click(".mk-main-action[data-action=resume]")
    desk.expect_frame(30)
