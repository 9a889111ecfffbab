"""What the page may load and do, and who may show it in a frame: headers of every response."""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAME_ANCESTORS_AUTO = "auto"
_SCRIPT = re.compile(rb"<script(?=[\s>])")
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # addresses hold tokens
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}


class PagePolicy:
    """The headers.

    Args:
        frame_ancestors: The setting of this name: origins with commas between them whose pages may show this one in a
            frame, beside its own; auto: none.
    """

    def __init__(self, frame_ancestors: str) -> None:
        others = [each.strip() for each in frame_ancestors.split(",")]
        self._ancestors = [each for each in others if each and each != FRAME_ANCESTORS_AUTO]

    @property
    def is_framed(self) -> bool:
        """Whether pages of other origins may show this one, which then needs cookies of a third party."""
        return bool(self._ancestors)

    def apply(self, headers: MutableHeaders) -> None:
        """Add the headers to a response."""
        for name, value in _FIXED.items():
            headers[name] = value
        if "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = self.content_security_policy()

    def content_security_policy(self, nonce: str = "") -> str:
        """What may be loaded: all from here. Gradio makes functions of text (`unsafe-eval`); scripts that stand in the
        page itself run only with the nonce."""
        scripts = f"'self' 'unsafe-eval' blob:{f' {chr(39)}nonce-{nonce}{chr(39)}' if nonce else ''}"
        rules = {
            "default-src": "'self'",
            "script-src": scripts,
            "style-src": "'self' 'unsafe-inline'",
            "img-src": "'self' data: blob:",
            "media-src": "'self' data: blob: mediastream:",
            "font-src": "'self' data:",
            "connect-src": "'self' data: blob:",
            "worker-src": "'self' blob:",
            "frame-src": "'self' blob:",
            "object-src": "'none'",
            "base-uri": "'self'",
            "form-action": "'self'",
            "frame-ancestors": " ".join(["'self'", *self._ancestors]),
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())


class ScriptNonces:
    """ASGI middleware that lets the scripts run which the server has put into a page, and no others.

    It must see pages before they are packed. No text of users gets into a page here (see `ui.app.component`).
    """

    def __init__(self, app: ASGIApp, policy: PagePolicy) -> None:
        self._app, self._policy = app, policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        parts: list[bytes] = []

        async def with_nonces(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                nonce = secrets.token_urlsafe(16)
                page = _SCRIPT.sub(b'<script nonce="' + nonce.encode() + b'"', b"".join(parts))
                headers = MutableHeaders(raw=start["headers"])
                headers["Content-Security-Policy"] = self._policy.content_security_policy(nonce)
                if "content-length" in headers:
                    headers["content-length"] = str(len(page))
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, with_nonces)


def _is_page(message: Message) -> bool:
    return MutableHeaders(raw=message["headers"]).get("content-type", "").startswith("text/html")
