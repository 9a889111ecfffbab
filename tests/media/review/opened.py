"""Reads a written review page back, as a browser would: by its markup."""

from __future__ import annotations

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sam2_core.types import BoolArray


class Opened(HTMLParser):
    """The elements of a page with what stands in them, and the data of its frames."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.blocks: list[tuple[dict[str, str | None], str]] = []
        self._inside = ""
        self.feed(path.read_text("utf-8"))
        self.close()
        data = [(keys, json.loads(text)) for keys, text in self.blocks if keys.get("type") == "application/json"]
        self.frames = {int(keys["data-frame"] or ""): plain for keys, plain in data if "data-frame" in keys}
        [self.about] = [plain for keys, plain in data if keys.get("id") == "about"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.blocks.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._inside, []).append(data)
        if self._inside == "script":
            keys, text = self.blocks[-1]
            self.blocks[-1] = keys, text + data

    @property
    def policy(self) -> str:
        [policy] = [keys["content"] for _, keys in self.elements if keys.get("http-equiv") == "Content-Security-Policy"]
        return policy or ""

    def image(self, frame: int) -> np.ndarray[Any, Any]:
        """(H, W, 3)."""
        data = base64.b64decode(self.frames[frame]["picture"])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))

    def mask(self, frame: int, object_id: int) -> BoolArray | None:
        """On its grid; nothing where the object has none."""
        width, height = self.frames[frame]["grid"]
        pixels = np.zeros((height, width), bool)
        for each in self.frames[frame]["masks"]:
            if each["object"] == object_id:
                x, y, wide, high = each["place"]
                with Image.open(io.BytesIO(base64.b64decode(each["png"]))) as png:
                    pixels[y : y + high, x : x + wide] = np.asarray(png.convert("RGBA"))[..., 3] > 0
                return pixels
        return None
