"""Image files of all formats as 8-bit RGB: upright, transparency over white."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from PIL import Image, ImageCms

from sam2_core.media.bit_depth import Levels, describe_levels, measure_levels
from sam2_core.media.color_table import convert_pixels, title_of
from sam2_core.media.info import MediaInfo, RgbArray, SourceReading
from sam2_core.media.limits import DEFAULT_LIMITS, Limits, describe_scaling
from sam2_core.media.picture_file import COLOR_TABLE, DeepImage, PictureFile, picture_kind
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.store import FRAMES, SOURCE, describe_store

_FULL = Levels(0.0, 65535.0)


def is_image(path: Path, limits: Limits = DEFAULT_LIMITS, name: str = "") -> bool:
    """Whether the content is a single image; a picture of several frames is a clip, and so may be one of several pages.

    Raises `MediaError` as `picture_kind` does.
    """
    return picture_kind(path, limits, name) == "image"


def read_image(source: Path | IO[bytes], limits: Limits, size: tuple[int, int] | None = None) -> RgbArray:
    """An image as (H, W, 3) uint8: EXIF orientation applied, in sRGB, transparency over white, more bits scaled to 8.

    `size` (height, width) is what the image is to be scaled to, by default the largest one within the limits. Raises
    `MediaError` for a damaged image and, before decoding, for one with too many pixels.
    """
    return _read(source if isinstance(source, Path) else source.read(), limits, size).pixels


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as it is stored, with its original and its stored size (height, width).

    `warnings` are about what was changed. `orientation` is the EXIF orientation by which it was turned upright.
    """

    jpeg: bytes
    size: tuple[int, int]
    stored_size: tuple[int, int]
    warnings: tuple[str, ...] = ()
    orientation: int = 1


def store_image(source: Path, limits: Limits) -> StoredImage:
    """Read an image and encode the frame to store. Raises `MediaError`."""
    read = _read(source, limits)
    jpeg, stored_size = encode_scaled_jpeg(read.pixels, limits.stored_side_image)
    size = (read.pixels.shape[0], read.pixels.shape[1])
    return StoredImage(jpeg, size, stored_size, read.warnings, read.orientation)


def encode_scaled_jpeg(pixels: RgbArray, max_side: int) -> tuple[bytes, tuple[int, int]]:
    """An RGB image (H, W, 3), scaled down to `max_side`, as a JPEG of high quality, and its height and width."""
    image = Image.fromarray(pixels)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=95, subsampling=0)
    return jpeg.getvalue(), (image.height, image.width)


def ingest_image(folder: Path, name: str, limits: Limits, report: ProgressReporter) -> MediaInfo:
    """Turn `folder`/source into a store of one frame. Raises `MediaError`."""
    report(0.0, "Reading the picture")
    stored = store_image(folder / SOURCE, limits)
    (folder / FRAMES).write_bytes(stored.jpeg)
    turned = () if stored.orientation == 1 else (stored.orientation,)
    info = MediaInfo("image", name, 1, *stored.size, *stored.stored_size, orientations=turned, warnings=stored.warnings)
    reading = SourceReading(is_scaled=limits.scale_down)
    describe_store(folder, info, [len(stored.jpeg)], np.zeros(1), 0.0, reading)
    return info


def to_rgb(loaded: Image.Image | DeepImage, levels: Levels | None = None) -> RgbArray:
    """A frame of a picture file as (H, W, 3) uint8 in sRGB; `levels` are for one of more than 8 bits."""
    image = loaded.to_image(levels or _FULL) if isinstance(loaded, DeepImage) else loaded
    image = _to_srgb(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.array(image.convert("RGB"), np.uint8)


@dataclass(frozen=True, slots=True)
class _ReadImage:
    pixels: RgbArray
    warnings: tuple[str, ...]
    orientation: int


def _read(source: Path | bytes, limits: Limits, size: tuple[int, int] | None = None) -> _ReadImage:
    with PictureFile(source, limits) as file:
        loaded = file.load()
        levels = measure_levels([loaded.sample()], loaded.is_linear) if isinstance(loaded, DeepImage) else None
        pixels = to_rgb(loaded, levels)
        warnings = file.warnings
        if isinstance(loaded, DeepImage):
            warnings += describe_levels(loaded.depth, levels)
        if file.color_table:
            warnings += (f"The picture's colors were converted from {title_of(file.color_table)} to sRGB.",)
        target = size or limits.scaled_size(*file.original_size)
        if target is not None and pixels.shape[:2] != target:
            pixels = np.asarray(cv2.resize(pixels, target[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        if pixels.shape[:2] != file.original_size:
            warnings += (describe_scaling("picture", file.original_size, pixels.shape),)
        return _ReadImage(pixels, warnings, file.orientation)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert from the color space that the file names, or from its profile (Display P3, Adobe RGB, CMYK …)."""
    if table := image.info.get(COLOR_TABLE):
        rgba = np.array(image.convert("RGBA"), np.uint8)
        rgba[..., :3] = convert_pixels(rgba[..., :3], table)
        return Image.fromarray(rgba)
    profile = image.info.get("icc_profile")
    target = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}.get(image.mode)
    if not profile or target is None:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=target) or image
    except (ImageCms.PyCMSError, OSError):  # a broken profile is ignored
        return image
