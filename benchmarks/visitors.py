"""Visitors of a real server over real sockets, for benchmarks: what a page sends and waits for, without a browser."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any

import httpx
import numpy as np
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.startup import free_port
from sam2_core.paths import ROOT

START_SECONDS = 180.0
ANSWER_SECONDS = 120.0


class Refused(Exception):
    """The server answered with an error."""


def photo(seed: int, height: int = 720, width: int = 960) -> bytes:
    """A JPEG of smooth noise with a bright disc in its middle."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 160, (9, 12, 3), dtype=np.uint8)
    pixels = np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    rows, columns = np.ogrid[:height, :width]
    pixels[(rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (height / 4) ** 2] += 90
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


@asynccontextmanager
async def served(*flags: str) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server of its own process whose network is ready: its address, and the process."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        await _until_ready(address)
        yield address, process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)


async def _until_ready(address: str) -> None:
    end = time.monotonic() + START_SECONDS
    async with httpx.AsyncClient() as client:
        while time.monotonic() < end:
            try:
                if (await client.get(f"{address}/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass  # it does not listen yet
            await asyncio.sleep(0.2)
    raise TimeoutError(f"The server was not ready within {START_SECONDS:.0f} seconds.")


class Visitor:
    """One page: its session, its socket and the events that came. Use it as a context manager."""

    def __init__(self, address: str) -> None:
        # A connection that was kept might be closed by the server in the moment in which it is used again.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._address, self._client = address, httpx.AsyncClient(timeout=ANSWER_SECONDS, limits=limits)
        self._socket: ClientConnection | None = None
        self._token = ""
        self._seq = 0
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None
        self.frames = 0  # tracked so far

    async def __aenter__(self) -> Visitor:
        call = {"fn_index": 0, "data": [], "session_hash": f"{id(self):x}"}
        answer = await self._client.post(f"{self._address}/gradio_api/run/predict", json=call)
        about = answer.raise_for_status().json()["data"][0]["props"]
        if about["problem"]:
            await self._client.aclose()
            raise Refused(about["problem"])
        self._token = about["token"]
        self._socket = await connect(f"ws{self._address[4:]}/s/{self._token}/ws", max_size=None)
        self._listening = asyncio.create_task(self._listen(self._socket))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.post(f"{self._address}/s/{self._token}/bye")
        if self._listening is not None and self._socket is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            await self._socket.close()
        await self._client.aclose()

    async def open(self, content: bytes, name: str = "photo.jpg") -> float:
        """Upload a file; seconds until it is open."""
        start = time.perf_counter()
        answer = await self._client.post(
            f"{self._address}/s/{self._token}/upload", params={"name": name}, content=content
        )
        answer.raise_for_status()
        await self._wait("opened")
        return time.perf_counter() - start

    async def open_example(self, name: str) -> int:
        """Open one of the server's examples; its number of frames."""
        (await self._client.post(f"{self._address}/s/{self._token}/example/{name}")).raise_for_status()
        return int((await self._wait("opened"))["medium"]["frames"])

    async def click(self, x: float, y: float, frame: int = 0, number: int = 1) -> float:
        """Click at this pixel; seconds until the mask is here."""
        self._seq += 1
        start = time.perf_counter()
        prompt = {"points": [[x, y, 1]]}
        await self._send("set_prompt", seq=self._seq, frame=frame, object=number, prompt=prompt)
        await self._wait("masks", seq=self._seq)
        return time.perf_counter() - start

    async def track(self, frames: int) -> None:
        """Track forward through the clip, again and again, until cancelled."""
        run = 0
        while True:
            run += 1
            await self._send("track", run=run, direction="forward", frame=0, first=0, last=frames - 1)
            await self._wait("done", run=run)
            await self.click(80.0 + run % 7, 60.0)  # makes all of it stale

    async def _send(self, kind: str, **fields: Any) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps({"t": kind, **fields}))

    async def _wait(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next event of this kind; raises `Refused` where an error comes first."""
        while True:
            event = await asyncio.wait_for(self._events.get(), ANSWER_SECONDS)
            if event["t"] == kind and all(event.get(name) == value for name, value in wanted.items()):
                return event
            if event["t"] == "error":
                raise Refused(event["text"])

    async def _listen(self, socket: ClientConnection) -> None:
        async for message in socket:
            assert isinstance(message, bytes)
            event = json.loads(message[4 : 4 + int.from_bytes(message[:4], "little")])
            self.frames += event["t"] == "masks" and "run" in event
            if event["t"] in ("masks", "opened", "done", "error"):
                self._events.put_nowait(event)
