"""An ingested picture, clip or album: a folder in which every frame is one seek away.

frames.mjpeg    all frames as JPEG, one after another
index.npz       offsets (frames + 1,) int64, times (frames,) float64 in seconds, start () float64
about.json      the `MediaInfo`
source          the file as it was uploaded, for results at full quality
sources/        in its place the photos of an album: 0001 is that of frame 0
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError
from sam2_core.media.info import FloatArray, MediaInfo, RgbArray

FRAMES, INDEX, ABOUT, SOURCE, SOURCES = "frames.mjpeg", "index.npz", "about.json", "source", "sources"
_VERSION = 1
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
_THUMBNAIL_QUALITY = 80


class Store:
    """Reads the frames of one store; any thread may call. Close it, or use it in a `with` block.

    No file stays open between two reads, so a store that nobody closed holds nothing.
    """

    def __init__(self, folder: Path, info: MediaInfo, times: FloatArray, offsets: npt.NDArray[np.int64], start: float):
        """`open_store` reads the arguments from the folder."""
        self.folder = folder
        self.info = info
        self.times = times
        self.start = start
        """Seconds from the start of the source (usually of its sound) to frame 0."""
        self._offsets = offsets
        self._closed = False

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def source(self) -> Path:
        """The picture or clip as it was uploaded; an album has `source_of` each photo."""
        return self.folder / SOURCE

    def source_of(self, frame: int) -> Path:
        """The file as it was uploaded that frame `frame` comes from."""
        return album_source_path(self.folder, frame) if self.info.kind == "album" else self.source

    def jpeg(self, frame: int) -> bytes:
        """Frame `frame` as a JPEG of stored size. Raises `MediaError` for a frame that does not exist."""
        if not 0 <= frame < self.info.frames:
            raise MediaError(f"Frame {frame} does not exist: choose one from 0 to {self.info.frames - 1}.")
        begin, end = int(self._offsets[frame]), int(self._offsets[frame + 1])
        if self._closed:
            raise MediaError("This picture or clip was closed. Open it again.")
        try:
            with (self.folder / FRAMES).open("rb") as frames:
                frames.seek(begin)
                return frames.read(end - begin)
        except FileNotFoundError as error:
            raise MediaError("This picture or clip is no longer here. Upload it again.") from error

    def frame(self, frame: int) -> RgbArray:
        """Frame `frame` as (stored_height, stored_width, 3) uint8 RGB. Raises `MediaError` as `jpeg` does."""
        pixels = cv2.imdecode(np.frombuffer(self.jpeg(frame), np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise MediaError(f"Frame {frame} is damaged. Upload the file again.")
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)

    def thumbnail(self, frame: int, height: int) -> bytes:
        """Frame `frame` as a JPEG `height` pixels high, or as high as it is stored. Raises `MediaError` as `jpeg` does.

        The decoder leaves out most of a large frame, so this is far cheaper than `frame`.
        """
        fits = [parts for parts in _REDUCED if self._stored_height(frame) >= parts * height]
        how = _REDUCED[fits[0]] if fits else cv2.IMREAD_COLOR
        pixels = cv2.imdecode(np.frombuffer(self.jpeg(frame), np.uint8), how)
        if pixels is None:
            raise MediaError(f"Frame {frame} is damaged. Upload the file again.")
        high, wide = pixels.shape[:2]
        if high > height:
            pixels = cv2.resize(pixels, (max(1, round(wide * height / high)), height), interpolation=cv2.INTER_AREA)
        return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY])[1].tobytes()

    def _stored_height(self, frame: int) -> float:
        """At most as high as the frame is stored: no photo of an album is stored larger than the largest."""
        info = self.info
        height, width = info.size_of(frame)
        return height * min(1.0, max(info.stored_height, info.stored_width) / max(height, width))

    def close(self) -> None:
        """Let no more frames be read. Closing twice is harmless."""
        self._closed = True


def album_source_path(folder: Path, frame: int) -> Path:
    """Where a store keeps the source of one photo of an album."""
    return folder / SOURCES / f"{frame + 1:04d}"


def open_store(folder: str | Path) -> Store:
    """Open what `ingest` made. Raises `MediaError` where the folder is missing or cannot be read."""
    folder = Path(folder)
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        if about.pop("version") != _VERSION:
            raise ValueError("other version")
        info = _read_info(about)
        with np.load(folder / INDEX, allow_pickle=False) as index:
            times, offsets, start = index["times"], index["offsets"], float(index["start"])
        if not len(times) == len(offsets) - 1 == info.frames or offsets[-1] != (folder / FRAMES).stat().st_size:
            raise ValueError("parts do not match")
        return Store(folder, info, times, offsets, start)
    except FileNotFoundError as error:
        raise MediaError("This picture or clip is no longer here. Upload it again.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise MediaError("This picture or clip cannot be read any more. Upload it again.") from error


def _read_info(about: dict[str, Any]) -> MediaInfo:
    """JSON knows no tuples."""
    sizes = tuple((int(height), int(width)) for height, width in about.pop("sizes", ()))
    info = MediaInfo(**about | {"sizes": sizes, "names": tuple(about.pop("names", ()))})
    if sizes and not len(sizes) == len(info.names) == info.frames:
        raise ValueError("parts do not match")
    return info


def describe_store(folder: Path, info: MediaInfo, sizes: Sequence[int], times: FloatArray, start: float) -> None:
    """Complete a folder that already holds the frames: write the index and the description.

    `sizes` are the frames' bytes, in order.
    """
    offsets = np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))])
    np.savez(folder / INDEX, offsets=offsets, times=times, start=np.float64(start))
    (folder / ABOUT).write_text(json.dumps({"version": _VERSION, **asdict(info)}), "utf-8")
