"""Files that the API's callers send to Gradio: as many as there is room for.

Gradio takes any number of files from anybody, and forgets those that did not arrive whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from gradio.utils import get_upload_folder
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESS = "/gradio_api/upload"
LEAST_BYTES = 4096  # that a file takes of the disk
ABANDONED_SECONDS = 600.0  # after which nobody writes a file any more that did not become whole


class TooLarge(Exception):
    """More came than fits."""


class UploadLimit:
    """Around Gradio's app: refuses uploads beyond `most_at_once` bytes, and beyond `most` bytes of all that is here."""

    def __init__(self, app: ASGIApp, most_at_once: int, most: int) -> None:
        self._app, self._most_at_once, self._most = app, most_at_once, most
        self._coming = 0  # bytes that are on their way
        self._unfinished: set[Path] = set()  # files that appeared during a request, and were not moved at its end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].rstrip("/").endswith(ADDRESS):
            await self._app(scope, receive, send)
            return
        size, folder = self._announced(scope), Path(get_upload_folder())
        try:
            with self._reserved(size):
                if size > self._most_at_once:
                    raise TooLarge
                if self._coming + await asyncio.to_thread(tidy, folder, self._unfinished) > self._most:
                    text = "Too many files are here at the moment. Try again in a few minutes."
                    await PlainTextResponse(text, 503)(scope, receive, send)
                    return
                before = unfinished(folder)
                self._unfinished &= before  # the others have gone
                try:
                    await self._app(scope, _up_to(size, receive), send)
                finally:
                    self._unfinished |= unfinished(folder) - before
        except TooLarge:
            text = f"Up to {self._most_at_once // 1_000_000} MB fit at once."
            await PlainTextResponse(text, 413)(scope, receive, send)

    def _announced(self, scope: Scope) -> int:
        """Bytes of the request, the most that may come where it does not say."""
        announced = Headers(scope=scope).get("content-length", "")
        return int(announced) if announced.isdecimal() and len(announced) < 20 else self._most_at_once

    @contextlib.contextmanager
    def _reserved(self, size: int) -> Iterator[None]:
        self._coming += size
        try:
            yield
        finally:
            self._coming -= size


def _up_to(most: int, receive: Receive) -> Receive:
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise TooLarge
        return message

    return counted


def unfinished(folder: Path) -> set[Path]:
    """Files that Gradio is writing: it gives them temporary names right in the folder, and moves what is whole."""
    try:
        with os.scandir(folder) as entries:
            return {Path(each.path) for each in entries if each.name.startswith("tmp") and each.is_file()}
    except FileNotFoundError:
        return set()


def tidy(folder: Path, unfinished: Collection[Path]) -> int:
    """Of these files remove those that nobody has written to for long; count the bytes of all that is left. Blocks.

    No other file goes: the folder may belong to more programs than this one.
    """
    size, now = 0, time.time()
    for path in folder.glob("**/*"):
        with contextlib.suppress(OSError):  # somebody else has removed it
            about = path.stat()
            if path in unfinished and now - about.st_mtime > ABANDONED_SECONDS:
                path.unlink()
            else:
                size += max(LEAST_BYTES, about.st_size)
    return size
