"""GPUs that are lent to visitors: in whose name they are used, and how work goes on when the quota is used up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sam2_core.errors import QuotaExceeded
from sam2_core.serving.commands import Command, SetPrompt
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.ui.house import launched

pytestmark = pytest.mark.browser

T = TypeVar("T")
SENTENCE = "Your time on Hugging Face's GPUs is used up for now. A smaller model goes on without one."


class LentEngine(FakeEngine):
    """Has time for one prompt."""

    prompts = 0

    def run(self, session: str, command: Command[T]) -> Future[T]:
        self.prompts += isinstance(command, SetPrompt)
        if not isinstance(command, SetPrompt) or self.prompts == 1:
            return super().run(session, command)
        refused: Future[T] = Future()
        refused.set_exception(QuotaExceeded(SENTENCE))
        return refused


def test_work_goes_on_without_a_gpu(chromium: Any, visit: Callable[..., Desk], picture: Path) -> None:
    flags = ("--device=zerogpu", "--model=sam2.1_hiera_tiny")
    with launched(LentEngine(), *flags, others={"nano": lambda progress: FakeEngine()}) as (_, address):
        desk = visit(address)
        visited: list[str] = []
        desk.page.on("request", lambda request: visited.append(request.url))
        desk.open(picture)
        desk.click(0.3, 0.5)
        desk.expect_mask(0.27, 0.46)
        desk.page.keyboard.press("n")
        desk.click(0.7, 0.5)
        desk.expect(desk.page.locator(".mk-banner")).to_contain_text(SENTENCE)
        desk.expect(desk.page.locator(".mk-toast")).to_have_count(0)
        desk.page.get_by_role("button", name="Go on without a GPU").click()
        desk.expect_toast("nano is in use now. Your clicks were applied again.")
        desk.expect(desk.page.locator(".mk-banner")).to_be_hidden()
        desk.expect_mask(0.27, 0.46)
        desk.click(0.7, 0.5)
        desk.expect_mask(0.67, 0.46)
        desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        desk.page.wait_for_timeout(200)
        assert any(url.endswith("/visit") for url in visited)
