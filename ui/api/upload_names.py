"""The names of files that the API's callers send.

Gradio keeps files under names without some characters, and its client repeats those. The user's own name is only in the
request that brings the file.
"""

from __future__ import annotations

import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradio_client.utils import strip_invalid_filename_characters
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.api.files import UPLOAD_PATH

MAX_NAMES = 10_000  # that are remembered; files are deleted after a few minutes
MAX_ANSWER_BYTES = 1_000_000


class UploadNames:
    """The names under which files were sent, by their paths at Gradio. Belongs to one event loop."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, str] = OrderedDict()

    def record(self, path: str, name: str) -> None:
        """Remember a name; the oldest ones are forgotten."""
        self._names.pop(path, None)
        self._names[path] = name
        while len(self._names) > MAX_NAMES:
            self._names.popitem(last=False)

    def name_of(self, sent: Mapping[str, Any]) -> str:
        """What the user calls a file: the name that the caller gives, or the one that Gradio's client made it from."""
        path, given = str(sent["path"]), sent.get("orig_name")
        recorded = self._names.get(path, "")
        if not isinstance(given, str) or not given:
            return recorded or Path(path).name
        # Browsers and Gradio's client write %22 for a quotation mark, but leave a percent sign as it is.
        names = (recorded, recorded.replace("%22", '"'))
        return next((name for name in names if strip_invalid_filename_characters(name) == given), given)


class UploadNameRecorder:
    """ASGI middleware around Gradio's app that records the names of uploads."""

    def __init__(self, app: ASGIApp, names: UploadNames) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].rstrip("/").endswith(UPLOAD_PATH):
            await self._app(scope, receive, send)
            return
        headers, answer = _PartNames(Headers(scope=scope).get("content-type", "")), bytearray()

        async def read() -> Message:
            message = await receive()
            headers.feed(message.get("body", b""))
            return message

        async def write(message: Message) -> None:
            if len(answer) < MAX_ANSWER_BYTES:
                answer.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._record(bytes(answer), headers.names)
            await send(message)

        await self._app(scope, read, write)

    def _record(self, answer: bytes, names: list[str]) -> None:
        """Gradio answers with the files' paths, in their order."""
        with contextlib.suppress(ValueError):
            paths = json.loads(answer)
            if isinstance(paths, list) and len(paths) == len(names):
                for path, name in zip(map(str, paths), names, strict=True):
                    self._names.record(path, name)


class _PartNames:
    """Collects the file names in the headers of a multipart body."""

    def __init__(self, content_type: str) -> None:
        self.names: list[str] = []
        self._field, self._value = b"", b""
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        self._parser = None
        if boundary:
            callbacks: Any = {
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_end,
            }
            with contextlib.suppress(FormParserError):
                self._parser = MultipartParser(boundary, callbacks)

    def feed(self, body: bytes) -> None:
        """Read on; a body that is no multipart is given up."""
        if self._parser is not None and body:
            try:
                self._parser.write(body)
            except FormParserError:
                self._parser = None

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            options = parse_options_header(self._value)[1]
            if options.get(b"name") == b"files" and b"filename" in options:
                self.names.append(options[b"filename"].decode("utf-8", "replace"))
        self._field, self._value = b"", b""
