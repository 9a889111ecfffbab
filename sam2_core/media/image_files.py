"""Image files of all formats as 8-bit RGB: upright, transparency over white."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms

from sam2_core.media.bit_depth import Levels, measure_levels
from sam2_core.media.info import MediaInfo, RgbArray, SourceReading
from sam2_core.media.limits import DEFAULT_LIMITS, Limits
from sam2_core.media.picture_file import DeepImage, PictureFile, picture_kind
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.store import FRAMES, SOURCE, describe_store

_FULL = Levels(0.0, 65535.0)


def is_image(path: Path, limits: Limits = DEFAULT_LIMITS, name: str = "") -> bool:
    """Whether the content is a single image; a picture of several frames is a clip, and so may be one of several pages.

    Raises `MediaError` as `picture_kind` does.
    """
    return picture_kind(path, limits, name) == "image"


def read_image(path: Path, limits: Limits, size: tuple[int, int] | None = None) -> RgbArray:
    """An image as (H, W, 3) uint8: EXIF orientation applied, in sRGB, transparency over white, more bits scaled to 8.

    `size` (height, width) is what the image is to be scaled to, by default the largest one within the limits. Raises
    `MediaError` for a damaged image and, before decoding, for one with too many pixels.
    """
    return _read(path, limits, size)[0]


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as it is stored, with its original and its stored size (height, width).

    `warnings` are about what was changed.
    """

    jpeg: bytes
    size: tuple[int, int]
    stored_size: tuple[int, int]
    warnings: tuple[str, ...] = ()


def store_image(source: Path, limits: Limits) -> StoredImage:
    """Read an image and encode the frame to store. Raises `MediaError`."""
    pixels, warnings = _read(source, limits)
    jpeg, stored_size = encode_scaled_jpeg(pixels, limits.stored_side_image)
    return StoredImage(jpeg, (pixels.shape[0], pixels.shape[1]), stored_size, warnings)


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
    info = MediaInfo("image", name, 1, *stored.size, *stored.stored_size, warnings=stored.warnings)
    reading = SourceReading(is_scaled=limits.scale_down)
    describe_store(folder, info, [len(stored.jpeg)], np.zeros(1), 0.0, reading)
    return info


def to_rgb(loaded: Image.Image | DeepImage, levels: Levels | None = None) -> RgbArray:
    """A frame of a picture file as (H, W, 3) uint8 in sRGB; `levels` are for one of more than 8 bits."""
    image = _to_srgb(loaded.to_image(levels or _FULL) if isinstance(loaded, DeepImage) else loaded)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.array(image.convert("RGB"), np.uint8)


def describe_levels(loaded: Image.Image | DeepImage, levels: Levels | None) -> tuple[str, ...]:
    """A warning if a picture is not shown by the full range of its pixels."""
    if not isinstance(loaded, DeepImage) or levels is None or not levels.is_stretched:
        return ()
    span = f"{levels.black:.6g} to {levels.white:.6g}"
    return (f"Its {loaded.depth} pixels use a small part of their range: {span} is shown as black to white.",)


def _read(path: Path, limits: Limits, size: tuple[int, int] | None = None) -> tuple[RgbArray, tuple[str, ...]]:
    with PictureFile(path, limits) as file:
        loaded = file.load()
        levels = measure_levels([loaded.sample()], bool(loaded.profile)) if isinstance(loaded, DeepImage) else None
        pixels, warnings = to_rgb(loaded, levels), describe_levels(loaded, levels)
        target = size or limits.scaled_size(*file.original_size)
        if target is not None and pixels.shape[:2] != target:
            pixels = np.asarray(cv2.resize(pixels, target[::-1], interpolation=cv2.INTER_AREA), np.uint8)
        if pixels.shape[:2] != file.original_size:
            warnings += (describe_scaling("picture", file.original_size, pixels.shape),)
    return pixels, warnings


def describe_scaling(what: str, original: tuple[int, int], scaled: tuple[int, ...]) -> str:
    """The warning about a picture or clip that was scaled down; sizes are height and width."""
    return (
        f"The {what} was scaled down from {original[1]} x {original[0]} to {scaled[1]} x {scaled[0]} pixels: "
        "masks have this size."
    )


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert from the embedded color profile (Display P3, Adobe RGB, CMYK …), if there is one."""
    profile = image.info.get("icc_profile")
    target = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}.get(image.mode)
    if not profile or target is None:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=target) or image
    except (ImageCms.PyCMSError, OSError):  # a broken profile is ignored
        return image
