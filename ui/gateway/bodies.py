"""The bodies of requests: how large they may be, how slowly they may come, and what their JSON may hold."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from sam2_core.errors import BadPrompt, MaskletError
from ui.page.live import MAX_FRAME_BYTES
from ui.protocol import LARGE_REQUEST_CHARACTERS, MAX_REQUEST_CHARACTERS
from ui.protocol.structure import StructureLimits
from ui.settings import Settings

ReadOffLoop: TypeAlias = Callable[..., Awaitable[Any]]
SLACK = 1_000_000  # bytes around the files of an upload; our own routes count exactly, and refuse in their own words
MIN_RATE = 1000.0  # bytes a second that a body must have on average
_SMALL_ELEMENTS, _CALL_ELEMENTS, _MAX_DEPTH = 2_000, 200_000, 32  # of JSON; a call may name thousands of files


class Refused(MaskletError):
    """A request that is answered with this status and sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """What a body may have: bytes, and values in its JSON (0: it is a file and not looked into)."""

    max_bytes: int
    max_elements: int = 0


class BodyLimits:
    """The limits of all addresses; what is not listed takes a small body."""

    def __init__(self, settings: Settings) -> None:
        largest = max(settings.max_upload_bytes, settings.max_album_bytes)
        file = BodyLimit(settings.max_upload_bytes + SLACK)
        call = BodyLimit(int(1e6 * settings.max_call_mb), _CALL_ELEMENTS)
        self._rows: Sequence[tuple[re.Pattern[str], BodyLimit]] = [
            (re.compile(r"/gradio_api/upload/?"), BodyLimit(largest + SLACK)),
            (re.compile(r"/gradio_api/(run|api|call|queue)/.*"), call),
            (re.compile(r"/gradio_api/mcp(/.*)?"), call),
            (re.compile(r"/login/?"), BodyLimit(10_000)),
            (re.compile(r"/s/[^/]+/(upload|import|backdrop)"), file),
            (re.compile(r"/s/[^/]+/send"), BodyLimit(MAX_REQUEST_CHARACTERS + SLACK)),
            (re.compile(r"/s/[^/]+/live"), BodyLimit(MAX_FRAME_BYTES + SLACK)),
        ]
        self._small = BodyLimit(1000 * settings.max_body_kb, _SMALL_ELEMENTS)

    def of(self, path: str) -> BodyLimit:
        """The limit for a path."""
        return next((limit for pattern, limit in self._rows if pattern.fullmatch(path)), self._small)


class Body:
    """One request's body, as it comes in; raises `Refused`."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        limit: BodyLimit,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._receive, self._limit, self._seconds, self._clock = receive, limit, seconds, clock
        self._size, self._began, self._is_complete = 0, clock(), False
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or len(announced) > 18 or int(announced) > limit.max_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """The next message; after the end of the body, which may take any time, that of a closed connection."""
        if self._is_complete:
            return await self._receive()
        left = self._seconds + self._size / MIN_RATE - (self._clock() - self._began)
        try:
            message = await asyncio.wait_for(self._receive(), max(0.01, min(left, self._seconds)))
        except (asyncio.TimeoutError, TimeoutError) as error:
            raise Refused(408, "This request did not arrive in time. Send it again.") from error
        self._size += len(message.get("body", b""))
        if self._size > self._limit.max_bytes:
            raise self._too_large()
        self._is_complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def read_checked(self, off_loop: ReadOffLoop) -> Receive:
        """Read the whole body and check what it may hold as JSON, before anything parses it; it can then be received
        from the result."""
        parts = []
        while not self._is_complete:
            message = await self.receive()
            if message["type"] != "http.request":
                return _replayed([message], self._receive)
            parts.append(message.get("body", b""))
        whole = b"".join(parts)
        limits = StructureLimits(self._limit.max_bytes, self._limit.max_elements, _MAX_DEPTH)
        try:
            if len(whole) > LARGE_REQUEST_CHARACTERS:
                await off_loop(limits.check, whole)
            else:
                limits.check(whole)
        except BadPrompt as error:
            raise Refused(413, str(error)) from error
        return _replayed([{"type": "http.request", "body": whole, "more_body": False}], self._receive)

    @property
    def is_checked(self) -> bool:
        """Whether what it holds must be checked."""
        return self._limit.max_elements > 0

    def _too_large(self) -> Refused:
        size = self._limit.max_bytes
        most = f"{size // 1_000_000} MB" if size >= 1_000_000 else f"{size // 1000} kB"
        return Refused(413, f"This request is too large: up to {most} fit.")


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    async def replay() -> Message:
        return messages.pop(0) if messages else await receive()

    return replay
