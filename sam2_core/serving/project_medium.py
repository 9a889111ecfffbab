"""The picture, clip or album that a project is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sam2_core.media import MediaInfo
from sam2_core.media.names import MAX_PATH, real_name
from sam2_core.serving.prompt_data import is_number, is_whole, require


@dataclass(frozen=True, slots=True)
class ProjectMedium:
    """What a project is about; `sizes` (height, width) and `names` of its photos are an album's."""

    kind: Literal["image", "clip", "album"]
    name: str
    frames: int
    height: int
    width: int
    sizes: tuple[tuple[int, int], ...] = ()
    names: tuple[str, ...] = ()

    def size_of(self, frame: int) -> tuple[int, int]:
        """Height and width of a frame."""
        return self.sizes[frame] if self.sizes else (self.height, self.width)

    def agrees(self, info: MediaInfo) -> bool:
        """Whether prompts made there fit here."""
        here = info.kind, info.frames, info.height, info.width, info.sizes
        return here == (self.kind, self.frames, self.height, self.width, self.sizes)

    def __str__(self) -> str:
        what = {"image": "picture", "clip": "clip", "album": "photos"}[self.kind]
        frames = f", {self.frames} frames" if self.kind != "image" else ""
        return f"the {what} “{self.name}” ({self.width} x {self.height}{frames})"


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(is_whole(side, 1, 100_000) for side in value)


def read_medium(plain: Any) -> ProjectMedium:
    """Read a project file's medium; raises `BadPrompt`."""
    require(isinstance(plain, dict) and isinstance(plain.get("name"), str), "its medium")
    kind, frames, height, width = (plain.get(name) for name in ("kind", "frames", "height", "width"))
    require(kind in ("image", "clip", "album") and is_whole(frames, 1, 10_000_000), "its medium")
    require(_is_size([height, width]) and is_number(plain.get("fps")), "its medium")
    sizes: Sequence[Any] = ()
    names: Sequence[Any] = ()
    if kind == "album":
        sizes, names = plain.get("sizes", ()), plain.get("names", ())
        require(isinstance(sizes, list) and len(sizes) == frames and all(map(_is_size, sizes)), "its photos")
        require(isinstance(names, list) and len(names) == frames, "its photos")
        require(all(isinstance(name, str) for name in names), "its photos")
    return ProjectMedium(
        kind, real_name(plain["name"][:MAX_PATH]), int(frames), int(height), int(width),
        tuple((int(high), int(wide)) for high, wide in sizes),
        tuple(real_name(name[:MAX_PATH]) for name in names),
    )  # fmt: skip
