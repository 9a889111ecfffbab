"""Annotating photos: the time that masks take, statistics, and training on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import launched, picture_bytes
from tests.ui.trainers import Trainer

Visit = Callable[..., Desk]


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
        desk.press("Control+z")
        desk.expect(row).to_have_text(re.compile(r"Assisted1"))


def test_proposals_are_confirmed_and_rejected_and_all_photos_annotated(
    chromium: object, visit: Visit, tmp_path: Path
) -> None:
    names = ("one.png", "two.png")
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(picture_bytes(48, 64 - number))
    with launched(FakeEngine()) as (_, address):
        desk = visit(address)
        page = desk.page
        page.set_input_files(".mk-picker", [tmp_path / name for name in names])
        page.wait_for_selector(".mk[data-state=work].mk-has-album")
        desk.press("z")
        panel = page.locator(".mk-annotate")
        panel.get_by_role("radio", name="Semi-automatic").click()
        left = panel.locator(".mk-proposals-left")
        desk.expect(left).to_have_text("0 left")  # the network is sure of none
        page.locator(".mk-automatic-stability").fill("60")
        desk.expect(left).not_to_have_text("0 left")
        proposals = int(left.inner_text().split()[0])
        desk.press("y")
        desk.expect_objects(1)
        desk.expect(left).to_have_text(f"{proposals - 1} left")
        desk.press("n")
        desk.expect(left).to_have_text(f"{proposals - 2} left")
        row = panel.locator(".mk-statistics-rows tr").nth(1)
        desk.expect(row).to_have_text(re.compile(r"Semi-automatic11\.0.*50%"))
        desk.press("Control+z")
        desk.expect(row).to_have_text(re.compile(r"Semi-automatic11\.0.*100%"))
        panel.get_by_role("radio", name="Automatic", exact=True).click()
        panel.get_by_role("button", name="Annotate all photos").click()
        desk.expect(panel.locator(".mk-automatic-stage-text")).to_have_text(re.compile(r"\d+ masks on 2 photos"))
        desk.expect(panel.locator(".mk-statistics-rows tr").nth(2)).to_have_text(re.compile(r"Automatic[1-9]"))
