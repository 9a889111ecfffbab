"""The files of one session: uploads that are read, backdrops, and downloads."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_core.errors import BadPrompt
from sam2_core.media import (
    EffectStack,
    Limits,
    MediaProgress,
    SkippedFile,
    Store,
    ingest,
    ingest_album,
    ingest_sequence,
)
from sam2_core.media.atomic import new_file, remove_unfinished
from sam2_core.media.decoders import Decoders
from sam2_core.media.image_files import encode_scaled_jpeg, read_image
from sam2_core.media.info import RgbArray
from sam2_core.media.names import short_names
from sam2_core.media.picture_clips import DifferentSizes
from sam2_core.media.progress import SILENT, ProgressReporter
from sam2_core.media.sequence import NoSequence, unpack_pictures
from ui.settings import Settings

MAX_BACKDROPS = 4  # of one session; the least recently used makes room
MAX_BACKDROP_SIDE = 1920  # pixels
_GONE = "The picture behind is not on this server any more. Choose it again."


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file in a folder of its own, and its name or relative path as the user has it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class OpeningOptions:
    """How uploaded files are opened.

    `add`: as photos behind those that are open; `as_clip`: as the numbered frames of a clip; `scale_down`: scaled to
    the limits where they have too many pixels.
    """

    add: bool = False
    as_clip: bool = False
    scale_down: bool = False


AS_THEY_ARE = OpeningOptions()


def open_files(
    decoders: Decoders,
    files: Sequence[UploadedFile],
    folder: Path,
    limits: Limits,
    options: OpeningOptions,
    earlier: Store | None,
    report: MediaProgress,
) -> tuple[SkippedFile, ...]:
    """Turn files into a store in `folder`: one file on its own, several as an album, behind the photos of `earlier`.

    Gives the files that could not be used; raises `MediaError` where nothing is left. Blocks.
    """
    try:
        skipped = decoders.run(read_files, files, folder, limits, options, earlier, report=report)
    except BaseException:
        remove_unfinished(folder)  # a process that was killed leaves behind what it was writing
        raise
    return tuple(SkippedFile(name, reason) for name, reason in skipped)


def limits_of(settings: Settings, options: OpeningOptions) -> Limits:
    """What one upload may have."""
    return Limits(
        max_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_pixels,
        max_side=settings.max_picture_side,
        max_aspect=settings.max_picture_aspect,
        max_pictures=settings.max_pictures,
        max_album_bytes=settings.max_album_bytes,
        max_seconds=settings.max_seconds,
        max_frames=settings.max_frames,
        max_clip_side=settings.max_clip_side,
        max_store_bytes=settings.max_store_bytes,
        scale_down=options.scale_down,
    )


def read_files(
    files: Sequence[UploadedFile],
    folder: Path,
    limits: Limits,
    options: OpeningOptions,
    earlier: Store | None,
    report: MediaProgress,
) -> list[tuple[str, str]]:
    """The part of `open_files` that looks into the files; the names of those that could not be used, and reasons."""
    paths, names = [file.path for file in files], [file.name for file in files]
    if options.as_clip:
        ingest_sequence(paths, folder, limits, report, names=names)
        return []
    if len(files) > 1 or earlier is not None:
        return _reasons(ingest_album(paths, folder, limits, report, earlier, names)[1])
    try:
        ingest(paths[0], folder, limits, report, *short_names(names))
    except (NoSequence, DifferentSizes):  # a ZIP file of photos
        unpacked, inner = unpack_pictures(paths[0], paths[0].parent, limits, ProgressReporter(report))
        return _reasons(ingest_album(unpacked, folder, limits, report, names=inner)[1])
    return []


def _reasons(skipped: Sequence[SkippedFile]) -> list[tuple[str, str]]:
    return [(each.name, each.reason) for each in skipped]


class Downloads:
    """Files that wait to be fetched, each in a folder that cannot be guessed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, Path] = {}

    def new_folder(self) -> Path:
        """For one file. Blocks."""
        folder = self.folder / secrets.token_hex(16)
        folder.mkdir(parents=True)
        return folder

    def add(self, file: Path) -> str:
        """Let a file be fetched; its address, below the session's own."""
        key = file.parent.name
        self._files[key] = file
        return f"download/{key}/{file.name}"

    def find(self, key: str) -> Path | None:
        """The file with this key in its address."""
        return self._files.get(key)

    def clear(self) -> None:
        """Delete them all, also what is half done. Blocks."""
        self._files = {}
        shutil.rmtree(self.folder, ignore_errors=True)


class Backdrops:
    """Pictures that were chosen to stand behind the objects, scaled down, as files in the session's folder.

    A backdrop is named after its content, so that an effect finds it again wherever the same picture was sent.
    """

    def __init__(self, folder: Path, max_pixels: int, decoders: Decoders) -> None:
        self._folder, self._limits, self._decoders = folder, Limits(max_pixels=max_pixels), decoders
        self._kept: dict[str, Path] = {}

    def read(self, file: Path) -> Path:
        """Make a backdrop of an uploaded picture, which `keep` then takes. Blocks; raises `MediaError`."""
        path = self._folder / f"{_digest(file)[:32]}.jpg"
        with new_file(path) as unfinished:  # the same picture may be in use
            self._decoders.run(write_backdrop, file, unfinished, self._limits, report=SILENT)
        return path

    def keep(self, path: Path) -> str:
        """Keep what was read; its name."""
        self._kept.pop(path.stem, None)
        self._kept[path.stem] = path
        while len(self._kept) > MAX_BACKDROPS:
            self._kept.pop(next(iter(self._kept))).unlink(missing_ok=True)
        return path.stem

    def of(self, look: EffectStack) -> dict[str, Path]:
        """The backdrops that effects name; raises `BadPrompt` where one is not here."""
        names = look.backdrops - {""}
        if not names <= self._kept.keys():
            raise BadPrompt(_GONE)
        for name in sorted(names):
            self._kept[name] = self._kept.pop(name)
        return {name: self._kept[name] for name in sorted(names)}


def write_backdrop(source: Path, target: Path, limits: Limits, report: MediaProgress) -> None:
    """Write a picture as a JPEG of the size of backdrops. Raises `MediaError`."""
    jpeg, _ = encode_scaled_jpeg(read_image(source, limits), MAX_BACKDROP_SIDE)
    target.write_bytes(jpeg)


def load_backdrops(paths: Mapping[str, Path]) -> dict[str, RgbArray]:
    """Their pixels, (H, W, 3) each, not to be changed. Blocks; raises `BadPrompt` where one has gone meanwhile."""
    try:
        return {name: _pixels(path) for name, path in paths.items()}
    except OSError as error:
        raise BadPrompt(_GONE) from error


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


@lru_cache(maxsize=8)
def _pixels(path: Path) -> RgbArray:
    """Cached: effects that are being changed are painted many times a second."""
    with Image.open(path) as image:
        pixels = np.array(image.convert("RGB"))
    pixels.setflags(write=False)
    return pixels
