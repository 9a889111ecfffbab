"""Everything: outlines to pick from, filters, taking, and what ends it.

The fake engine finds discs around 4 × 4 points."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.serving.commands import Command, FitMasks, SegmentEverything
from sam2_core.types import AutomaticMask, Mask
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, launched

pytestmark = pytest.mark.browser

PLACE = (0.375, 0.375)  # of a point of the grid; the disc that fits best reaches 0.12 of the height from there
BESIDE = (0.375, 0.28)  # in that disc, outside of the smaller one
BETWEEN = (0.25, 0.25)  # in none
CORNER = (0.31, 0.27)  # of the square around that disc
OTHER, OTHER_CORNER = (0.625, 0.28), (0.56, 0.27)  # the same of the point to the right


class HeldEngine(FakeEngine):
    """Each command of segmenting everything waits until the test lets it through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SegmentEverything):
            assert self.gate.acquire(timeout=DEADLINE)
        return super().execute(session, command)


class FittingEngine(FakeEngine):
    """Discs become squares at the end, once the test lets that through."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, FitMasks):
            assert self.gate.wait(DEADLINE)
            return tuple(map(square_of, command.masks))
        found = super().execute(session, command)
        if isinstance(command, SegmentEverything):
            return tuple(replace(each, candidate=0) for each in found)
        return found


def square_of(disc: AutomaticMask) -> AutomaticMask:
    pixels, box = np.zeros((disc.mask.height, disc.mask.width), bool), disc.box
    pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = True
    return replace(disc, mask=Mask.from_array(pixels), candidate=None)


def find_everything(desk: Desk) -> None:
    desk.press("a")
    desk.expect(".mk-automatic-job").to_be_hidden()
    desk.expect(".mk-automatic-note").to_have_text("The filters hide all of them. Move the sliders to the left.")
    desk.page.locator(".mk-automatic-stability").fill("60")
    desk.expect(".mk-automatic-count").to_have_text("32 of 48")


def hover(desk: Desk, x: float, y: float) -> None:
    box, (left, top) = desk.page.locator(".mk-over").bounding_box(), desk.spot(x, y)
    desk.page.mouse.move(box["x"] + left, box["y"] + top)


def test_a_click_takes_a_mask_and_gives_it_back(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    find_everything(desk)
    hover(desk, *BESIDE)
    desk.expect(".mk-automatic-badge").to_have_text("good · click to take it")
    desk.click(*BETWEEN)
    desk.expect(".mk-undo").to_be_disabled()
    desk.click(*BESIDE)
    desk.expect_objects(1)
    desk.expect(".mk-automatic-take-text").to_have_text("Take all 31")
    desk.press("Control+z")
    desk.expect(".mk-automatic-take-text").to_have_text("Take all 32")
    desk.press("Control+Shift+z")
    desk.expect(".mk-automatic-take-text").to_have_text("Take all 31")
    begun = desk.page.evaluate("performance.now()")
    desk.page.wait_for_function("begun => performance.now() > begun + 420", arg=begun)  # else it is a double click
    desk.click(*BESIDE)
    desk.expect_objects(0)
    desk.press("q", "Enter")
    desk.expect_objects(1)
    desk.page.locator(".mk-automatic-share").fill("40")  # 1.6 % of the picture
    desk.expect(".mk-automatic-count").to_have_text("16 of 48")
    desk.press("Escape")
    desk.expect(".mk-automatic").to_be_hidden()
    desk.expect_objects(1)
    coco = json.loads(desk.download("coco").read_text("utf-8"))
    assert len(coco["annotations"]) == 1 and abs(coco["annotations"][0]["area"] - 3.14159 * 36**2) < 50


def test_take_all_is_one_step_and_says_how_many_fit(chromium: Any, visit: Callable[..., Desk], picture: Path) -> None:
    with launched(FakeEngine(), "--max-objects", "20") as (_, address):
        desk = visit(address)
        desk.open(picture)
        desk.click(*PLACE)
        desk.expect_mask(*PLACE)
        desk.press("a")
        desk.page.locator(".mk-automatic-stability").fill("60")
        desk.expect(".mk-automatic-count").to_have_text("31 of 47")  # one is that object already
        desk.page.click(".mk-automatic-take-all")
        desk.expect_toast("19 of 31 masks fitted, the best ones were taken: 20 objects at a time is the limit")
        desk.expect_objects(20)
        desk.press("Control+z")
        desk.expect_objects(2)  # the one from before, and the selected one, which the next mask becomes
        desk.page.locator(".mk-automatic-share").fill("40")
        desk.page.click(".mk-automatic-download")
        desk.page.wait_for_selector(".mk-download-dialog[open] .mk-export-objects input >> nth=15")
        desk.page.click(".mk-download-close")
        desk.context.close()


def test_a_run_ends_with_its_frame_and_can_be_stopped(chromium: Any, visit: Callable[..., Desk], clip: Path) -> None:
    engine = HeldEngine()
    with launched(engine) as (_, address):
        desk = visit(address)
        desk.open(clip)
        desk.press("a")
        engine.gate.release()
        desk.page.locator(".mk-automatic-stability").fill("60")
        desk.expect(".mk-automatic-count").to_have_text("8 of 12")
        desk.page.click(".mk-next")
        desk.expect(".mk-automatic-note").to_have_text("Nothing has been looked for here yet.")
        engine.gate.release(2)
        desk.page.click(".mk-automatic-again")
        desk.expect(".mk-automatic-text").to_contain_text("found")
        desk.press("Escape")
        engine.gate.release(9)
        desk.expect(".mk-automatic-note").to_have_text("Stopped. This is what was found until then.")
        desk.click(0.125, 0.05)
        desk.expect_objects(1)
        desk.page.click(".mk-automatic-track")
        desk.expect(".mk-automatic").to_be_hidden()
        desk.page.wait_for_selector(".mk-tip:has-text('Tracking finished')")
        desk.context.close()


def test_candidates_come_back_with_their_frame(desk: Desk, clip: Path) -> None:
    desk.open(clip)
    find_everything(desk)
    desk.click(*BESIDE)
    desk.expect_objects(1)
    desk.press("ArrowRight")
    desk.expect_frame(2)
    desk.expect(".mk-automatic-note").to_have_text("Nothing has been looked for here yet.")
    desk.press("ArrowLeft")
    desk.expect(".mk-automatic-take-text").to_have_text("Take all 31")
    desk.page.click(".mk-automatic-close")
    desk.press("a")
    desk.expect(".mk-automatic-take-text").to_have_text("Take all 31")
    desk.page.click(".mk-automatic-track")
    desk.page.wait_for_selector(".mk-tip:has-text('Tracking finished')")


def test_a_run_goes_on_after_a_lost_connection(chromium: Any, visit: Callable[..., Desk], picture: Path) -> None:
    sockets: list[Any] = []
    engine = HeldEngine()
    with launched(engine) as (_, address):
        desk = visit(address)
        page = desk.page
        page.route_web_socket("**", lambda route: sockets.append((route, route.connect_to_server())))
        page.reload()
        page.wait_for_selector(".mk-status[data-line=on]")
        desk.open(picture)
        desk.press("a")
        engine.gate.release()
        page.locator(".mk-automatic-stability").fill("60")
        desk.expect(".mk-automatic-count").to_have_text("8 of 12")
        for socket in sockets[-1]:
            socket.close(code=3001)
        desk.expect(".mk-status").to_have_attribute("data-line", "lost")
        desk.expect(".mk-automatic-count").to_have_text("8 of 12")
        desk.expect(".mk-status").to_have_attribute("data-line", "on")
        engine.gate.release(9)
        desk.expect(".mk-automatic-job").to_be_hidden()
        desk.expect(".mk-automatic-count").to_have_text("32 of 48")
        desk.expect(".mk-automatic-note").to_be_hidden()
        desk.context.close()


def test_masks_that_are_fitted_at_the_end_replace_those_before(
    chromium: Any, visit: Callable[..., Desk], picture: Path
) -> None:
    engine = FittingEngine()
    with launched(engine) as (_, address):
        desk = visit(address)
        desk.open(picture)
        desk.press("a")
        desk.page.locator(".mk-automatic-stability").fill("60")
        desk.expect(".mk-automatic-count").to_have_text("32 of 48")
        desk.click(*BESIDE)
        desk.expect_objects(1)
        desk.click(*CORNER)
        desk.click(*OTHER_CORNER)
        desk.expect_objects(1)
        hover(desk, *OTHER)
        desk.expect(".mk-automatic-badge").to_have_text("good · click to take it")
        engine.gate.set()
        desk.expect(".mk-automatic-job").to_be_hidden()
        desk.expect(".mk-automatic-badge").to_have_text("good · click to take it")
        desk.expect(".mk-automatic-count").to_have_text("32 of 48")
        desk.click(*CORNER)  # what is an object already stays a disc
        desk.click(*OTHER_CORNER)
        desk.expect_objects(2)
        desk.click(*BESIDE)
        desk.expect_objects(1)
        desk.context.close()
