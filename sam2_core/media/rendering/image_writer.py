"""Pictures drawn anew at full size: one, those of an album, or the frames of a clip."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.formats.archive import frame_title, new_archive
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.rendering.composer import Composer
from sam2_core.media.rendering.geometry import arrange, check_side, common_box, wished_box
from sam2_core.media.source_frames import decode_source_frames, probe_source, read_source_image

_BEGIN = 0.1  # share of the work: the box that has been looked for


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of picture; `opaque` and `transparent` are OpenCV's settings for it, without the latter it goes over
    white."""

    title: str
    ending: str
    opaque: tuple[int, ...] = ()
    transparent: tuple[int, ...] | None = ()
    longest_side: int = 65535

    def encode(self, picture: RgbArray) -> bytes:
        """The picture (H, W, 3) or (H, W, 4) as a file."""
        clear = picture.shape[2] == 4
        pixels = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA if clear else cv2.COLOR_RGB2BGR)
        settings = self.transparent if clear else self.opaque
        return cv2.imencode(self.ending, pixels, list(settings or ()))[1].tobytes()


_LOSSLESS = 101  # OpenCV's word for it
PNG = Format("PNG", ".png")
JPEG = Format("JPEG", ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 95), None)
WEBP = Format("WebP", ".webp", (cv2.IMWRITE_WEBP_QUALITY, 90), (cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS), 16383)


def write_images(
    form: Format, path: Path, media: MaskedMedia, options: ExportOptions, progress: MediaProgress | None = None
) -> None:
    """A picture by itself; of a clip an archive with all chosen frames, of an album with all photos that have a mask.

    Raises `MediaError` where the source cannot be read again.
    """
    report = ProgressReporter(progress)
    report(0.0, "Starting to draw")
    composer = Composer(media, options, alpha=form.transparent is not None)
    if media.info.kind == "image":
        encoded = _photo(form, media, options, composer, 0)
        with new_file(path) as unfinished:
            unfinished.write_bytes(encoded)
            report(1.0, "Ready")
        return
    add = _add_frames if media.info.kind == "clip" else _add_photos
    with new_archive(path) as archive:
        add(archive, form, media, options, composer, report)
        report(1.0, "Ready")


def _add_photos(
    archive: zipfile.ZipFile,
    form: Format,
    media: MaskedMedia,
    options: ExportOptions,
    composer: Composer,
    report: ProgressReporter,
) -> None:
    """Photos without a mask are left out: their owner has them already."""
    count = len(media.frames)
    for done, frame in enumerate(media.frames):
        report(done / count, f"Photo {done + 1} of {count}")
        if any(each.mask.area for each in media.masks_on(frame).objects):
            archive.writestr(f"{frame_title(media, frame)}{form.ending}", _photo(form, media, options, composer, frame))
    if not archive.namelist():
        raise MediaError("No photo has a mask yet. Select something first.")


def _add_frames(
    archive: zipfile.ZipFile,
    form: Format,
    media: MaskedMedia,
    options: ExportOptions,
    composer: Composer,
    report: ProgressReporter,
) -> None:
    store, frames = media.store, media.frames
    probe, box = probe_source(store), wished_box(media, options, report, _BEGIN)
    geometry = arrange(store.info.height, store.info.width, options, box, largest_side=options.max_side)
    check_side(geometry, options, form.longest_side, form.title)
    with decode_source_frames(store, probe, frames, geometry.height, geometry.width) as pictures:
        for done, (frame, picture) in enumerate(pictures, start=1):
            encoded = form.encode(composer.compose(frame, picture, geometry))
            archive.writestr(f"{frame_title(media, frame)}{form.ending}", encoded)
            report(_BEGIN + (1 - _BEGIN) * done / (len(frames) + 1), f"{done} of {len(frames)} frames drawn")


def _photo(form: Format, media: MaskedMedia, options: ExportOptions, composer: Composer, frame: int) -> bytes:
    height, width = media.info.size_of(frame)
    box = common_box([media.masks_on(frame)]) if options.cropped else None
    geometry = arrange(height, width, options, box, largest_side=options.max_side)
    check_side(geometry, options, form.longest_side, form.title)
    picture = read_source_image(media.store, frame)
    if (geometry.height, geometry.width) != (height, width):
        smaller = cv2.resize(picture, (geometry.width, geometry.height), interpolation=cv2.INTER_AREA)
        picture = np.asarray(smaller, np.uint8)
    return form.encode(composer.compose(frame, picture, geometry))
