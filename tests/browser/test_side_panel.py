"""The tabs of the side panel, the tooltips, and the menu of the view."""

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
    desk.press("p")
    desk.expect("#mk-tab-automatic").to_be_hidden()
    desk.expect(objects).to_have_attribute("aria-selected", "true")


def test_tooltips_name_keys_and_radio_groups_are_one_stop(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.page.hover("button[data-tool=lasso]")
    desk.expect(".mk-tooltip").to_be_visible()
    desk.expect(".mk-tooltip-key").to_have_text("L")
    desk.page.mouse.move(3, 3)
    desk.expect(".mk-tooltip").to_be_hidden()
    desk.expect("button[data-tool=lasso]").to_have_attribute("title", "Lasso: draw around it (L)")
    # A button that was pressed, and may be another one now, has no tooltip until the pointer has left it.
    begun = """() => {
      const { setTimeout } = window, button = document.querySelector('button[data-tool=lasso]');
      let count = 0;
      window.setTimeout = (...all) => { count += 1; return setTimeout(...all); };
      button.firstElementChild.dispatchEvent(new PointerEvent('pointerover', { bubbles: true, pointerType: 'mouse' }));
      window.setTimeout = setTimeout;
      return count;
    }"""
    assert desk.page.evaluate(begun) == 1
    desk.page.click("button[data-tool=lasso]")
    assert desk.page.evaluate(begun) == 0
    desk.page.mouse.move(3, 3)
    desk.page.click("button[data-tool=point]")
    desk.page.mouse.move(3, 3)
    assert desk.page.locator(".mk-tool-choice [tabindex='0']").count() == 1
    desk.page.focus("button[data-tool=point]")
    desk.press("ArrowRight")
    desk.expect("button[data-tool=scribble]").to_be_focused()
    desk.expect(".mk-tooltip-key").to_have_text("S")
    desk.press("Enter")
    desk.expect("button[data-tool=scribble]").to_have_attribute("aria-checked", "true")
    desk.expect(".mk-tip").to_contain_text("over the thing")


def test_the_view_is_set_in_one_menu_and_kept(desk: Desk, picture: Path) -> None:
    desk.open(picture)
    desk.click(0.3, 0.5)
    desk.expect_mask(0.33, 0.53)
    desk.press("n")
    desk.click(0.7, 0.5)
    desk.expect_mask(0.73, 0.53)
    desk.page.click(".mk-view-open")
    desk.page.select_option(".mk-others", "hidden")
    desk.expect_mask(0.33, 0.53, there=False)
    desk.page.locator(".mk-view-open").focus()
    desk.press("Escape")
    desk.page.reload()
    desk.expect(".mk-object").to_have_count(2)
    desk.expect(".mk-others").to_have_value("hidden")
    desk.expect_mask(0.73, 0.53)
    assert desk.pixel(0.33, 0.53)[3] == 0
