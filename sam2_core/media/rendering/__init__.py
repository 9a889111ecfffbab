"""Sources drawn anew with a look, at full size; a clip frame by frame, with its times and sound.

still.py     pictures and albums
film.py      clips
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sam2_core.media.order import Kind
from sam2_core.media.rendering.film import write_film
from sam2_core.media.rendering.still import write_jpeg, write_png

CONTAINERS: Mapping[str, Kind] = MappingProxyType({
    "mp4": Kind("picture", "MP4", "Video with the look, sound kept", {"clip": "mp4"}, write_film, ("look",)),
    "png": Kind("picture", "PNG", "The picture with the look", {"image": "png", "album": "zip"}, write_png, ("look",)),
    "jpg": Kind("picture", "JPEG", "The same, smaller", {"image": "jpg", "album": "zip"}, write_jpeg, ("look",)),
})  # fmt: skip
