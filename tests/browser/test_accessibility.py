"""The page as assistive technology meets it: axe-core looks at every screen and finds nothing serious."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import missing
from tests.browser.desk import Desk
from ui.app import Server

pytestmark = pytest.mark.browser
GRAVE = {"serious", "critical"}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def findings(desk: Desk) -> list[str]:
    """What axe-core calls serious or critical: rule, impact and the elements it is about."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        missing("axe-playwright-python")
    found = Axe().run(desk.page).response["violations"]
    return [
        f"{each['id']} ({each['impact']}): {' '.join(node['html'][:160] for node in each['nodes'][:4])}"
        for each in found
        if each["impact"] in GRAVE
    ]


def settle(desk: Desk) -> None:
    """Wait until nothing fades in or out: half transparent text has little contrast for a moment."""
    desk.page.wait_for_function(
        "document.getAnimations().every(each => each.effect.getTiming().iterations === Infinity)"
    )


@pytest.mark.parametrize("screen", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_no_screen_has_a_grave_finding(
    screen: dict[str, Any], visit: Callable[..., Desk], server: tuple[Server, str], picture: Path, clip: Path
) -> None:
    desk = visit(server[1], **screen)
    assert findings(desk) == []
    desk.open(picture)
    settle(desk)
    assert findings(desk) == []
    desk.page.click(".mk-new")
    settle(desk)
    assert findings(desk) == []
    desk.press("Escape")
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.5)
    settle(desk)
    assert findings(desk) == []
    desk.page.click(".mk-download")
    assert findings(desk) == []
    desk.page.click(".mk-download-close")
    desk.page.click(".mk-effects-open")
    for effect in ("outline", "picture", "text"):
        desk.page.select_option(".mk-layer-kind", effect)
        desk.page.click(".mk-layer-add")
    settle(desk)
    assert findings(desk) == []
    desk.page.click("#mk-tab-objects")
    desk.open(clip)
    desk.page.click(".mk-download")
    assert findings(desk) == []
    desk.page.click(".mk-download-close")
    desk.click(0.5, 0.5)
    desk.expect_mask(0.5, 0.5)
    desk.page.click(".mk-download")
    assert findings(desk) == []
    desk.page.click(".mk-download-close")
    desk.page.click("[data-direction=forward]")
    desk.page.wait_for_selector(".mk-track:visible")
    settle(desk)
    assert findings(desk) == []
    desk.page.set_input_files(".mk-picker", [picture, picture])
    desk.page.wait_for_selector(".mk-photo[aria-current=true]")
    settle(desk)
    assert findings(desk) == []
    desk.page.click(".mk-help")
    settle(desk)
    assert findings(desk) == []
