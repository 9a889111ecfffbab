"""A server that keeps media is started again under an open page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import free_port, launched

pytestmark = pytest.mark.browser


def test_work_is_back_without_another_upload(visit: Callable[..., Desk], tmp_path: Path, picture: Path) -> None:
    flags = (f"--port={free_port()}", f"--state={tmp_path / 'state'}")
    with launched(FakeEngine(), *flags) as (_, address):
        desk = visit(address)
        desk.open(picture)
        desk.click(0.5, 0.5)
        desk.expect_objects(1)
        desk.expect_mask(0.5, 0.5)
    sent: list[str] = []
    desk.page.on("request", lambda request: sent.append(request.url) if "/upload" in request.url else None)
    desk.page.wait_for_selector(".mk-status:not([data-line=on])")
    with launched(FakeEngine(), *flags):
        desk.expect_toast("Your work is back.")
        desk.expect_mask(0.5, 0.5)
    desk.page.goto("about:blank")  # the open page would bring its work back before it is loaded again
    with launched(FakeEngine(), *flags):
        desk.page.goto(address)
        desk.expect_toast("Your work is back.")
        desk.expect_mask(0.5, 0.5)
        desk.expect_objects(1)
    assert sent == []
