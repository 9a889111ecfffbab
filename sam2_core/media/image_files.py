"""Still pictures of every kind as plain 8-bit RGB: upright, over white."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

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
    """Look at the content: a picture, rather than a clip (which an animated GIF is)? Raises `MediaError`."""
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


def read_image(path: Path, limits: Limits) -> RgbArray:
    """The picture as (H, W, 3) uint8: turned as its EXIF data say, in sRGB, transparency over white, 16 bits
    scaled to 8.

    Raises `MediaError` for one that is damaged or has too many pixels; the latter before it is decoded.
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
    """A picture as a store keeps it, with its true and its stored size (height, width)."""

    jpeg: bytes
    size: tuple[int, int]
    stored_size: tuple[int, int]


def store_image(source: Path, limits: Limits) -> StoredImage:
    """Read a picture and make the frame that is kept of it. Raises `MediaError`."""
    pixels = read_image(source, limits)
    image = Image.fromarray(pixels)
    image.thumbnail((limits.stored_side_image, limits.stored_side_image), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=95, subsampling=0)
    return StoredImage(jpeg.getvalue(), (pixels.shape[0], pixels.shape[1]), (image.height, image.width))


def ingest_image(folder: Path, name: str, limits: Limits, report: ProgressReporter) -> MediaInfo:
    """Turn `folder`/source into the other files of a store of one frame. Raises `MediaError`."""
    report(0.0, "Reading the picture")
    stored = store_image(folder / SOURCE, limits)
    (folder / FRAMES).write_bytes(stored.jpeg)
    info = MediaInfo("image", name, 1, *stored.size, *stored.stored_size)
    describe_store(folder, info, [len(stored.jpeg)], np.zeros(1), 0.0)
    return info


def _open(path: Path) -> Image.Image:
    """Open without decoding; only formats that are pictures through and through (no EPS, PDF …)."""
    Image.init()
    return Image.open(path, formats=sorted(_FORMATS & set(Image.OPEN)))


def _pixels(error: Exception) -> str:
    found = re.search(r"\d+", str(error))
    return found[0] if found else "very many"


def _to_rgb(image: Image.Image) -> RgbArray:
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        grey = _to_8_bits(np.asarray(image))
        return np.ascontiguousarray(np.broadcast_to(grey[..., None], (*grey.shape, 3)))
    image = _to_srgb(image)
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        image = Image.alpha_composite(white, picture)
    return np.array(image.convert("RGB"), np.uint8)


def _to_srgb(image: Image.Image) -> Image.Image:
    """Translate the colours of cameras and phones (Display P3, Adobe RGB, print) where the file describes them."""
    profile = image.info.get("icc_profile")
    target = {"RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}.get(image.mode)
    if not profile or target is None:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=target) or image
    except (ImageCms.PyCMSError, OSError):  # a broken description: better untranslated colours than no picture
        return image


def _to_8_bits(grey: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Scale by the bit depth that is used (12-bit data in 16-bit files are common), else from least to greatest."""
    if np.issubdtype(grey.dtype, np.integer) and grey.min() >= 0 and grey.max() <= 65535:
        peak = next(peak for peak in (255, 1023, 4095, 65535) if grey.max() <= peak)
        shades = np.rint(np.arange(peak + 1) * (255 / peak)).astype(np.uint8)
        return np.asarray(shades[grey], np.uint8)
    values = np.nan_to_num(np.asarray(grey, np.float64))
    low, high = float(values.min()), float(values.max())
    span = max(high - low, np.finfo(np.float64).tiny)
    return np.asarray(np.rint((values - low) / span * 255), np.uint8)
