"""Texts in the encodings that browsers take. Gradio's middleware packs by the ending of a path, and `/` has none."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cached_property

import brotli
from starlette.datastructures import Headers
from starlette.responses import Response

BEST, QUICK = 10, 9  # qualities of Brotli: 0.4 s for all modules of the page, or a tenth of it for a few per cent more


class PackedText:
    """One text and its packed forms, each made when it is first asked for, and then kept.

    Args:
        data: The text as bytes.
        quality: Of Brotli, 0 to 11.
    """

    def __init__(self, data: bytes, quality: int = BEST) -> None:
        self.data, self._quality = data, quality

    @cached_property
    def _brotli(self) -> bytes:
        return bytes(brotli.compress(self.data, mode=brotli.MODE_TEXT, quality=self._quality))

    @cached_property
    def _gzip(self) -> bytes:
        return gzip.compress(self.data, mtime=0)

    def response(self, request: Headers, media_type: str, headers: Mapping[str, str]) -> Response:
        """The answer to a request with these headers. The first of a kind takes a while: not for an event loop."""
        accepted = accepted_encodings(request.get("accept-encoding", ""))
        if "br" in accepted:
            body, encoding = self._brotli, {"Content-Encoding": "br"}
        elif "gzip" in accepted:
            body, encoding = self._gzip, {"Content-Encoding": "gzip"}
        else:
            body, encoding = self.data, {}
        return Response(body, headers={**headers, "Vary": "Accept-Encoding", **encoding}, media_type=media_type)


def accepted_encodings(header: str) -> frozenset[str]:
    """The names in a value of Accept-Encoding, without those that it forbids (`br;q=0`)."""
    offers = (each.partition(";") for each in header.lower().split(","))
    return frozenset(name.strip() for name, _, weight in offers if weight.replace(" ", "") not in ("q=0", "q=0.0"))
