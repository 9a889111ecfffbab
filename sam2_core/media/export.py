"""The one door to every download: an order becomes a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sam2_core.errors import MediaError
from sam2_core.media.formats import FORMATS
from sam2_core.media.formats.archive import plain_name
from sam2_core.media.material import Material
from sam2_core.media.order import Kind, Order
from sam2_core.media.progress import Progress
from sam2_core.media.rendering import CONTAINERS
from sam2_core.media.review import REVIEWS

_LONGEST_STEM = (
    160  # bytes: file systems take names of up to 255, and the folder of an unfinished file has a longer one
)
KINDS: Mapping[str, Kind] = MappingProxyType({**FORMATS, **CONTAINERS, **REVIEWS})


def export(folder: Path, material: Material, order: Order, progress: Progress | None = None) -> Path:
    """Write what was ordered into a folder, under a name made from the source's; returns the file.

    Raises `MediaError` where there is no such file of this source, or where it cannot be written.
    """
    return write(folder / file_name(material, order.kind), material, order, progress)


def write(path: Path, material: Material, order: Order, progress: Progress | None = None) -> Path:
    """The same under a name of the caller's own."""
    ending_of(order.kind, material.info.kind)
    try:
        KINDS[order.kind].write(path, material, order, progress)
    except OSError as error:
        raise MediaError(f"The file could not be written ({error.strerror}). Is the disk full?") from error
    return path


def file_name(material: Material, kind: str) -> str:
    """`film_coco.json` for the annotations of film.mp4, `film_edited.mp4` for what was drawn anew."""
    return name_for(Path(material.info.name).stem, material.info.kind, kind)


def name_for(stem: str, media: str, kind: str) -> str:
    """The same for the name of a picture, clip or album, without its ending, that need not have been read yet."""
    ending, short = ending_of(kind, media), plain_name(stem).encode()[:_LONGEST_STEM].decode(errors="ignore")
    return f"{short}_{'edited' if KINDS[kind].group == 'picture' else kind}.{ending}"


def ending_of(kind: str, media: str) -> str:
    """The ending of such a file of a picture, clip or album; raises `MediaError` where there is none."""
    if kind not in KINDS:
        raise MediaError(f"“{kind}” cannot be written. Choose one of {', '.join(KINDS)}.")
    if media not in KINDS[kind].endings:
        names = [name for name, each in KINDS.items() if media in each.endings]
        raise MediaError(f"{KINDS[kind].title} is not for this. Choose one of {', '.join(names)}.")
    return KINDS[kind].endings[media]
