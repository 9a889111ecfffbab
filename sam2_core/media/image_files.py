"""Image files of all formats as 8-bit RGB: upright, transparency over white."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from sam2_core.errors import MediaError
from sam2_core.media.info import MediaInfo, RgbArray
from sam2_core.media.limits import Limits
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.store import FRAMES, SOURCE, describe_store

_FORMATS = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "PPM", "AVIF", "JPEG2000"}
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


def is_image(path: Path) -> bool:
    """Whether the content is an image; an animated GIF is a clip. Raises `MediaError` for huge and HEIC images."""
    with path.open("rb") as file:
        head = file.read(12)
    try:
        with _open(path) as image:
            return not (image.format == "GIF" and getattr(image, "is_animated", False))
    except _BOMB as error:
        raise MediaError(f"The picture is far too large ({_pixels(error)} pixels). Scale it down first.") from error
    except Exception as error:  # Pillow's readers raise whatever a broken file makes them raise
        if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
            raise MediaError("HEIC pictures cannot be read here. Save the picture as JPEG first.") from error
        return False


def read_image(path: Path | IO[bytes], limits: Limits) -> RgbArray:
    """An image as (H, W, 3) uint8: EXIF orientation applied, in sRGB, transparency over white, 16 bits scaled to 8.

    Raises `MediaError` for a damaged image and, before decoding, for one with too many pixels.
    """
    try:
        with _open(path) as image:
            limits.check_pixels(image.height, image.width)
            return _to_rgb(ImageOps.exif_transpose(image))
    except MediaError:
        raise
    except Exception as error:  # as above
        raise MediaError("The picture is damaged or cut off. Upload it again, or save it as JPEG or PNG.") from error


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as it is stored, with its original and its stored size (height, width)."""

    jpeg: bytes
    size: tuple[int, int]
    stored_size: tuple[int, int]


def store_image(source: Path, limits: Limits) -> StoredImage:
    """Read an image and encode the frame to store. Raises `MediaError`."""
    pixels = read_image(source, limits)
    jpeg, stored_size = encode_scaled_jpeg(pixels, limits.stored_side_image)
    return StoredImage(jpeg, (pixels.shape[0], pixels.shape[1]), stored_size)


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
    info = MediaInfo("image", name, 1, *stored.size, *stored.stored_size)
    describe_store(folder, info, [len(stored.jpeg)], np.zeros(1), 0.0)
    return info


def _open(path: Path | IO[bytes]) -> Image.Image:
    """Open without decoding; only raster formats (no EPS, PDF …)."""
    Image.init()
    return Image.open(path, formats=sorted(_FORMATS & set(Image.OPEN)))


def _pixels(error: Exception) -> str:
    found = re.search(r"\d+", str(error))
    return found[0] if found else "very many"


def _to_rgb(image: Image.Image) -> RgbArray:
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        gray = _to_8_bits(np.asarray(image))
        return np.ascontiguousarray(np.broadcast_to(gray[..., None], (*gray.shape, 3)))
    image = _to_srgb(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.array(image.convert("RGB"), np.uint8)


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


def _to_8_bits(gray: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Scale integers by the used bit depth (12-bit data in 16-bit files are common), others from minimum to maximum."""
    if np.issubdtype(gray.dtype, np.integer) and gray.min() >= 0 and gray.max() <= 65535:
        peak = next(peak for peak in (255, 1023, 4095, 65535) if gray.max() <= peak)
        shades = np.rint(np.arange(peak + 1) * (255 / peak)).astype(np.uint8)
        return np.asarray(shades[gray], np.uint8)
    values = np.nan_to_num(np.asarray(gray, np.float64))
    low, high = float(values.min()), float(values.max())
    span = max(high - low, np.finfo(np.float64).tiny)
    return np.asarray(np.rint((values - low) / span * 255), np.uint8)
