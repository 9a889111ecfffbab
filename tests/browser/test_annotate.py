"""Annotating photos: the time that masks take, statistics, and training on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import launched, picture_bytes
from tests.ui.trainers import ENDLESS, Trainer

Visit = Callable[..., Desk]

TWO_KEYS = """['n', 'y'].forEach(
  key => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })),
)"""
"""The second key comes while the first one is at work, and decides nothing."""


def test_photos_are_annotated_and_the_model_learns_from_them(
    chromium: object, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.sessions.training_command", Trainer())
    names = ("one.png", "two.png")
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(picture_bytes(48, 64 - number))
    engines = {"sam2.1_hiera_tiny": lambda progress: FakeEngine()}
    with launched(FakeEngine(), "--models=sam2.1_hiera_tiny", others=engines) as (_, address):
        desk = visit(address)
        page = desk.page
        page.set_input_files(".mk-picker", [tmp_path / name for name in names])
        page.wait_for_selector(".mk[data-state=work].mk-has-album")
        desk.press("z")
        panel = page.locator(".mk-annotate")
        desk.expect(panel.locator(".mk-training-text")).to_contain_text("annotate at least 2 photos")
        desk.click(0.3, 0.5)
        desk.expect_objects(1)
        page.wait_for_function("!document.querySelector('.mk-undo').disabled")
        panel.get_by_role("button", name="Next photo").click()
        row = panel.locator(".mk-statistics-rows tr").first
        desk.expect(row).to_have_text(re.compile(r"Assisted11\.0\d+\.\d–"))
        desk.click(0.5, 0.5)
        desk.expect_objects(2)
        desk.expect(row).to_have_text(re.compile(r"Assisted21\.0\d+\.\d–"))
        panel.get_by_role("button", name="Train on this").click()
        figures = panel.locator(".mk-training-figures tr")
        desk.expect(figures).to_have_text("One click60.0%75.0%")
        desk.expect(panel.locator(".mk-training-caption")).to_have_text("nano, trained on 2 photos")
        page.click(".mk-model")
        desk.expect(page.locator(".mk-model-card").last).to_contain_text("for you alone")
        page.click(".mk-models-close")
        page.reload()
        page.wait_for_selector(".mk[data-state=work].mk-has-album")
        desk.press("z")
        desk.expect(figures).to_have_text("One click60.0%75.0%")
        desk.expect(panel.locator(".mk-training-back")).to_have_text("Back to nano")
        desk.expect(panel.get_by_role("link", name="Weights")).to_have_attribute("href", re.compile("/weights/"))
        desk.press("Control+z")
        desk.expect(row).to_have_text(re.compile(r"Assisted1"))


def test_proposals_are_decided_and_the_rest_is_automatic(chromium: object, visit: Visit, tmp_path: Path) -> None:
    names = ("one.png", "two.png")
    for name in names:
        (tmp_path / name).write_bytes(picture_bytes(240, 240))
    with launched(FakeEngine(), "--max-objects=40") as (_, address):
        desk = visit(address)
        page = desk.page
        page.set_input_files(".mk-picker", [tmp_path / name for name in names])
        page.wait_for_selector(".mk[data-state=work].mk-has-album")
        desk.press("z")
        page.get_by_role("radio", name="Semi-automatic").click()
        left, row = page.locator(".mk-proposals-left"), page.locator(".mk-statistics-rows tr")
        desk.expect(left).to_have_text("0 left")
        page.locator(".mk-automatic-stability").fill("60")
        desk.expect(left).to_have_text("16 left")
        page.locator(".mk-annotate h2").click()
        desk.press("Enter")
        desk.expect_objects(1)
        desk.expect(left).to_have_text("15 left")
        desk.press("n")
        desk.expect(left).to_have_text("14 left")
        desk.expect(row.nth(1)).to_have_text(re.compile(r"Semi-automatic11\.0\d+\.\d50%"))
        desk.press("Control+z")
        desk.expect(left).to_have_text("15 left")
        page.evaluate(TWO_KEYS)
        desk.expect(left).to_have_text("14 left")
        desk.expect_objects(1)
        page.get_by_role("button", name="Confirm all").click()
        desk.expect_objects(15)
        desk.expect(".mk-automatic").to_be_hidden()
        desk.press("Control+z")
        desk.expect(left).to_have_text("14 left")
        desk.expect_objects(2)  # the one from before, and the selected one, which the next mask becomes
        page.reload()
        page.wait_for_selector(".mk[data-state=work].mk-has-album")
        desk.expect_objects(2)
        desk.press("z")
        desk.expect(row.nth(1)).to_have_text(re.compile(r"Semi-automatic11\.0\d+\.\d50%"))
        page.get_by_role("radio", name="Assisted").focus()
        desk.press("ArrowRight", "ArrowRight")
        desk.expect(page.get_by_role("radio", name="Automatic", exact=True)).to_be_focused()
        page.get_by_role("button", name="Annotate all photos").click()
        desk.expect(".mk-automatic-stage-text").to_have_text("0 masks on 2 photos.")
        page.locator(".mk-automatic-stability").fill("60")
        page.get_by_role("button", name="Annotate all photos").click()
        desk.expect(".mk-automatic-stage-text").to_have_text(re.compile(r"39 of \d+ masks on 2 photos\. .* 40 objects"))
        desk.expect(row.nth(2)).to_have_text("Automatic3919.5––")
        desk.press("z")
        desk.expect(".mk-automatic").to_be_hidden()


def test_a_training_outlives_a_reload_and_can_be_canceled_after_it(
    chromium: object, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer()
    trainer.program = ENDLESS
    monkeypatch.setattr("ui.sessions.training_command", trainer)
    names = ("one.png", "two.png")
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(picture_bytes(48, 64 - number))
    with launched(FakeEngine()) as (_, address):
        desk = visit(address)
        page = desk.page
        page.set_input_files(".mk-picker", [tmp_path / name for name in names])
        page.wait_for_selector(".mk[data-state=work].mk-has-album")
        desk.press("z")
        desk.click(0.3, 0.5)
        desk.expect_objects(1)
        page.get_by_role("button", name="Next photo").last.click()
        desk.click(0.5, 0.5)
        desk.expect_objects(2)
        page.get_by_role("button", name="Train on this").click()
        running, start = page.locator(".mk-training-run"), page.locator(".mk-training-start")
        desk.expect(page.locator(".mk-training-progress")).to_have_text("Training 10%")
        page.reload()
        page.wait_for_selector(".mk[data-state=work].mk-has-album")
        desk.press("z")
        desk.expect(running).to_contain_text("Training 10%")
        desk.expect(start).to_be_hidden()
        running.get_by_role("button", name="Cancel").click()
        desk.expect(start).to_be_visible()
        page.wait_for_timeout(1000)  # longer than from one report to the next
        desk.expect(running).to_be_hidden()
