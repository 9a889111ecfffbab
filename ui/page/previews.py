"""Previews of effects: frames painted for a page by the same code that paints those of a download."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from sam2_core.errors import BadPrompt, Busy, SessionGone
from sam2_core.media import EffectStack, MaskedMedia, ObjectTraits, Painter
from sam2_core.media.info import RgbArray
from sam2_core.serving.workspace import Workspace
from sam2_core.types import FrameMasks
from ui.files import load_backdrops
from ui.jobs import RateLimit
from ui.sessions import Services

MAX_EFFECTS = 16_000  # characters of effects as JSON
SIDES = range(160, 1281)  # pixels of a preview's longer side
MAX_WAITING = 4  # of one session; an honest page has one on its way
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_OBJECT = re.compile(r"([1-9]\d{0,5})\.([0-9a-f]{6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PreviewOptions:
    """A frame with effects, at most `side` pixels long; of the masks those of `objects`, the last above."""

    frame: int
    effects: EffectStack
    objects: tuple[ObjectTraits, ...]
    side: int


def read_preview_options(frame: int, query: Mapping[str, str], max_objects: int) -> PreviewOptions:
    """Read a preview's query: effects as JSON, objects as `id.rrggbb,…`, side. Raises `BadPrompt`."""
    text, named, side = query.get("effects", ""), query.get("objects", ""), query.get("side", "")
    if len(text) > MAX_EFFECTS or len(named) > 16 * max_objects:
        raise BadPrompt("This look is too long. Remove some of it.")
    if not (side.isascii() and side.isdigit() and len(side) < 6 and int(side) in SIDES):
        raise BadPrompt(f"The side of a preview goes from {SIDES[0]} to {SIDES[-1]} pixels.")
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadPrompt("A look is a JSON object. Reload the page.") from error
    return PreviewOptions(frame, EffectStack.from_json(plain), _read_objects(named, max_objects), int(side))


def _read_objects(text: str, max_objects: int) -> tuple[ObjectTraits, ...]:
    found = [_OBJECT.fullmatch(part) for part in text.split(",")] if text else []
    read = [(int(each[1]), bytes.fromhex(each[2])) for each in found if each is not None]
    if len(read) < len(found) or len(read) > max_objects or len({number for number, _ in read}) < len(read):
        raise BadPrompt(f"A preview names up to {max_objects} objects, each once, with their colors. Reload the page.")
    return tuple(ObjectTraits(number, "", "", (color[0], color[1], color[2])) for number, color in read)


class EffectPreviews:
    """Paints previews for one page, one after the other. Belongs to one event loop."""

    def __init__(self, services: Services) -> None:
        self._executors = services.executors
        self.rate = RateLimit(services.settings.messages_per_second)
        self._turn, self._waiting = asyncio.Lock(), 0
        self._key: object = None
        self._forgotten = 0  # grows with the media that were closed
        self._painter: Painter | None = None

    async def paint(
        self, workspace: Workspace, options: PreviewOptions, backdrops: Mapping[str, Path]
    ) -> tuple[bytes, str]:
        """The picture and its type. Raises `Busy` where too many wait, and whatever the painting raises."""
        self.rate.count()
        if self._waiting >= MAX_WAITING:
            raise Busy("The server is still painting. Wait a moment and try again.")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._paint_now(workspace, partial(self._paint, workspace, options, backdrops))
        finally:
            self._waiting -= 1

    def forget(self) -> None:
        """Let go of what was kept for the medium that was open."""
        self._forgotten += 1
        self._key = self._painter = None

    async def _paint_now(self, workspace: Workspace, work: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str]:
        before = self._forgotten
        try:
            return await self._executors.paint(work)
        except SessionGone:
            await workspace.masks(range(1))  # brings it back
            return await self._executors.paint(work)
        finally:
            if self._forgotten != before:  # the thread kept what it painted with, though its medium was closed
                self._key = self._painter = None

    def _paint(self, workspace: Workspace, options: PreviewOptions, backdrops: Mapping[str, Path]) -> tuple[bytes, str]:
        painter = self._painter_for(workspace, options, backdrops)
        return _encode(painter.paint(options.frame, _fit(workspace.store.frame(options.frame), options.side)))

    def _painter_for(self, workspace: Workspace, options: PreviewOptions, backdrops: Mapping[str, Path]) -> Painter:
        """The former one, as long as nothing has changed: it keeps what several frames need."""
        key = (workspace.version, workspace.state, repr(options.effects), options.objects, tuple(backdrops))
        if self._painter is None or key != self._key:
            self._painter, self._key = _new_painter(workspace, options, backdrops), key
        return self._painter


def _new_painter(workspace: Workspace, options: PreviewOptions, backdrops: Mapping[str, Path]) -> Painter:
    masks = workspace.read_masks if options.objects else _no_masks  # without objects no session is needed
    return Painter(options.effects, MaskedMedia(workspace.store, masks, options.objects), load_backdrops(backdrops))


def _no_masks(frames: range) -> Sequence[FrameMasks]:
    return [FrameMasks(frame, 0, ()) for frame in frames]


def _fit(picture: RgbArray, side: int) -> RgbArray:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _encode(painted: RgbArray) -> tuple[bytes, str]:
    if painted.shape[2] == 4:
        seen = cv2.copyTo(painted, painted[:, :, 3])  # what cannot be seen is black, which weighs next to nothing
        pixels = cv2.cvtColor(seen, cv2.COLOR_RGBA2BGRA)
        return cv2.imencode(".png", pixels, _PNG)[1].tobytes(), "image/png"
    pixels = cv2.cvtColor(painted, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", pixels, _JPEG)[1].tobytes(), "image/jpeg"
