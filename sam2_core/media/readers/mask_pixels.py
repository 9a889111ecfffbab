"""Pictures that hold masks, decoded to the distinct values of their pixels."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from sam2_core.errors import MediaError

Codes: TypeAlias = npt.NDArray[np.integer[Any]]
Table: TypeAlias = npt.NDArray[np.int64]

MAX_SOFT_VALUES = 65_536  # of a soft mask
_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "WEBP", "GIF", "AVIF")
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".avif")
_LOSSY = ("JPEG", "MPO", "AVIF")
_MAX_16_BIT = 65535
_SAMPLES = 400_000  # pixels by which colors are counted
_CHROMA = 24  # of gray pixels in a compressed picture
_MAX_FLAT_COLORS = 32  # of a mask with a transparent background
_FLAT_SHARE = 0.98  # of its opaque pixels
_OPAQUE = 255


class PhotoInsteadOfMask(MediaError):
    """A picture is no mask."""

    def __init__(self) -> None:
        super().__init__(
            "They have too many colours to be masks, and look like photos. Import masks: white on black, or indexed "
            "PNGs."
        )


@dataclass(frozen=True, slots=True)
class MaskPixels:
    """The pixels of a picture: row `codes[y, x]` of `table` is the value of a pixel.

    codes: (H, W).
    table: (V, C), ascending. C = 1: gray levels or palette indices; C = 3: colors. The background is 0.
    kind: "indices" of a palette; "levels" of gray; "colors"; "alpha": how opaque the pixels are.
    shades: (V, 1), the gray levels of the indices if the palette is gray.
    is_lossy: whether compression may have changed the values.
    """

    codes: Codes
    table: Table
    kind: Literal["indices", "levels", "colors", "alpha"]
    is_lossy: bool = False
    shades: Table | None = None

    @property
    def appearance(self) -> Table:
        """The values as they are seen: the shades of indices, if there are any."""
        return self.table if self.shades is None else self.shades

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """(V,): how many pixels have each value."""
        return np.bincount(self.codes.reshape(-1), minlength=len(self.table))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.codes.shape[0], self.codes.shape[1]


def decode_pages(
    content: bytes, check_size: Callable[[tuple[int, int]], object], wanted: Sequence[int] | None = None
) -> Iterator[MaskPixels]:
    """The wanted pages or frames of a picture, by default all; most have one.

    check_size: called with a height and width before anything is decoded; raises `MediaError` for one that cannot be
    used. A picture with an EXIF orientation is turned by it, unless only the other size can be used.
    Raises `MediaError`, also for a damaged picture, and `PhotoInsteadOfMask`.
    """
    try:
        with _open(content) as image:
            is_lossy = image.format in _LOSSY or (image.format == "WEBP" and b"VP8 " in content[:64])
            pages = range(_count_pages(image)) if wanted is None else wanted
            for page in pages:
                image.seek(page)
                _check_either(image, check_size)
                yield _to_values(_upright(image, check_size), is_lossy)
    except MediaError:
        raise
    except Exception as error:  # Pillow raises various exceptions for damaged files
        raise MediaError("They are damaged or no pictures. Export them again.") from error


def count_pages(content: bytes) -> int:
    """How many pages or frames a picture has, 1 for what is none."""
    try:
        with _open(content) as image:
            return _count_pages(image)
    except Exception:  # as above
        return 1


def _open(content: bytes) -> Image.Image:
    """Open without decoding."""
    Image.init()
    return Image.open(io.BytesIO(content), formats=[name for name in _FORMATS if name in Image.OPEN])


def _count_pages(image: Image.Image) -> int:
    is_single = image.format in ("JPEG", "MPO")  # the pages of MPO are other views, or depth
    return 1 if is_single else int(getattr(image, "n_frames", 1))


def is_picture(content: bytes) -> bool:
    """Whether a file begins as a picture of one of these formats does."""
    heads = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8", b"BM")
    return content.startswith(heads) or content[8:12] == b"WEBP" or content[4:12] in (b"ftypavif", b"ftypavis")


def _check_either(image: Image.Image, check_size: Callable[[tuple[int, int]], object]) -> None:
    """Check the size, or the one that it has when it is turned."""
    try:
        check_size((image.height, image.width))
    except MediaError:
        if image.getexif().get(0x0112, 1) < 5:
            raise
        check_size((image.width, image.height))


def _upright(image: Image.Image, check_size: Callable[[tuple[int, int]], object]) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    try:
        check_size((turned.height, turned.width))
    except MediaError:
        return image
    return turned


def _to_values(image: Image.Image, is_lossy: bool) -> MaskPixels:
    if image.mode == "P" and image.format != "GIF":
        indexed = _indices(image)
        if indexed is not None:
            return indexed
    if image.mode == "1":
        return _levels(np.asarray(image.convert("L")), is_lossy)
    if image.mode == "L" and "transparency" not in image.info:
        return _levels(np.asarray(image), is_lossy)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _levels(_to_16_bits(np.asarray(image)), is_lossy)
    if image.has_transparency_data:
        return _with_alpha(np.asarray(image.convert("RGBA")), is_lossy)
    return _colors_or_levels(np.asarray(image.convert("RGB")), is_lossy)


def _indices(image: Image.Image) -> MaskPixels | None:
    """The indices of a palette; None if its colors count, as in a picture that was only stored with a palette."""
    indices = np.asarray(image)
    used = np.bincount(indices.reshape(-1), minlength=256).nonzero()[0]
    colors = _palette(image)
    is_black = ~colors[used, :3].any(axis=1)
    if (colors[used[used > 0], 3] < _OPAQUE).any() or (is_black.any() and colors[0, :3].any()):
        return None
    is_gray = (colors[used, :3] == colors[used, :1]).all()
    if is_gray and (colors[used, 0] == used).all():
        return _levels(indices, is_lossy=False)
    codes = np.zeros(256, np.uint8)
    codes[used] = np.arange(len(used))
    return MaskPixels(codes[indices], used[:, None], "indices", shades=colors[used, :1] if is_gray else None)


def _palette(image: Image.Image) -> Table:
    """(256, 4): red, green, blue and opacity of each index."""
    palette = np.full((256, 4), _OPAQUE, np.int64)
    colors = np.array(image.getpalette("RGBA") or [], np.int64).reshape(-1, 4)[:256]
    palette[: len(colors)] = colors
    transparent = image.info.get("transparency")
    if isinstance(transparent, bytes):
        palette[: len(transparent), 3] = np.frombuffer(transparent, np.uint8)[:256]
    elif isinstance(transparent, int) and 0 <= transparent < 256:
        palette[transparent, 3] = 0
    return palette


def _to_16_bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """Whole numbers as they are, up to 65535; others are scaled so that the largest is 65535."""
    if np.issubdtype(values.dtype, np.floating):
        values = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
        if (values != np.rint(values)).any():
            values = np.rint(values * (_MAX_16_BIT / max(float(values.max()), np.finfo(np.float64).tiny)))
    return np.clip(values, 0, _MAX_16_BIT).astype(np.uint16)


def _levels(gray: npt.NDArray[Any], is_lossy: bool, kind: Literal["levels", "alpha"] = "levels") -> MaskPixels:
    """Gray levels of 8 or 16 bits."""
    used = np.bincount(gray.reshape(-1)).nonzero()[0]
    codes = np.zeros(int(used[-1]) + 1, gray.dtype)
    codes[used] = np.arange(len(used))
    return MaskPixels(codes[gray], used.astype(np.int64)[:, None], kind, is_lossy)


def _colors_or_levels(rgb: npt.NDArray[np.uint8], is_lossy: bool) -> MaskPixels:
    """Gray levels if all pixels (H, W, 3) are gray, else colors."""
    chroma = rgb.max(axis=2) - rgb.min(axis=2)
    if not chroma.any():
        return _levels(rgb[:, :, 0], is_lossy)
    if is_lossy and chroma.max() <= _CHROMA:
        return _levels(rgb[:, :, 1], is_lossy)
    packed = _pack(rgb)
    if len(np.unique(_some(packed.reshape(-1)))) > MAX_SOFT_VALUES:
        raise PhotoInsteadOfMask
    return _colors(packed, is_lossy)


def _with_alpha(rgba: npt.NDArray[np.uint8], is_lossy: bool) -> MaskPixels:
    """The colors of a mask whose background is transparent, the opacity of a cut-out, or an opaque picture."""
    alpha = rgba[:, :, 3]
    low, high = int(alpha.min()), int(alpha.max())
    if low == high:
        return _colors_or_levels(rgba[:, :, :3], is_lossy)
    packed = _pack(rgba[:, :, :3])
    if _is_flat(packed[alpha == high]):
        return _colors(np.where(2 * alpha.astype(np.int64) >= high, packed, 0), is_lossy)
    return _levels(alpha, is_lossy, "alpha")


def _is_flat(packed: npt.NDArray[np.int32]) -> bool:
    """Whether pixels have several colors, and few."""
    colors, counts = np.unique(_some(packed), return_counts=True)
    counts = np.sort(counts[colors > 0])[::-1]
    main = counts[:_MAX_FLAT_COLORS]
    return len(main) > 1 and main.sum() >= _FLAT_SHARE * counts.sum()


def _some(packed: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return packed[:: max(1, len(packed) // _SAMPLES)]


def _pack(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """(H, W, 3) as one number for each pixel."""
    red, green, blue = (rgb[:, :, channel].astype(np.int32) for channel in range(3))
    return (red << 16) | (green << 8) | blue


def _colors(packed: npt.NDArray[np.int32], is_lossy: bool) -> MaskPixels:
    is_used = np.zeros(1 << 24, np.bool_)
    is_used[packed.reshape(-1)] = True
    used = is_used.nonzero()[0]
    position = np.zeros(1 << 24, np.int32)
    position[used] = np.arange(len(used))
    table = np.stack([used >> 16, (used >> 8) & 255, used & 255], axis=1).astype(np.int64)
    return MaskPixels(position[packed], table, "colors", is_lossy)
