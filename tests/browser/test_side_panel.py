"""The tabs of the side panel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.desk import Desk

pytestmark = pytest.mark.browser


def test_tabs_are_chosen_by_keys_and_remembered(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.33, 0.53)
    objects, effects, review = (desk.page.locator(f"#mk-tab-{name}") for name in ("objects", "effects", "review"))
    objects.focus()
    desk.press("ArrowRight")
    desk.expect(effects).to_be_focused()
    desk.expect(".mk-effects").to_be_visible()
    desk.expect(".mk-objects").to_be_hidden()
    desk.press("End")
    desk.expect(review).to_have_attribute("aria-selected", "true")
    assert desk.page.locator(".mk-tabs [tabindex='0']").count() == 1
    desk.page.reload()
    desk.expect("#mk-panel-review").to_be_visible()
    desk.press("a")
    desk.expect("#mk-tab-automatic").to_have_attribute("aria-selected", "true")
    objects.click()
    desk.expect(".mk-object").to_be_visible()
    desk.press("a")
    desk.expect("#mk-tab-automatic").to_be_hidden()
    desk.expect(objects).to_have_attribute("aria-selected", "true")
