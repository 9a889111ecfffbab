"""An ingested image, clip or album: a folder with random access to every frame.

frames.mjpeg    all frames as JPEG, one after another
index.npz       offsets (frames + 1,) int64, times (frames,) float64 in seconds, start () float64
about.json      the `MediaInfo` and the `SourceReading`
source          the uploaded file, for exports at full quality
sources/        instead of it the files of an album, or of a clip made of pictures: 0001 is that of frame 0
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sam2_core.errors import MediaError, shortage
from sam2_core.media.decoders import IN_PROCESS, Decoders
from sam2_core.media.info import FloatArray, MediaInfo, RgbArray, SourceReading

FRAMES, INDEX, ABOUT, SOURCE, SOURCES = "frames.mjpeg", "index.npz", "about.json", "source", "sources"
VIDEO = SourceReading()
_VERSION = 1
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
_THUMBNAIL_QUALITY = 80


class Store:
    """Reads the frames of one store. Thread-safe. No file stays open between two reads. Pickled, it is its folder."""

    def __init__(
        self,
        folder: Path,
        info: MediaInfo,
        times: FloatArray,
        offsets: npt.NDArray[np.int64],
        start: float,
        reading: SourceReading = VIDEO,
        decoders: Decoders = IN_PROCESS,
    ) -> None:
        """See `open_store`."""
        self.folder = folder
        self.info = info
        self.reading = reading
        self.decoders = decoders
        """Runs whatever decodes the uploaded files again (see source_frames.py)."""
        self.times = times
        self.start = start
        """Seconds from the start of the source (usually of its audio) to frame 0."""
        self._offsets = offsets
        self._closed = False

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[[Path], Store], tuple[Path]]:
        return open_store, (self.folder,)

    @property
    def source(self) -> Path:
        """The uploaded image or clip; see `source_of` for albums and clips made of pictures."""
        return self.folder / SOURCE

    def source_of(self, frame: int) -> Path:
        """The uploaded file that frame `frame` comes from."""
        has_many = self.info.kind == "album" or self.reading.parts == "pictures"
        return album_source_path(self.folder, frame) if has_many else self.source

    def jpeg(self, frame: int) -> bytes:
        """Frame `frame` as a JPEG of the stored size. Raises `MediaError` for a frame that does not exist, and `Busy`
        where no more files can be opened."""
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
            raise MediaError("This picture or clip is no longer here. Open it again.") from error
        except OSError as error:
            raise shortage(error) or error from None

    def frame(self, frame: int) -> RgbArray:
        """Frame `frame` as (stored_height, stored_width, 3) uint8 RGB. Raises `MediaError` as `jpeg` does."""
        pixels = cv2.imdecode(np.frombuffer(self.jpeg(frame), np.uint8), cv2.IMREAD_COLOR)
        if pixels is None:
            raise MediaError(f"Frame {frame} is damaged. Open the file again.")
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)

    def thumbnail(self, frame: int, height: int) -> bytes:
        """Frame `frame` as a JPEG of at most `height` pixels. Raises `MediaError` as `jpeg` does.

        Large frames are decoded at reduced size, so this is far cheaper than `frame`.
        """
        reductions = [reduction for reduction in _REDUCED if self._stored_height(frame) >= reduction * height]
        mode = _REDUCED[reductions[0]] if reductions else cv2.IMREAD_COLOR
        pixels = cv2.imdecode(np.frombuffer(self.jpeg(frame), np.uint8), mode)
        if pixels is None:
            raise MediaError(f"Frame {frame} is damaged. Open the file again.")
        stored_height, stored_width = pixels.shape[:2]
        if stored_height > height:
            pixels = cv2.resize(
                pixels, (max(1, round(stored_width * height / stored_height)), height), interpolation=cv2.INTER_AREA
            )
        return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _THUMBNAIL_QUALITY])[1].tobytes()

    def _stored_height(self, frame: int) -> float:
        """A lower bound of the frame's stored height; the images of an album are stored at different sizes."""
        info = self.info
        height, width = info.size_of(frame)
        return height * min(1.0, max(info.stored_height, info.stored_width) / max(height, width))

    def close(self) -> None:
        """Refuse further reads. May be called twice."""
        self._closed = True


def album_source_path(folder: Path, frame: int) -> Path:
    """The path of the source file of one image of an album, or of a clip made of pictures."""
    return folder / SOURCES / f"{frame + 1:04d}"


def open_store(folder: str | Path, decoders: Decoders = IN_PROCESS) -> Store:
    """Open a store that `ingest` made, whose uploaded files `decoders` read again.

    Raises `MediaError` if the folder is missing or cannot be read, and `Busy` where no more files can be opened.
    """
    folder = Path(folder)
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        if about.pop("version") != _VERSION:
            raise ValueError("other version")
        reading = _read_reading(about.pop("reading", {}))
        info = _read_info(about)
        with np.load(folder / INDEX, allow_pickle=False) as index:
            times, offsets, start = index["times"], index["offsets"], float(index["start"])
        if not len(times) == len(offsets) - 1 == info.frames or offsets[-1] != (folder / FRAMES).stat().st_size:
            raise ValueError("parts do not match")
        return Store(folder, info, times, offsets, start, reading, decoders)
    except FileNotFoundError as error:
        raise MediaError("This picture or clip is no longer here. Open it again.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise shortage(error) or MediaError("This picture or clip cannot be read any more. Open it again.") from error


def _read_info(about: dict[str, Any]) -> MediaInfo:
    """A `MediaInfo` from JSON, whose lists become tuples."""
    sizes = tuple((int(height), int(width)) for height, width in about.pop("sizes", ()))
    lists = {name: tuple(about.pop(name, ())) for name in ("names", "warnings", "orientations")}
    info = MediaInfo(**about | {"sizes": sizes, **lists})
    if sizes and not len(sizes) == len(info.names) == info.frames:
        raise ValueError("parts do not match")
    return info


def _read_reading(about: dict[str, Any]) -> SourceReading:
    levels = about.get("levels")
    return SourceReading(**about | {"levels": levels and (float(levels[0]), float(levels[1]))})


def describe_store(
    folder: Path,
    info: MediaInfo,
    sizes: Sequence[int],
    times: FloatArray,
    start: float,
    reading: SourceReading = VIDEO,
) -> None:
    """Write the index and the description of a store whose frames are written; `sizes` are their lengths in bytes."""
    offsets = np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))])
    np.savez(folder / INDEX, offsets=offsets, times=times, start=np.float64(start))
    about = {"version": _VERSION, **asdict(info), "reading": asdict(reading)}
    (folder / ABOUT).write_text(json.dumps(about), "utf-8")
