"""What somebody wants to have written, and the kinds of files that there are for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sam2_core.media.effects.look import OVERLAY, Look
from sam2_core.media.info import RgbArray
from sam2_core.media.material import Material
from sam2_core.media.progress import Progress


@dataclass(frozen=True, slots=True)
class Order:
    """One download. `kind` is a name of `export.KINDS`; what does not concern a kind (`Kind.takes`) is ignored.

    `polygons`: outlines in place of run lengths. `pictures`: the frames themselves go into the archive, too.
    `side_by_side`: the source on the left. `cropped`: only the part that the objects ever take up. `largest_side`
    (pixels, 0: as the source) scales down. `backdrops` are the pictures that a look's layers name.
    """

    kind: str
    look: Look = OVERLAY
    polygons: bool = False
    pictures: bool = False
    side_by_side: bool = False
    cropped: bool = False
    largest_side: int = 0
    backdrops: Mapping[str, RgbArray] = field(default_factory=dict)


Write: TypeAlias = Callable[[Path, Material, Order, Progress | None], None]
"""Writes one file, which appears under its name only when complete. Raises `MediaError`, and whatever the masks'
giver and `progress` raise."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `endings` says what it is for a picture, a clip and an album ("image", "clip", "album"); there is
    no such file for what is missing there. `takes` are the fields of `Order` that mean something to it."""

    group: Literal["data", "picture", "review"]
    title: str
    text: str
    endings: Mapping[str, str]
    write: Write
    takes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What a page must know of it."""
        plain = {"group": self.group, "title": self.title, "text": self.text}
        return {**plain, "endings": dict(self.endings), "takes": list(self.takes)}
