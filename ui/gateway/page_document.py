"""The document that Gradio makes for `/`, on its way out: completed by the page's own parts, packed, and kept by
browsers as long as it is the same."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.compression import QUICK, PackedText
from ui.gateway.page_policy import PagePolicy

_INLINE_SCRIPT = re.compile(rb"<script(?:\s(?![^>]*\ssrc=)[^>]*)?>(.*?)</script>", re.DOTALL)
_HTML = "text/html"
_VERSIONED = re.compile(r".*/assets/[^/]+-[\w-]{8}\.(?:js|css)")
"""Gradio's files whose names hold a hash of what is in them."""
MAX_KEPT = 16
"""Documents: they differ by the server's name in the address, and by who is logged in."""


class PageDocument:
    """ASGI middleware. It must see documents before they are packed.

    The scripts that stand in a document run by their hashes, and no others do. Unlike nonces, hashes leave the document
    the same from visit to visit. No text of users gets into one here (see `ui.app.component`).

    Args:
        app: What makes the documents.
        policy: Of all responses.
        complete: Gets a document and the address of the server as the browser sees it, and returns what is sent.
    """

    def __init__(self, app: ASGIApp, policy: PagePolicy, complete: Callable[[str, str], str]) -> None:
        self._app, self._policy, self._complete = app, policy, complete
        self._prepared = lru_cache(MAX_KEPT)(self._prepare)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        parts: list[bytes] = []

        async def complete(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_document(message):
                start = message
            elif start is None:
                if message["type"] == "http.response.start" and _is_kept(scope, message):
                    MutableHeaders(raw=message["headers"])["Cache-Control"] = "public, max-age=31536000, immutable"
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    address = str(Request(scope).base_url)
                    response = await asyncio.to_thread(
                        self._respond, Headers(scope=scope), start, b"".join(parts), address
                    )
                    await response(scope, receive, send)

        await self._app(scope, receive, complete)

    def _respond(self, request: Headers, start: Message, body: bytes, address: str) -> Response:
        packed, tag, policy = self._prepared(body, address)
        # A browser takes the headers of a 304 for those of the document that it has.
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Security-Policy": policy}
        if start["status"] == 200 and tag in request.get("if-none-match", ""):
            response = Response(status_code=304, headers={**headers, "Vary": "Accept-Encoding"})
        else:
            response = packed.response(request, _HTML, headers)
            response.status_code = start["status"]
        ours = {name for name, _ in response.raw_headers} | {b"content-length", b"content-encoding"}
        response.raw_headers += [each for each in start["headers"] if each[0].lower() not in ours]
        return response

    def _prepare(self, body: bytes, address: str) -> tuple[PackedText, str, str]:
        page = self._complete(body.decode(), address).encode()
        hashes = [_hash_of(script) for script in _INLINE_SCRIPT.findall(page)]
        tag = f'W/"{hashlib.sha256(page).hexdigest()[:32]}"'
        return PackedText(page, QUICK), tag, self._policy.content_security_policy(hashes)


def _hash_of(script: bytes) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode('ascii')}"


def _is_kept(scope: Scope, message: Message) -> bool:
    return message["status"] == 200 and _VERSIONED.fullmatch(scope["path"]) is not None


def _is_document(message: Message) -> bool:
    return MutableHeaders(raw=message["headers"]).get("content-type", "").startswith(_HTML)
