"""Limits for one upload, and the messages for uploads that exceed them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2

from sam2_core.errors import MediaError, TooLarge

MAX_OVERSIZE = 2
"""How many times too large a picture or the side of a clip may be to be decoded as it is, and then scaled down."""
NO_MEMORY = "The file takes more memory to be read than it may have here. Scale it down, or use a shorter one."


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file, in pixels, seconds and bytes. The checks raise `MediaError`.

    `max_pixels`, `max_side` and `max_aspect` (longer by shorter side) are for images; clips have limits of their own.
    An image that is no longer than `stored_side_image` may have any aspect. An album has up to `max_pictures` images
    and `max_album_bytes`. Stored frames, which the page and the network use, are scaled down to a longer side of
    `stored_side` (clips) or `stored_side_image` (images). `time_limit` is wall-clock time. With `scale_down`, images
    and clips of too many pixels are scaled down to the limit, as far as that takes a bounded amount of memory.
    """

    max_bytes: int = 2_000_000_000
    max_pixels: int = 80_000_000
    max_side: int = 100_000
    max_aspect: float = 1000.0
    max_clip_side: int = 8192
    max_clip_pixels: int = 8192 * 4320
    max_seconds: float = 1800.0
    max_frames: int = 60_000
    max_store_bytes: int = 8_000_000_000
    stored_side: int = 1280
    stored_side_image: int = 4096
    time_limit: float = 1800.0
    max_pictures: int = 200
    max_album_bytes: int = 4_000_000_000
    scale_down: bool = False

    def scaled_size(self, height: int, width: int) -> tuple[int, int] | None:
        """The size to scale an image to that has too many pixels or too long a side, else None."""
        if height * width <= self.max_pixels and max(height, width) <= self.max_side:
            return None
        scale = min(math.sqrt(self.max_pixels / (height * width)), self.max_side / max(height, width))
        return max(1, int(height * scale)), max(1, int(width * scale))

    @property
    def max_decoded_clip_pixels(self) -> int:
        """The largest frame of a clip to decode."""
        side, pixels = self.max_clip_side, self.max_clip_pixels
        return min(2 * pixels, 4 * side**2) if self.scale_down else min(pixels, side**2)

    def scaled_clip_size(self, height: int, width: int) -> tuple[int, int] | None:
        """The size to scale the frames of a clip to if they are too large, else None. Both are even."""
        scale = min(self.max_clip_side / max(height, width), math.sqrt(self.max_clip_pixels / (height * width)))
        return None if scale >= 1 else (max(2, int(height * scale / 2) * 2), max(2, int(width * scale / 2) * 2))

    def check_bytes(self, size: int) -> None:
        """Reject an empty or too large file."""
        if size == 0:
            raise MediaError("The file is empty (0 bytes). Copy it again, or use another one.")
        if size > self.max_bytes:
            raise MediaError(
                f"The file has {_megabytes(size)}; the limit is {_megabytes(self.max_bytes)}. "
                "Use a shorter or more strongly compressed one."
            )

    def check_pixels(self, height: int, width: int, max_oversize: int = MAX_OVERSIZE) -> None:
        """Reject an image that would take too much memory, before it is decoded.

        `max_oversize` is how many times the limit can be decoded to be scaled down.
        """
        longer, shorter = max(height, width), min(height, width)
        if longer > self.stored_side_image and longer > self.max_aspect * shorter:
            raise MediaError(
                f"The picture has {width} x {height} pixels; the longer side may have up to {self.max_aspect:g} times "
                "those of the shorter one. Cut out the part that matters."
            )
        can_scale = height * width <= max_oversize * self.max_pixels and longer <= MAX_OVERSIZE * self.max_side
        size = self.scaled_size(height, width)
        if size is None or (self.scale_down and can_scale):
            return
        problem = TooLarge if can_scale else MediaError
        if height * width > self.max_pixels:
            raise problem(
                f"The picture has {width} x {height} = {height * width / 1e6:.1f} million pixels; "
                f"the limit is {self.max_pixels / 1e6:.1f} million. Scale it down first, to {_size(size)}."
            )
        raise problem(
            f"The picture has {width} x {height} pixels; the limit is {self.max_side} on the long side. "
            f"Scale it down first, to {_size(size)}."
        )

    def check_clip_size(self, height: int, width: int) -> None:
        """Reject a clip whose frames are too large."""
        size = self.scaled_clip_size(height, width)
        can_scale = max(height, width) <= MAX_OVERSIZE * self.max_clip_side and (
            height * width <= MAX_OVERSIZE * self.max_clip_pixels
        )
        if size is None or (self.scale_down and can_scale):
            return
        problem = TooLarge if can_scale else MediaError
        if max(height, width) > self.max_clip_side:
            raise problem(
                f"The clip's frames are {width} x {height} pixels; the limit is {self.max_clip_side} on the long "
                f"side. Scale the clip down first, to {_size(size)}."
            )
        raise problem(
            f"The clip's frames are {width} x {height} = {height * width / 1e6:.1f} million pixels; "
            f"the limit is {self.max_clip_pixels / 1e6:.1f} million. Scale the clip down first, to {_size(size)}."
        )

    def check_seconds(self, seconds: float) -> None:
        """Reject a clip that is too long."""
        if seconds > self.max_seconds:
            raise MediaError(
                f"The clip lasts {_clock(seconds)}; the limit is {_clock(self.max_seconds)}. "
                "Cut out the part that matters and use that."
            )

    def check_frames(self, frames: int) -> None:
        """Reject a clip with too many frames."""
        if frames > self.max_frames:
            raise MediaError(
                f"The clip has more than {self.max_frames} frames (at least {frames}), which is the limit. "
                "Cut out the part that matters and use that."
            )

    def check_store(self, size: int) -> None:
        """Reject frames that take too much disk space."""
        if size > self.max_store_bytes:
            raise MediaError(
                f"The frames take more than {_megabytes(self.max_store_bytes)} (at least {_megabytes(size)}), "
                "which is the limit. Use a shorter part of the clip, or fewer photos."
            )

    def check_album(self, images: int, size: int) -> None:
        """Reject an album of too many images or bytes."""
        if images > self.max_pictures:
            raise MediaError(f"{images} photos are too many: up to {self.max_pictures} fit. Choose fewer.")
        if size > self.max_album_bytes:
            raise MediaError(
                f"The photos have {_megabytes(size)} together; the limit is {_megabytes(self.max_album_bytes)}. "
                "Choose fewer."
            )


DEFAULT_LIMITS = Limits()


def is_memory_short(error: BaseException) -> bool:
    """Whether no memory was left: OpenCV says it with a code of its own, Pillow and Python's threads with words."""
    if isinstance(error, cv2.error):
        return bool(error.code == cv2.Error.StsNoMem)
    if isinstance(error, OSError | RuntimeError):
        return any(words in str(error) for words in ("out of memory", "can't start new thread"))
    return isinstance(error, MemoryError)


def describe_scaling(what: str, original: tuple[int, int], scaled: tuple[int, ...]) -> str:
    """The warning about a picture or clip that was scaled down; sizes are height and width."""
    return (
        f"The {what} was scaled down from {original[1]} x {original[0]} to {scaled[1]} x {scaled[0]} pixels: "
        "masks have this size."
    )


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _clock(seconds: float) -> str:
    """Minutes and seconds, rounded up so that a length above a limit also prints above it."""
    minutes, rest = divmod(-int(-seconds // 1), 60)
    return f"{minutes}:{rest:02d} min"
