"""A whole server with the fake engine, without Gradio around it and without a network."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import re
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketTestSession

from sam2_core.errors import WeightsError
from sam2_core.serving.better_model import BetterModel
from sam2_core.serving.commands import Command, Preview, Track
from sam2_core.serving.detector_registry import DetectorRegistry, detector_entries
from sam2_core.serving.engine import Engine
from sam2_core.serving.model_registry import ModelEntry, ModelRegistry, model_entries
from sam2_core.types import Progress
from tests.fakes import FakeDetectionEngine, FakeEngine
from ui.app import Server
from ui.gateway.middleware import Gateway
from ui.page.connection import PageConnection
from ui.page.routes import Routes
from ui.sessions import Services, Session, SessionRegistry
from ui.settings import Settings, load_settings

DEADLINE = 10.0  # seconds, of whatever a test waits for in another thread


class GatedEngine(FakeEngine):
    """Each step of tracking and each preview waits until the test lets it through."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.gate = threading.Semaphore(0), threading.Semaphore(0)

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, Track | Preview):
            self.entered.release()
            assert self.gate.acquire(timeout=DEADLINE)
        return super().execute(session, command)


Builders: TypeAlias = Mapping[str, Callable[[Progress], Engine]]
MakeBetter: TypeAlias = Callable[[ModelRegistry], BetterModel]


def settings_with(**changes: Any) -> Settings:
    """The default settings but for these, and uploads are read without a process, which takes a second to start."""
    return Settings.model_validate({**load_settings().model_dump(), "decode_seconds": 0.0, **changes})


def registry(settings: Settings, engine: Engine, others: Builders) -> ModelRegistry:
    """The networks that the settings offer: the first is `engine`, the others are built by name or cannot be had."""

    def build(entry: ModelEntry, progress: Progress) -> Engine:
        if entry is entries[0]:
            return engine
        if entry.name not in others:
            raise WeightsError(f"{entry.title} cannot be fetched.")
        return others[entry.name](progress)

    entries = model_entries(settings.first_model, others=settings.other_models, image_size=settings.image_size)
    models = ModelRegistry(entries, build, settings.max_models)
    assert models.acquire(models.default).loader.wait(DEADLINE)
    return models


def detector_registry(settings: Settings, engine: FakeDetectionEngine, problem: str = "") -> DetectorRegistry:
    """The detectors that the settings offer; those called tiny are on the disk."""
    entries = detector_entries(settings.detector_names)
    return DetectorRegistry(entries, lambda decoders: engine, lambda: problem, lambda source: source.endswith("tiny"))


def picture_bytes(height: int = 48, width: int = 64, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def unpack(message: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """A message of the server: its header and its pictures."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    pictures, start = [], 4 + length
    objects = header["objects"] if header["t"] in ("masks", "preview", "live_masks") else []
    for each in (shape for found in objects for shape in (found, *found.get("candidates", ()))):
        pictures.append(message[start : start + each["bytes"]])
        start += each["bytes"]
    for each in header["masks"] if header["t"] == "automatic_masks" else []:
        pictures.append(message[start : start + each["bytes"]])
        start += each["bytes"]
    assert start == len(message)
    return header, pictures


class Page:
    """What a browser does, over a socket."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self.socket = socket

    def send(self, kind: str, /, **fields: Any) -> None:
        self.socket.send_text(json.dumps({"t": kind, **fields}))

    def receive(self, *kinds: str, **wanted: Any) -> dict[str, Any]:
        """The next event of one of these kinds; others are skipped."""
        return self.receive_all(*kinds, **wanted)[0]

    def receive_all(self, *kinds: str, **wanted: Any) -> tuple[dict[str, Any], list[bytes]]:
        while True:
            header, pictures = unpack(self._receive())
            if header["t"] in kinds and all(header.get(name) == value for name, value in wanted.items()):
                return header, pictures
            assert header["t"] != "error" or "error" in kinds, header

    def _receive(self) -> bytes:
        """Starlette's own would wait for ever where the server says nothing."""
        received = self.socket.portal.start_task_soon(self.socket._send_rx.receive)
        try:
            message = received.result(DEADLINE)
        except FutureTimeout:
            received.cancel()
            pytest.fail("The server said nothing more.")
        self.socket._raise_on_close(message)
        return bytes(message["bytes"])


class House:
    """The server's parts, and ways in."""

    def __init__(
        self,
        engine: Engine | None = None,
        others: Builders | None = None,
        better: MakeBetter | None = None,
        **changes: Any,
    ) -> None:
        self.engine: Any = engine or FakeEngine()
        self.settings = settings_with(**changes)
        self.detection = FakeDetectionEngine()
        detectors = detector_registry(self.settings, self.detection)
        models = registry(self.settings, self.engine, others or {})
        self.services = Services.create(self.settings, models, detectors, better and better(models))
        self.now = 0.0
        self.sessions = SessionRegistry(self.services, lambda: self.now)
        routes = Routes(self.sessions)
        app = Starlette(routes=routes.all(), lifespan=routes.lifespan)
        self.client = TestClient(Gateway(app, self.settings, self.services.executors.read_message))

    def session(self) -> Session:
        """A new session, as opening the page makes one."""
        return self.call(self.sessions.open, partial(PageConnection, clock=self.sessions.clock))

    def sweep(self) -> None:
        self.call(self.sessions.sweep)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run something on the server's event loop."""
        assert self.client.portal is not None
        return self.client.portal.call(function, *arguments)

    @contextmanager
    def page(self, token: str, **headers: str) -> Iterator[Page]:
        with self.client.websocket_connect(f"/s/{token}/ws", headers=headers) as socket:
            yield Page(socket)

    def upload(self, token: str, content: bytes, name: str = "picture.png") -> Any:
        return self.client.post(f"/s/{token}/upload", params={"name": name}, content=content)


@contextmanager
def open_house(
    engine: Engine | None = None,
    others: Builders | None = None,
    better: MakeBetter | None = None,
    **changes: Any,
) -> Iterator[House]:
    house = House(engine, others, better, **changes)
    with house.client:
        yield house
    house.services.close()


def free_port() -> int:
    """One that the system gives: Gradio's own search would meet that of tests in another process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def launched(
    engine: Engine,
    *flags: str,
    others: Builders | None = None,
    detection: FakeDetectionEngine | None = None,
    problem: str = "",
    better: MakeBetter | None = None,
) -> Iterator[tuple[Server, str]]:
    """The whole server with Gradio around it, on a free port of this machine, and its address."""
    settings = load_settings((f"--port={free_port()}", "--decode-seconds=0", *flags))
    with _gradios_leaks():
        detectors = detector_registry(settings, detection or FakeDetectionEngine(), problem)
        models = registry(settings, engine, others or {})
        server = Server(settings, models, detectors, better and better(models))
        address = server.start(quiet=True)
    try:
        yield server, address
    finally:
        with _gradios_leaks():
            server.close()


def token_of(client: httpx.Client) -> str:
    """What a page gets when it is opened."""
    config = client.get("config").json()
    [load] = [each["id"] for each in config["dependencies"] if [event for _, event in each["targets"]] == ["load"]]
    answer = client.post("gradio_api/run/predict", json={"data": [], "fn_index": load, "session_hash": "x"}).text
    found = re.search(r'"token": ?"([^"]{20,})"', answer)
    assert found is not None, answer
    return found[1]


@contextmanager
def _gradios_leaks() -> Iterator[None]:
    """Gradio makes itself an event loop again and again where there is none, and never closes it; nor some sockets."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
            gc.collect()
    finally:
        asyncio.set_event_loop(None)
        loop.close()
