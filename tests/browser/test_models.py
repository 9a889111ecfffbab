"""Another network for the same clicks, and what the page shows while the server is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.serving.commands import Command, SetPrompt, Track
from sam2_core.serving.engine import QueueStatus
from sam2_core.types import Mask, Progress, Prompt
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, GatedEngine, launched

pytestmark = pytest.mark.browser

TINY, SMALL = "SAM 2.1 tiny", "SAM 2.1 small"


class Wide(FakeEngine):
    """Another network: to every prompt it answers with the left half of the frame."""

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SetPrompt) and not command.prompt.is_empty:
            height, width = self.sessions[session].media.size_of(command.frame)
            left = np.tile(np.arange(width) < width // 2, (height, 1))
            command = replace(command, prompt=Prompt(mask=Mask.from_array(left)))
        return super().execute(session, command)


class Download:
    """Builds the second network in steps that the test allows."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self, progress: Progress) -> FakeEngine:
        progress(0.4, "Downloading 62 of 156 MB")
        assert self.go.wait(DEADLINE * 6)
        progress(0.9, "Downloading 140 of 156 MB")
        return Wide()


@pytest.fixture
def download() -> Iterator[Download]:
    download = Download()
    yield download
    download.go.set()


@pytest.fixture
def offering(chromium: Any, download: Download) -> Iterator[str]:
    with launched(FakeEngine(), others={"sam2.1_hiera_tiny": download}) as (_, address):
        yield address


@pytest.fixture
def resolutions(chromium: Any) -> Iterator[str]:
    tiny = "sam2.1_hiera_tiny"
    with launched(FakeEngine(), f"--models={tiny},{tiny}@512", others={f"{tiny}@512": lambda progress: Wide()}) as (
        _,
        address,
    ):
        yield address


def choose(desk: Desk, title: str) -> None:
    desk.page.click(f".mk-model-card:has(b:text-is('{title}')) .mk-button")


def expect_model(desk: Desk, title: str) -> None:
    desk.page.wait_for_selector(f".mk-model-title:text-is('{title}')", state="attached")


def test_the_clicks_are_applied_again_with_the_model_that_is_chosen(
    offering: str, visit: Callable[..., Desk], download: Download, clip: Path
) -> None:
    desk, other = visit(offering), visit(offering)
    for each in (desk, other):
        each.open(clip)
        each.click(0.3, 0.8)
        each.expect_mask(0.28, 0.76)
    desk.press("t")
    desk.expect_frame(30)
    desk.page.wait_for_selector(".mk-track:visible")
    desk.page.click(".mk-model")
    texts = desk.page.locator(".mk-model-card").all_inner_texts()
    titles = ["nano", TINY, SMALL, "SAM 2.1 base+", "SAM 2.1 large", "SAM ViT-B", "SAM ViT-L", "SAM ViT-H"]
    assert [text.splitlines()[0] for text in texts] == titles
    assert "in use" in texts[0]
    assert "39 M parameters · 156 MB · Apache 2.0" in texts[1]
    assert "Work: 85× nano for a picture" in texts[1]
    choose(desk, TINY)
    desk.page.wait_for_selector(".mk-model-card-change:has-text('Downloading 62 of 156 MB · 40%')")
    desk.expect(".mk-model-card .mk-button:enabled").to_have_count(0)  # one change at a time
    desk.press("Escape")
    desk.page.wait_for_selector(".mk-model-change:has-text('40%')")
    desk.click(0.6, 0.8)  # the work goes on meanwhile
    desk.expect_mask(0.6, 0.76)
    download.go.set()
    desk.expect_toast(f"{TINY} is in use now. Your clicks were applied again.")
    expect_model(desk, TINY)
    desk.expect_mask(0.05, 0.1)
    desk.expect_mask(0.6, 0.76, there=False)
    desk.press("Home")
    desk.expect_frame(1)
    desk.expect_mask(0.05, 0.1)
    desk.press("Control+z")  # the history is the same as before: the click, the tracking, the first click
    desk.expect_frame(30)
    desk.expect_mask(0.05, 0.1)
    desk.press("Control+z")
    desk.expect_mask(0.05, 0.1, there=False)
    desk.press("Control+z")
    desk.expect_objects(0)
    expect_model(other, "nano")
    assert other.pixel(0.05, 0.1)[3] == 0


def test_a_network_is_offered_fast_and_exact(resolutions: str, visit: Callable[..., Desk], picture: Path) -> None:
    desk = visit(resolutions)
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.press("w")
    card = desk.page.locator(f".mk-model-card:has(.mk-model-card-sizes[aria-label='Resolution of {TINY}'])")
    card.wait_for()
    assert desk.page.locator(".mk-model-card").count() == 2
    fast, exact = card.get_by_role("radio", name="Fast 512"), card.get_by_role("radio", name="Exact 1024")
    desk.expect(exact).to_have_attribute("aria-checked", "true")
    assert "Work: 85× nano for a picture, 144× to track" in card.inner_text()
    fast.focus()
    desk.press("Enter")
    desk.expect(fast).to_be_focused()
    desk.expect(fast).to_have_attribute("aria-checked", "true")
    assert "Work: 18× nano for a picture, 18× to track" in card.inner_text()
    card.locator("button:text-is('Use')").click()
    desk.expect_toast(f"{TINY} 512 is in use now. Your clicks were applied again.")
    expect_model(desk, f"{TINY} 512")
    desk.expect_mask(0.05, 0.1)
    desk.page.reload()
    desk.page.wait_for_selector(".mk[data-state=work]")
    expect_model(desk, f"{TINY} 512")
    desk.press("w")
    desk.expect(card).to_contain_text("in use")
    desk.expect(card.locator("button:text-is('Use')")).to_have_count(0)
    exact.click()
    desk.expect(card).to_contain_text("fast 512 in use")
    desk.expect(card.locator("button:text-is('Use')")).to_be_visible()
    desk.page.click(".mk-models-close")
    desk.page.wait_for_selector(".mk-models-dialog", state="hidden")
    desk.page.click(".mk-model")
    desk.expect(fast).to_have_attribute("aria-checked", "true")  # what is in use, though the other one was picked


def test_a_change_can_be_given_up_and_a_failure_keeps_the_old_model(
    offering: str, visit: Callable[..., Desk], download: Download, picture: Path
) -> None:
    desk = visit(offering)
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.press("w")
    choose(desk, TINY)
    desk.page.wait_for_selector(".mk-model-card-change:has-text('40%')")
    desk.page.click(".mk-model-card-change button:has-text('Cancel')")
    desk.page.wait_for_selector(".mk-model-card-change", state="detached")
    choose(desk, SMALL)
    problem = desk.page.wait_for_selector(".mk-models-problem:visible")
    assert problem.inner_text() == f"{SMALL} could not be loaded; nano stays in use. Try again"
    assert problem.get_attribute("title") == f"{SMALL} cannot be fetched. You go on with nano."
    desk.expect(".mk-toast").to_have_count(0)
    desk.page.click(".mk-models-problem-retry")
    desk.page.wait_for_selector(".mk-models-problem:visible")
    download.go.set()
    desk.page.click(".mk-models-close")
    desk.page.wait_for_selector(".mk-models-dialog", state="hidden")
    expect_model(desk, "nano")
    desk.click(0.7, 0.5)
    desk.expect_mask(0.67, 0.46)
    desk.expect_mask(0.27, 0.46)


def test_a_reload_while_a_model_is_on_its_way_still_shows_it(
    offering: str, visit: Callable[..., Desk], download: Download, picture: Path
) -> None:
    desk = visit(offering)
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.27, 0.46)
    desk.page.click(".mk-model")
    choose(desk, TINY)
    desk.page.wait_for_selector(".mk-model-card-change:has-text('40%')")
    desk.page.reload()
    desk.page.wait_for_selector(".mk[data-state=work]")
    desk.page.wait_for_selector(".mk-model-change:has-text('40%')")
    download.go.set()
    expect_model(desk, TINY)
    desk.expect_mask(0.05, 0.1)


class Crowded(GatedEngine):
    """Knows who is at the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.line: list[str] = []

    def execute(self, session: str, command: Command[Any]) -> Any:
        if not isinstance(command, Track):
            return super().execute(session, command)
        self.line.append(session)
        try:
            return super().execute(session, command)
        finally:
            self.line.remove(session)

    def status(self, session: str = "") -> QueueStatus:
        line = list(self.line)
        before = line.index(session) if session in line else 0
        return QueueStatus("Test processor, 2 threads", None, before, 2.0 * before)


@pytest.fixture
def crowded(chromium: Any) -> Iterator[tuple[Crowded, str]]:
    engine = Crowded()
    with launched(engine) as (_, address):
        yield engine, address


def test_who_waits_for_others_sees_how_many(
    crowded: tuple[Crowded, str], visit: Callable[..., Desk], clip: Path
) -> None:
    engine, address = crowded
    first, second = visit(address), visit(address)
    first.expect(".mk-status-text").to_have_text("Test processor")
    for desk in (first, second):
        desk.open(clip)
        desk.click(0.3, 0.8)
        desk.expect_mask(0.28, 0.76)
        desk.press("t")
        assert engine.entered.acquire(timeout=DEADLINE)
    words = "1 other is before you · about 2 s"
    second.page.wait_for_selector(f".mk-waiting:text-is('{words}')")
    second.expect(".mk-status").to_have_attribute("data-line", "loading")
    second.expect(".mk-status-text").to_have_text("Test processor")  # it is said once, over the picture
    second.expect(".mk-live").to_have_text(words, use_inner_text=True)
    first.expect(".mk-waiting").to_be_hidden()
    for _ in range(100):
        engine.gate.release()
    second.page.wait_for_selector(".mk-waiting", state="hidden")
    second.expect(".mk-status").to_have_attribute("data-line", "on")
    for desk in (first, second):
        desk.expect_frame(30)
