"""A server with the fake engine, and a real browser that looks at it."""

from __future__ import annotations

import gc
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sam2_core.serving.engine import Engine
from sam2_core.serving.startup import Progress, Startup
from tests.browser.desk import Desk
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import GatedEngine, picture_bytes
from ui.server import Server
from ui.settings import load_settings

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
FLAGS += ("--disable-component-update", "--disable-sync", "--no-first-run")


def missing(what: str) -> Any:
    """Without a browser these tests cannot run; only where all is meant to be there is that a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        missing("a Chromium browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), headless=True)
        yield browser
        browser.close()


def start_quietly(server: Server) -> str:
    """Gradio leaves sockets to the garbage collector while it looks for a free port; that is not our warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        address = server.start(quiet=True)
        gc.collect()
    return address


@contextmanager
def serving(engine: Engine, **flags: str) -> Iterator[tuple[Server, str]]:
    arguments = [part for name, value in flags.items() for part in (f"--{name.replace('_', '-')}", value)]

    def build(progress: Progress) -> Engine:
        progress(1.0, "nano · cpu")
        return engine

    server = Server(load_settings(arguments), Startup(build))
    try:
        yield server, start_quietly(server)
    finally:
        server.close()


@pytest.fixture(scope="session")
def server(chromium: Any) -> Iterator[tuple[Server, str]]:
    with serving(FakeEngine()) as started:
        yield started


@pytest.fixture
def gated(chromium: Any) -> Iterator[tuple[GatedEngine, str]]:
    engine = GatedEngine()
    with serving(engine) as (_, address):
        yield engine, address


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Desk]]:
    """Open the page in a browser context of its own; afterwards, nothing may have gone wrong in it."""
    desks: list[Desk] = []

    def open_page(address: str, path: str = "", **options: Any) -> Desk:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
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


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    path.write_bytes(picture_bytes(300, 400))
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "film.mp4", frames=30, size=(180, 320))
