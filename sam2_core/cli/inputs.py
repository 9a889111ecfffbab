"""What is given becomes sources: files, folders, patterns such as `'*.jpg'`, and stdin."""

from __future__ import annotations

import argparse
import glob
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from sam2_core.console import Console
from sam2_core.errors import ConfigError, MediaError
from sam2_core.media.image_files import is_image
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.picture_file import PictureFile
from sam2_core.media.sequence import PICTURE_SUFFIXES, NoSequence, order_sequence

STDIN = Path("-")
IMAGE_SUFFIXES = PICTURE_SUFFIXES | {".jfif", ".dib", ".gif"}
CLIP_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".webp", ".png", ".apng", ".avif", ".tif", ".tiff", ".mpg",
    ".mpeg", ".m2v", ".wmv", ".asf", ".flv", ".f4v", ".ts", ".mts", ".m2ts", ".vob", ".mxf", ".ogv", ".3gp", ".3g2",
    ".y4m", ".h264", ".264", ".h265", ".hevc", ".265", ".nut", ".obu", ".ivf", ".mjpeg", ".mjpg",
})  # fmt: skip
"""Suffixes by which files are found in folders; a file that is given itself may have any name. Those in both sets are
of pictures that may move: their content decides."""

_SUFFIXES = {"image": IMAGE_SUFFIXES, "clip": CLIP_SUFFIXES}
_NAMES = {"image": "picture", "clip": "clip"}


def input_path(text: str) -> Path:
    """The argument type of an input; `~` is the home folder, also where the shell leaves it as it is."""
    if not text:  # an unset variable of a script, which would stand for the current folder
        raise argparse.ArgumentTypeError("a file or folder is due, not an empty text")
    return Path(text).expanduser()


def kind_of(source: Path) -> str:
    """Image or clip, by content; a file that cannot be read counts as an image and is reported when it is opened."""
    try:
        return "clip" if source.is_dir() or not is_image(source, name=source.name) else "image"
    except (MediaError, OSError):
        return "image"


def resolve_patterns(paths: Sequence[Path], counts: Callable[[Path], bool] = lambda path: True) -> list[Path]:
    """The paths with patterns replaced by what they match: shells of Windows do not do that, nor any for `'*.jpg'`.

    `**` stands for any folders and then matches files only. A pattern for any suffix matches those files only that
    count. Raises `ConfigError` for a pattern that matches nothing.
    """
    found: list[Path] = []
    for path in paths:
        pattern = str(path)
        if not glob.has_magic(pattern) or os.path.lexists(path):
            found.append(path)
            continue
        matches = sorted(map(Path, glob.glob(pattern, recursive=True)))  # noqa: PTH207 (any folder)
        if "**" in pattern:
            matches = [match for match in matches if match.is_file()]
        if glob.has_magic(path.suffix) or not path.suffix:
            matches = [match for match in matches if match.is_dir() or counts(match)]
        if not matches:
            raise ConfigError(f"No file is called like {pattern}.")
        found += matches
    return found


def find_sources(
    paths: Sequence[Path], kinds: Collection[str], console: Console, one_clip: Callable[[Path], bool]
) -> list[Path]:
    """The given files, and the files of these kinds ("image", "clip") in given folders, each once.

    A folder without clips whose pictures are numbered is one clip if only clips are wanted, and so are such folders in
    a folder; if pictures are wanted, too, `one_clip` decides. A note tells what was assumed. Raises `ConfigError` for
    a folder without anything that is wanted.
    """
    sources: dict[str, Path] = {}
    found = resolve_patterns(paths, lambda path: _is_wanted(path, kinds))
    for path in found:
        try:
            inside = _in_folder(path, kinds, console, one_clip) if path.is_dir() else [path]
        except ConfigError as error:
            if path in paths or len(found) == 1:
                raise
            console.note(f"{error} It is left out.")
            continue
        for source in inside:
            sources.setdefault(os.path.abspath(source), source)  # noqa: PTH100 (Path.resolve would follow links)
    if not sources:
        raise ConfigError(f"There is no {' or '.join(_NAMES[kind] for kind in kinds)} in these folders.")
    return list(sources.values())


def _in_folder(folder: Path, kinds: Collection[str], console: Console, one_clip: Callable[[Path], bool]) -> list[Path]:
    pictures = pictures_in(folder)
    if "clip" in kinds and is_numbered(pictures):
        count = f"{folder}: {len(pictures)} numbered pictures"
        if one_clip(folder) if "image" in kinds else not _has_clips(folder, pictures):
            console.note(f"{count}, taken as the frames of one clip")
            return [folder]
        console.note(f"{count}, each taken by itself" if "image" in kinds else f"{count} beside clips are left out")
    visible = _visible_files(folder)
    if files := [path for path in visible if _is_wanted(path, kinds)]:
        moving = [path.name for path in visible if path.suffix.lower() in IMAGE_SUFFIXES and path not in files]
        if moving and "clip" not in kinds:
            more = f" and {len(moving) - 1} more" if len(moving) > 1 else ""
            console.note(f"{folder}: left out, as of several frames or pages: {moving[0]}{more}")
        return files
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    clips = [path for path in folders if is_numbered(pictures_in(path))] if "clip" in kinds else []
    if clips:
        console.note(f"{folder}: {len(clips)} folders of numbered pictures, each taken as one clip")
        return clips
    advice = ""
    if pictures:
        advice = ": its pictures are not numbered as the frames of one clip are (frame_0001.png, frame_0002.png …)"
    elif folders:
        advice = f". For those in its folders, write '{folder / '**' / '*.*'}'"
    raise ConfigError(f"There is no {' or '.join(_NAMES[kind] for kind in kinds)} in the folder {folder}{advice}.")


def is_numbered(pictures: Sequence[Path]) -> bool:
    """Whether these are several pictures whose names are those of the frames of one clip."""
    try:
        return len(pictures) > 1 and len(order_sequence([path.name for path in pictures])[0]) > 1
    except NoSequence:
        return False


def _has_clips(folder: Path, pictures: Sequence[Path]) -> bool:
    """Whether there are clips in a folder of numbered pictures: files of other kinds, or pictures that move."""
    moving = CLIP_SUFFIXES - IMAGE_SUFFIXES
    return kind_of(pictures[0]) == "clip" or any(path.suffix.lower() in moving for path in _visible_files(folder))


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder that may be frames of a clip, by name."""
    return [path for path in _visible_files(folder) if path.suffix.lower() in PICTURE_SUFFIXES]


def _visible_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())


def _is_wanted(path: Path, kinds: Collection[str]) -> bool:
    suffix = path.suffix.lower()
    possible = {kind for kind, suffixes in _SUFFIXES.items() if suffix in suffixes}
    if not possible.intersection(kinds) or possible <= set(kinds):
        return bool(possible.intersection(kinds))
    try:
        with PictureFile(path, DEFAULT_LIMITS) as file:
            is_clip = file.count > 1 or file.is_animated_gif
    except (MediaError, OSError):  # reported when it is opened, not left out in silence
        return True
    return ("clip" if is_clip else "image") in kinds
