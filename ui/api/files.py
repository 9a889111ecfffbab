"""Files that the API's callers send and get. Both pass through the one folder from which Gradio serves.

Whoever knows a file's address there may read it, so each lies in a folder whose name cannot be guessed, and is deleted
a few minutes later (`delete_cache` of the Blocks). Gradio takes any number of files from anybody, and forgets those
that were not received completely; `UploadLimit` bounds both.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import route_utils
from gradio.route_utils import GradioUploadFile
from gradio.utils import get_upload_folder
from gradio_client.utils import is_file_obj_with_meta, is_http_url_like
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sam2_core.errors import MediaError

UPLOAD_PATH = "/gradio_api/upload"
MIN_FILE_BYTES = 4096  # that a file takes on the disk
ABANDONED_SECONDS = 600.0  # after which an incomplete file is not written to any more
_FOLDER_VARIABLE = "GRADIO_TEMP_DIR"
_exchange: Path | None = None  # of the server that is there
_NOT_SENT = "This is no file that was sent to this server. Send one with `handle_file` of gradio_client."


class _UnguessableUpload(GradioUploadFile):  # type: ignore[misc]
    """Gradio names the folder of a file after its content: equal files of two callers would lie in one folder, and
    either could find out what the other one has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sha.update(secrets.token_bytes(32))


@contextlib.contextmanager
def exchange_in(folder: Path) -> Iterator[None]:
    """Let Gradio keep all files that callers send and get in this folder, under names that nobody can guess.

    Gradio asks the environment for it, when an app is built and at each call: of several servers in one process the
    first one decides.
    """
    global _exchange
    if _exchange is not None:
        yield
        return
    former, _exchange = os.environ.get(_FOLDER_VARIABLE), folder
    os.environ[_FOLDER_VARIABLE] = str(folder)
    route_utils.GradioUploadFile = _UnguessableUpload
    try:
        yield
    finally:
        _exchange = None
        if former is None:
            del os.environ[_FOLDER_VARIABLE]
        else:
            os.environ[_FOLDER_VARIABLE] = former


def receive_file(sent: Any, folder: Path) -> Path:
    """Bring a file that was sent through Gradio into a new folder below `folder`. Blocks.

    Raises `MediaError` for anything else: `sent` is whatever the caller wrote.
    """
    if not is_file_obj_with_meta(sent):
        raise MediaError(_NOT_SENT)
    source = Path(sent["path"]).resolve()
    if not source.is_relative_to(Path(get_upload_folder()).resolve()) or not source.is_file():
        raise MediaError(_NOT_SENT)
    return _link(source, folder / f"incoming-{secrets.token_hex(8)}")


def share_file(path: Path) -> Path:
    """Put a file where a caller can fetch it, under its own name in a new folder. Blocks."""
    return _link(path, _shared_folder())


def share_bytes(name: str, content: bytes) -> Path:
    """Put a file with this content where a caller can fetch it. Blocks."""
    folder = _shared_folder()
    folder.mkdir(mode=0o700, parents=True)
    (folder / name).write_bytes(content)
    return folder / name


def refuse_addresses(component: Any) -> None:
    """Let an input of an endpoint take files that were sent, but no addresses: Gradio would fetch those by itself."""
    keep = component.async_move_resource_to_block_cache

    async def keep_sent_files(path: Any) -> Any:
        if is_http_url_like(str(path)):
            raise gr.Error("Files are sent, not fetched from addresses. Download it first.", print_exception=False)
        return await keep(path)

    component.async_move_resource_to_block_cache = keep_sent_files


def _shared_folder() -> Path:
    return Path(get_upload_folder()) / secrets.token_hex(20)


def _link(source: Path, folder: Path) -> Path:
    """The same file in a new folder; a copy, where the disk has no links."""
    folder.mkdir(mode=0o700, parents=True)
    target = folder / source.name
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


class _TooLarge(Exception):
    """More came than fits."""


class UploadLimit:
    """ASGI middleware around Gradio's app that refuses uploads.

    Args:
        app: Gradio's app.
        max_request_bytes: Of one request.
        max_total_bytes: Of all files that are there, together with those that are on their way.
    """

    def __init__(self, app: ASGIApp, max_request_bytes: int, max_total_bytes: int) -> None:
        self._app, self._max_request_bytes, self._max_total_bytes = app, max_request_bytes, max_total_bytes
        self._incoming_bytes = 0
        self._incomplete: set[Path] = set()  # files that appeared during a request, and were not moved at its end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].rstrip("/").endswith(UPLOAD_PATH):
            await self._app(scope, receive, send)
            return
        size, folder = self._announced_bytes(scope), Path(get_upload_folder())
        try:
            with self._reserved(size):
                if size > self._max_request_bytes:
                    raise _TooLarge
                present = await asyncio.to_thread(tidy, folder, self._incomplete)
                if self._incoming_bytes + present > self._max_total_bytes:
                    text = "Too many files are here at the moment. Try again in a few minutes."
                    await PlainTextResponse(text, 503)(scope, receive, send)
                    return
                before = _incomplete_files(folder)
                self._incomplete &= before  # the others have gone
                try:
                    await self._app(scope, _limited(receive, size), send)
                finally:
                    self._incomplete |= _incomplete_files(folder) - before
        except _TooLarge:
            text = f"Up to {self._max_request_bytes // 1_000_000} MB fit at once."
            await PlainTextResponse(text, 413)(scope, receive, send)

    def _announced_bytes(self, scope: Scope) -> int:
        """Size of the request, the largest possible where it does not say."""
        announced = Headers(scope=scope).get("content-length", "")
        return int(announced) if announced.isdecimal() and len(announced) < 20 else self._max_request_bytes

    @contextlib.contextmanager
    def _reserved(self, size: int) -> Iterator[None]:
        self._incoming_bytes += size
        try:
            yield
        finally:
            self._incoming_bytes -= size


def _limited(receive: Receive, max_bytes: int) -> Receive:
    left = max_bytes

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _TooLarge
        return message

    return counted


def _incomplete_files(folder: Path) -> set[Path]:
    """Files that Gradio is writing: it gives them temporary names in the folder, and moves those that are whole."""
    try:
        with os.scandir(folder) as entries:
            return {Path(each.path) for each in entries if each.name.startswith("tmp") and each.is_file()}
    except FileNotFoundError:
        return set()


def tidy(folder: Path, incomplete: Collection[Path]) -> int:
    """Delete those of the incomplete files that were not written to for long; the size of all that is left. Blocks.

    No other file is deleted: the folder may belong to more programs than this one.
    """
    size, now = 0, time.time()
    for path in folder.glob("**/*"):
        with contextlib.suppress(OSError):  # somebody else has deleted it
            about = path.stat()
            if path in incomplete and now - about.st_mtime > ABANDONED_SECONDS:
                path.unlink()
            else:
                size += max(MIN_FILE_BYTES, about.st_size)
    return size
