"""The list of endpoints is one step away from the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.desk import Desk
from ui.app import Server

pytestmark = pytest.mark.browser


def test_the_help_leads_to_the_endpoints(desk: Desk) -> None:
    desk.page.click(".mk-help")
    desk.page.click(".mk-api")
    desk.expect(".api-docs").to_contain_text("/segment_image")
    assert not desk.page.is_visible(".mk-help-dialog")


def test_so_does_an_address(visit: Callable[..., Desk], server: tuple[Server, str]) -> None:
    desk = visit(server[1], "?view=api")
    desk.expect(".api-docs").to_contain_text("Follow all objects through the frames of a clip")
