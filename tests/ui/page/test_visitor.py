"""In whose name the network works, where it takes its time from the quota of visitors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from gradio.context import LocalContext

from sam2_core.errors import QuotaExceeded
from sam2_core.serving.commands import Command, EncodeFrame, Preview, SetPrompt
from sam2_core.serving.engine import QueueStatus
from tests.fakes import FakeEngine
from tests.ui.house import House, Page, open_house, picture_bytes

T = TypeVar("T")
CLICK = {"points": [[20, 24, 1]]}


class MeteredEngine(FakeEngine):
    """Notes for whom and what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[str | None] = []
        self.previews = 0
        self.is_used_up = False

    def run(self, session: str, command: Command[T]) -> Future[T]:
        if isinstance(command, SetPrompt):
            request: Any = LocalContext.request.get(None)
            self.tokens.append(None if request is None else request.headers.get("x-ip-token"))
        self.previews += isinstance(command, Preview)
        if self.is_used_up and not isinstance(command, EncodeFrame):
            refused: Future[T] = Future()
            refused.set_exception(QuotaExceeded("Your time is used up."))
            return refused
        return super().run(session, command)

    def status(self, session: str = "") -> QueueStatus:
        return replace(super().status(session), is_metered=True)


@pytest.fixture
def metered() -> Iterator[tuple[House, MeteredEngine]]:
    engine = MeteredEngine()
    with open_house(engine) as house:
        yield house, engine


@pytest.fixture
def page(metered: tuple[House, MeteredEngine]) -> Iterator[Page]:
    """A page with a picture."""
    house, _ = metered
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes())
        page.receive("opened")
        yield page


def click(page: Page, seq: int) -> dict[str, Any]:
    page.send("set_prompt", seq=seq, frame=0, object=1, prompt=CLICK)
    return page.receive("masks", "error", seq=seq)


def test_the_headers_of_the_newest_visit_are_those_of_a_call(metered: tuple[House, MeteredEngine]) -> None:
    house, engine = metered
    token = house.session().token
    with house.page(token, **{"X-IP-Token": "first"}) as page:
        assert house.upload(token, picture_bytes()).status_code == 202
        page.receive("opened")
        click(page, 1)
        assert house.client.post(f"/s/{token}/visit", headers={"X-IP-Token": "second"}).status_code == 204
        click(page, 2)
    assert engine.tokens == ["first", "second"]


def test_nothing_is_asked_of_a_metered_network_unasked(metered: tuple[House, MeteredEngine], page: Page) -> None:
    _, engine = metered
    page.send("preview", seq=1, frame=0, object=1, prompt=CLICK)
    assert page.receive("preview")["objects"] == []
    assert engine.previews == 0


def test_the_page_is_told_that_a_quota_is_used_up(metered: tuple[House, MeteredEngine], page: Page) -> None:
    _, engine = metered
    engine.is_used_up = True
    error = click(page, 1)
    assert (error["t"], error["text"], error["quota"]) == ("error", "Your time is used up.", True)
