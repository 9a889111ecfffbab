"""A server with the fake engine, and a real browser that looks at it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, GatedEngine, launched, picture_bytes
from ui.app import Server
from ui.files import open_files
from ui.jobs import BackgroundTasks, Job, JobCancelled
from ui.page.connection import PageConnection
from ui.protocol import Event, OpenedEvent

FLAGS: tuple[str, ...] = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
FLAGS += ("--disable-component-update", "--disable-sync", "--no-first-run")


def missing(what: str) -> Any:
    """Without a browser these tests cannot run; only where all is meant to be there is that a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="package")  # its event loop would be in the way of other tests
def chromium() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    path = find_browser()
    if path is None:
        missing("a Chromium browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), headless=True)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(chromium: Any) -> Iterator[tuple[Server, str]]:
    with launched(FakeEngine()) as started:
        yield started


@pytest.fixture
def gated(chromium: Any) -> Iterator[tuple[GatedEngine, str]]:
    engine = GatedEngine()
    with launched(engine) as (_, address):
        yield engine, address


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Desk]]:
    """Open the page, if not told otherwise in a browser context of its own; nothing may go wrong in it."""
    desks: list[Desk] = []

    def open_page(address: str, path: str = "", context: Any = None, **options: Any) -> Desk:
        context = context or chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        desks.append(Desk(context, address + path))
        return desks[-1]

    yield open_page
    for desk in desks:
        desk.context.close()
    for desk in desks:
        assert desk.problems == []
        assert desk.foreign_requests == []


@pytest.fixture
def desk(visit: Callable[..., Desk], server: tuple[Server, str]) -> Desk:
    return visit(server[1])


class OpeningGate:
    """Each medium waits before it is read until the test lets it through."""

    def __init__(self) -> None:
        self._begun, self._gate, self._told, self._ended = (threading.Semaphore(0) for _ in range(4))
        self._send, self._end, self._is_lost = PageConnection.send, BackgroundTasks._end, False

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From now on."""
        monkeypatch.setattr("ui.sessions.open_files", self._open)
        monkeypatch.setattr(PageConnection, "send", lambda connection, event: self._watch(connection, event))
        monkeypatch.setattr(BackgroundTasks, "_end", lambda tasks, job: self._watch_end(tasks, job))

    def wait_for_file(self) -> None:
        """Wait until the server has begun to read a medium."""
        assert self._begun.acquire(timeout=3 * DEADLINE)  # a page may have to connect again before

    def lose(self) -> None:
        """Let one end without a result and without a word."""
        self._is_lost = True
        self.let_through()
        assert self._ended.acquire(timeout=DEADLINE)

    def let_through(self, count: int = 1) -> None:
        """Let it, or so many, go on."""
        for _ in range(count):
            self._gate.release()

    def wait_until_open(self) -> None:
        """Wait until the server has something to tell of a medium, whether or not a page takes it."""
        assert self._told.acquire(timeout=DEADLINE)

    def _open(self, *args: Any) -> Any:
        self._begun.release()
        assert self._gate.acquire(timeout=3 * DEADLINE)
        if self._is_lost:
            raise JobCancelled
        return open_files(*args)

    def _watch(self, connection: PageConnection, event: Event) -> None:
        self._send(connection, event)
        if isinstance(event, OpenedEvent):
            self._told.release()

    def _watch_end(self, tasks: BackgroundTasks, job: Job) -> None:
        self._end(tasks, job)
        self._ended.release()


@pytest.fixture
def opening_gate(monkeypatch: pytest.MonkeyPatch) -> Callable[[], OpeningGate]:
    """Put up a gate."""

    def put_up() -> OpeningGate:
        gate = OpeningGate()
        gate.install(monkeypatch)
        return gate

    return put_up


def come_back_when(desk: Desk, gate: OpeningGate, when: str) -> None:
    """Reload the page while the server reads a medium, so that the page is there again before or after it is open."""
    gate.wait_for_file()
    desk.page.goto("about:blank")
    if when == "it is open":
        gate.let_through()
        gate.wait_until_open()
    desk.page.go_back()
    desk.page.wait_for_selector(".mk-status[data-line=on]")
    gate.let_through(5)


def expire(server: Server, desk: Desk) -> None:
    """Let the server send the visitor away for being idle, and wait until the page knows."""
    sessions = server.sessions
    services = sessions.services
    try:
        sessions.services = replace(services, settings=services.settings.model_copy(update={"idle_minutes": 0.0}))
        desk.page.wait_for_selector(".mk-banner-act:has-text('Start again')")
    finally:
        sessions.services = services


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    path.write_bytes(picture_bytes(300, 400))
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "film.mp4", frames=30, size=(180, 320))
