"""What the page may load and do, and who may show it in a frame: headers of every response."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders

FRAME_ANCESTORS_AUTO = "auto"
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

    def content_security_policy(self, script_hashes: Sequence[str] = ()) -> str:
        """What may be loaded: all from here. Gradio makes functions of text (`unsafe-eval`); scripts that stand in the
        page itself run only if they have one of the hashes."""
        hashes = [f"'{each}'" for each in script_hashes]
        rules = {
            "default-src": "'self'",
            "script-src": " ".join(["'self'", "'unsafe-eval'", "blob:", *hashes]),
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
