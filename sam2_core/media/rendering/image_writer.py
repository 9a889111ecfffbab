"""Writes images rendered at full size: one, those of an album, or the frames of a clip."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.rendering.compositor import Compositor
from sam2_core.media.rendering.geometry import check_side, compute_geometry, covered_area, crop_area
from sam2_core.media.source_frames import decode_source_frames, probe_source, read_source_image

_CROP_SHARE = 0.1  # of the work: finding the area to crop to


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """An image format. `opaque` and `transparent` are OpenCV's encoding parameters; without the latter, transparent
    pixels are put over white."""

    title: str
    extension: str
    opaque: tuple[int, ...] = ()
    transparent: tuple[int, ...] | None = ()
    max_side: int = 65535

    def encode(self, image: RgbArray) -> bytes:
        """Encode an image (H, W, 3) or (H, W, 4)."""
        has_alpha = image.shape[2] == 4
        pixels = cv2.cvtColor(image, cv2.COLOR_RGBA2BGRA if has_alpha else cv2.COLOR_RGB2BGR)
        parameters = self.transparent if has_alpha else self.opaque
        return cv2.imencode(self.extension, pixels, list(parameters or ()))[1].tobytes()


_LOSSLESS = 101  # a WebP quality above 100 means lossless to OpenCV
PNG = ImageFormat("PNG", ".png")
JPEG = ImageFormat("JPEG", ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 95), None)
WEBP = ImageFormat("WebP", ".webp", (cv2.IMWRITE_WEBP_QUALITY, 90), (cv2.IMWRITE_WEBP_QUALITY, _LOSSLESS), 16383)


def write_images(
    format: ImageFormat, path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter
) -> None:
    """Write an image, an archive of all chosen frames of a clip, or of the images of an album that have a mask.

    Raises `MediaError` if the source cannot be read again.
    """
    report(0.0, "Starting to draw")
    compositor = Compositor(media, options, alpha=format.transparent is not None)
    if media.info.kind == "image":
        path.write_bytes(_render_image(format, media, options, compositor, 0))
        return
    add = _add_frames if media.info.kind == "clip" else _add_album
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        add(archive, format, media, options, compositor, report)


def _add_album(
    archive: zipfile.ZipFile,
    format: ImageFormat,
    media: MaskedMedia,
    options: ExportOptions,
    compositor: Compositor,
    report: ProgressReporter,
) -> None:
    count = len(media.frames)
    for done, frame in enumerate(media.frames):
        report(done / count, f"Photo {done + 1} of {count}")
        if any(each.mask.area for each in media.masks_on(frame).objects):
            encoded = _render_image(format, media, options, compositor, frame)
            archive.writestr(f"{media.title_of(frame)}{format.extension}", encoded)
    if not archive.namelist():
        raise MediaError("No photo has a mask yet. Select something first.")


def _add_frames(
    archive: zipfile.ZipFile,
    format: ImageFormat,
    media: MaskedMedia,
    options: ExportOptions,
    compositor: Compositor,
    report: ProgressReporter,
) -> None:
    store, frames = media.store, media.frames
    probe, area = probe_source(store), crop_area(media, options, report, _CROP_SHARE)
    geometry = compute_geometry(store.info.height, store.info.width, options, area, max_side=options.max_side)
    check_side(geometry, options, format.max_side, format.title)
    with decode_source_frames(store, probe, frames, geometry.height, geometry.width) as images:
        for done, (frame, image) in enumerate(images, start=1):
            encoded = format.encode(compositor.compose(frame, image, geometry))
            archive.writestr(f"{media.title_of(frame)}{format.extension}", encoded)
            report(_CROP_SHARE + (1 - _CROP_SHARE) * done / (len(frames) + 1), f"{done} of {len(frames)} frames drawn")


def _render_image(
    format: ImageFormat, media: MaskedMedia, options: ExportOptions, compositor: Compositor, frame: int
) -> bytes:
    height, width = media.info.size_of(frame)
    area = covered_area([media.masks_on(frame)]) if options.cropped else None
    geometry = compute_geometry(height, width, options, area, max_side=options.max_side)
    check_side(geometry, options, format.max_side, format.title)
    image = read_source_image(media.store, frame)
    if (geometry.height, geometry.width) != (height, width):
        scaled = cv2.resize(image, (geometry.width, geometry.height), interpolation=cv2.INTER_AREA)
        image = np.asarray(scaled, np.uint8)
    return format.encode(compositor.compose(frame, image, geometry))
