"""Writes images rendered at full size: one, those of an album, or the frames of a clip."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.effects.scaled_masks import Area
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.rendering.compositor import Compositor
from sam2_core.media.rendering.geometry import Geometry, check_side, compute_geometry, covered_area, crop_area
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
    writer = _ImageWriter(format, media, options)
    if media.info.kind == "image":
        path.write_bytes(writer.render(0, report))
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        (writer.add_frames if media.info.kind == "clip" else writer.add_album)(archive, report)


class _ImageWriter:
    def __init__(self, format: ImageFormat, media: MaskedMedia, options: ExportOptions) -> None:
        self._format, self._media, self._options = format, media, options
        self._compositor = Compositor(media, options, alpha=format.transparent is not None)

    def render(self, frame: int, report: ProgressReporter) -> bytes:
        """The encoded image of a store, or one of an album."""
        area = covered_area([self._media.masks_on(frame)]) if self._options.cropped else None
        height, width = self._media.info.size_of(frame)
        geometry = self._geometry(height, width, area)
        image = read_source_image(self._media.store, frame, report)
        if (geometry.height, geometry.width) != (height, width):
            scaled = cv2.resize(image, (geometry.width, geometry.height), interpolation=cv2.INTER_AREA)
            image = np.asarray(scaled, np.uint8)
        return self._format.encode(self._compositor.compose(frame, image, geometry))

    def add_album(self, archive: zipfile.ZipFile, report: ProgressReporter) -> None:
        count = len(self._media.frames)
        for done, frame in enumerate(self._media.frames):
            report(done / count, f"Photo {done + 1} of {count}")
            if any(each.mask.area for each in self._media.masks_on(frame).objects):
                archive.writestr(self._name(frame), self.render(frame, report))
        if not archive.namelist():
            raise MediaError("No photo has a mask yet. Select something first.")

    def add_frames(self, archive: zipfile.ZipFile, report: ProgressReporter) -> None:
        store, count = self._media.store, len(self._media.frames)
        probe, area = probe_source(store, report), crop_area(self._media, self._options, report, _CROP_SHARE)
        geometry = self._geometry(store.info.height, store.info.width, area)
        with decode_source_frames(store, probe, self._media.frames, geometry.height, geometry.width, report) as images:
            for done, (frame, image) in enumerate(images, start=1):
                encoded = self._format.encode(self._compositor.compose(frame, image, geometry))
                archive.writestr(self._name(frame), encoded)
                report(_CROP_SHARE + (1 - _CROP_SHARE) * done / (count + 1), f"{done} of {count} frames drawn")

    def _geometry(self, height: int, width: int, area: Area | None) -> Geometry:
        geometry = compute_geometry(height, width, self._options, area, max_side=self._options.max_side)
        check_side(geometry, self._options, self._format.max_side, self._format.title)
        return geometry

    def _name(self, frame: int) -> str:
        return f"{self._media.title_of(frame)}{self._format.extension}"
