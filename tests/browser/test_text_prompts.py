"""What a text names becomes objects on the page; the detector is a fake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk
from tests.fakes import FakeDetectionEngine, FakeEngine
from tests.ui.house import launched


@pytest.fixture(scope="module")
def offered(chromium: Any) -> Iterator[tuple[FakeDetectionEngine, str]]:
    detection = FakeDetectionEngine()
    with launched(FakeEngine(), detection=detection) as (_, address):
        yield detection, address


def find(desk: Desk, text: str) -> None:
    if not desk.page.is_visible(".mk-text-panel"):
        desk.press("/")
    desk.page.wait_for_selector(".mk-text-options:not([hidden])")
    desk.page.fill(".mk-text-input", text)
    desk.press("Enter")


def expect_names(desk: Desk, *names: str) -> None:
    test = "names => String([...document.querySelectorAll('.mk-object .mk-name')].map(each => each.value)) === names"
    desk.page.wait_for_function(test, arg=",".join(names))


def test_thresholds_filter_what_was_found_and_one_undo_takes_it_back(
    visit: Callable[..., Desk], offered: tuple[FakeDetectionEngine, str], picture: Path
) -> None:
    detection, address = offered
    desk = visit(address)
    desk.open(picture)
    find(desk, "dog, <b>x</b>, unicorn")
    desk.expect(".mk-text-result").to_have_text("2 objects selected. Nothing was found for unicorn.")
    expect_names(desk, "dog", "<b>x</b>")
    assert desk.page.input_value(".mk-object .mk-label >> nth=1") == "<b>x</b>"
    desk.expect_mask(0.1, 0.2)
    desk.expect_mask(0.1, 0.8, there=False)
    searches = len(detection.calls)
    desk.page.locator(".mk-text-box-slider").fill("0.1")
    expect_names(desk, "dog", "<b>x</b>", "dog 2", "<b>x</b> 2")
    desk.expect_mask(0.1, 0.8)
    desk.page.locator(".mk-text-box-slider").fill("0.5")
    expect_names(desk, "dog", "<b>x</b>")
    desk.expect_mask(0.1, 0.8, there=False)
    assert len(detection.calls) == searches
    find(desk, "dog")
    desk.expect(".mk-text-result").to_have_text("Selected already: dog.")
    desk.press("Escape")
    desk.press("Control+z")
    desk.expect_objects(0)
    desk.expect_mask(0.1, 0.2, there=False)
    desk.press("Control+Shift+z")
    expect_names(desk, "dog", "<b>x</b>")


def test_through_a_clip_new_arrivals_join_and_undo_and_redo_are_one_step(
    visit: Callable[..., Desk], offered: tuple[FakeDetectionEngine, str], clip: Path
) -> None:
    _, address = offered
    desk = visit(address)
    desk.open(clip)
    desk.press("/")
    desk.page.check(".mk-text-through")
    desk.page.fill(".mk-text-every", "6")
    find(desk, "dog, cat, unicorn")
    desk.expect(".mk-text-result").to_have_text("Done: 2 new objects. Nothing new was found for unicorn.")
    desk.press("Escape")
    expect_names(desk, "dog", "cat")
    desk.expect_mask_at_both_ends(0.1, 0.2, 30)
    desk.expect_mask_at_both_ends(0.35, 0.2, 30)  # the cat, which was found later, is tracked back
    desk.press("Control+z")
    desk.expect_objects(0)
    desk.expect_mask_at_both_ends(0.1, 0.2, 30, there=False)
    desk.press("Control+Shift+z")
    expect_names(desk, "dog", "cat")
    desk.page.wait_for_selector(".mk-track:not([hidden])")
    desk.expect_mask_at_both_ends(0.1, 0.2, 30)
    desk.expect_mask_at_both_ends(0.35, 0.2, 30)


def test_bad_texts_and_canceled_searches_lose_nothing(
    visit: Callable[..., Desk], offered: tuple[FakeDetectionEngine, str], picture: Path, clip: Path
) -> None:
    detection, address = offered
    desk = visit(address)
    desk.open(picture)
    for text, answer in (
        ("", "Say in words what to find"),
        (" , ,,.", "Say in words what to find"),
        ("a" * 10_000, "is longer than 80 characters"),
        ("🐕 dog", "1 object selected."),
    ):
        find(desk, text)
        desk.page.wait_for_selector(f".mk-text-result:has-text('{answer}')")
    expect_names(desk, "🐕 dog")
    detection.gate, detection.loading = threading.Event(), (0.4, "Downloading 276 of 690 MB")
    find(desk, "dog")
    desk.page.wait_for_selector(".mk-text-busy-text:has-text('Downloading 276 of 690 MB 40%')")
    desk.page.click(".mk-text-cancel")
    desk.expect(".mk-text-result").to_have_text("Canceled.")
    find(desk, "dog")
    desk.page.wait_for_selector(".mk-text-busy:not([hidden])")
    desk.page.evaluate("document.querySelector('.mk-text-close').click()")
    desk.open(clip)  # while the detector looks
    detection.gate.set()
    detection.gate = detection.loading = None
    find(desk, "dog")
    desk.expect(".mk-text-result").to_have_text("1 object selected.")
    desk.page.reload()
    desk.page.wait_for_selector(".mk[data-state=work]")
    expect_names(desk, "dog")
    desk.press("/")
    desk.page.wait_for_selector(".mk-text-options:not([hidden])")
