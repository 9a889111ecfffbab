"""The pictures of a folder, described like an album without reading their pixels, so that annotations find them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.image_files import read_image
from sam2_core.media.info import MediaInfo
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.names import real_name
from sam2_core.media.sequence import PICTURE_SUFFIXES
from sam2_core.media.zip_file import MASK_FOLDERS

MAX_PICTURES = 200_000
_ORIENTATION, _ON_THE_SIDE = 0x0112, (5, 6, 7, 8)  # EXIF


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The files of pictures, and the description of the album that they would be: frame k is `paths[k]`."""

    paths: tuple[Path, ...]
    info: MediaInfo
    unreadable: tuple[str, ...] = ()


def describe_pictures(folder: Path) -> PictureFolder:
    """All pictures in a folder and its folders but for those of masks, by their paths in it; or a single picture.

    Raises `MediaError` if there is none.
    """
    if folder.is_file():
        root, found = folder.parent, [folder]
    elif folder.is_dir():
        root, found = folder, [path for path in sorted(folder.rglob("*")) if _is_picture(path, folder)]
    else:
        raise MediaError(f"There is no folder {folder}.")
    if len(found) > MAX_PICTURES:
        raise MediaError(f"There are more than {MAX_PICTURES} pictures in {folder}. Name one of its folders.")
    paths, names, sizes, orientations, unreadable = list[Path](), list[str](), list[tuple[int, int]](), list[int](), []
    for path in found:
        name = path.relative_to(root).as_posix()
        try:
            size, orientation = _measure(path)
        except (MediaError, OSError):
            unreadable.append(name)
            continue
        paths.append(path)
        names.append(real_name(name))
        sizes.append(size)
        orientations.append(orientation)
    if not paths:
        raise MediaError(f"There is no picture in {folder} that can be read.")
    height, width = (max(size[axis] for size in sizes) for axis in (0, 1))
    turned = tuple(orientations) if max(orientations) > 1 else ()
    kind = {"sizes": tuple(sizes), "names": tuple(names), "orientations": turned}
    info = MediaInfo("album", f"{len(paths)} pictures", len(paths), height, width, height, width, **kind)  # type: ignore[arg-type]
    return PictureFolder(tuple(paths), info, tuple(unreadable))


def _is_picture(path: Path, root: Path) -> bool:
    folders = path.relative_to(root).parts[:-1]
    return (
        path.suffix.lower() in PICTURE_SUFFIXES
        and not any(part.startswith(".") for part in (*folders, path.name))
        and not MASK_FOLDERS & {part.lower() for part in folders}
        and path.is_file()
    )


def _measure(path: Path) -> tuple[tuple[int, int], int]:
    """The upright (height, width) and the EXIF orientation, from the header if Pillow can read it."""
    try:
        with Image.open(path) as image:
            orientation = int(image.getexif().get(_ORIENTATION, 1))
            size = (image.height, image.width)
    except Exception:  # Pillow's readers raise whatever a broken file makes them raise
        pixels = read_image(path, DEFAULT_LIMITS)
        return (pixels.shape[0], pixels.shape[1]), 1
    if not 1 <= orientation <= 8:
        orientation = 1
    return size[::-1] if orientation in _ON_THE_SIDE else size, orientation
