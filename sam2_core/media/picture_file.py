"""Picture files as they are decoded: an image, an animated picture, or the pages of a TIFF."""

from __future__ import annotations

import io
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, JpegImagePlugin

from sam2_core.errors import MediaError
from sam2_core.media.bit_depth import Levels, PixelArray, sample_values, to_8_bits
from sam2_core.media.color_table import color_table_of_picture
from sam2_core.media.limits import MAX_OVERSIZE, NO_MEMORY, Limits, is_memory_short
from sam2_core.media.picture_formats import is_heif, is_picture_head, read_head, unreadable_picture
from sam2_core.media.tiff_pages import TiffFile, TiffPage, is_tiff, read_tiff

try:
    from pillow_heif import register_heif_opener  # the extra "heic"
except ImportError:
    pass
else:
    register_heif_opener()

PictureKind: TypeAlias = Literal["image", "pages", ""]

COLOR_TABLE = "color_table"
"""The key in `Image.info` under which a loaded frame has the name of its table (see color_table.py)."""
_FORMATS = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "PPM", "AVIF", "JPEG2000", "HEIF"}
_ANIMATED = {"PNG", "WEBP", "AVIF"}  # in other formats, further pictures are previews
_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_ORIENTATION = 0x0112  # the EXIF tag
_MAX_PAGES = 100_000
_MAX_SAMPLES = 4_000_000
_DRAFT_OVERSIZE = 32  # how many times too large a JPEG may be: it is scaled while it is decoded
_MAX_PADDING = 4096  # bytes between two JPEGs of a stream
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in the data of a scan
_NEXT_JPEG = re.compile(rb"\0*(?=\xff\xd8\xff)")
_DAMAGED = "The picture is damaged or cut off. Copy it again, or save it as JPEG or PNG."
_PLANES = (
    "TIFFs with 16-bit channels in separate planes cannot be read here. Save the picture with interleaved channels, or "
    "as PNG."
)
_UNREAD_TIFF = (
    "The TIFF is damaged, or of a kind that cannot be read here ({}). Save it as gray or RGB with 8, 16 or 32 bits, "
    "without compression."
)


@dataclass(frozen=True, slots=True)
class DeepImage:
    """An upright image of more than 8 bits, or of signed numbers: gray (H, W) or RGB (H, W, 3), and its opacity (H, W)
    and color profile, or the name of its color table (see color_table.py)."""

    pixels: PixelArray
    alpha: npt.NDArray[np.uint8] | None = None
    profile: bytes | None = None
    no_data: float | None = None
    color_table: str = ""

    @property
    def is_linear(self) -> bool:
        """Whether its colors have a meaning, so that its levels are not to be changed."""
        return bool(self.profile or self.color_table)

    @property
    def depth(self) -> str:
        """The type of its numbers, for the user."""
        kind = "-bit floating-point" if np.issubdtype(self.pixels.dtype, np.floating) else "-bit"
        return f"{8 * self.pixels.dtype.itemsize}{kind}"

    def sample(self, images: int = 1) -> PixelArray:
        """Its part (N,) of the values to measure levels of, if this is one of so many images."""
        return sample_values(self.pixels, self.no_data, _MAX_SAMPLES // images)

    def to_image(self, levels: Levels) -> Image.Image:
        """The image in 8 bits, with its color profile."""
        shallow = to_8_bits(self.pixels, levels)
        if self.alpha is not None:
            color = np.dstack([shallow] * 3) if shallow.ndim == 2 else shallow
            shallow = np.dstack([color, self.alpha])
        image = Image.fromarray(np.ascontiguousarray(shallow))
        if self.profile:
            image.info["icc_profile"] = self.profile
        if self.color_table:
            image.info[COLOR_TABLE] = self.color_table
        return image


class PictureFile:
    """The frames of one picture file, which are decoded one at a time, in increasing order at best."""

    def __init__(self, source: Path | bytes, limits: Limits) -> None:
        """Open a file, or the content of one, without decoding.

        Raises `MediaError` for a file without a picture that can be read.
        """
        self._source, self._limits = source, limits
        head = read_head(source)
        self.color_table = color_table_of_picture(source)
        """The table that converts its colors to sRGB, "" for none (see color_table.py)."""
        tiff = read_tiff(source, _MAX_PAGES) if is_tiff(head) else TiffFile((), is_raw=False, is_cut=False)
        self._tiff, self._is_cut = tiff.pages, tiff.is_cut
        self._image: Image.Image | None = None
        self.orientation = 1
        """The EXIF orientation by which the frame that was loaded last was turned upright."""
        self.original_size = (0, 0)
        """Height and width of the frame that was loaded last, upright, before it was scaled down."""
        try:
            self._image = _open(source)
        except _BOMB as error:
            found = re.search(r"\d+", str(error))
            count = f"{int(found[0]) / 1e6:.0f} million" if found else "very many"
            raise MediaError(
                f"The picture is far too large ({count} pixels); the limit is "
                f"{limits.max_pixels / 1e6:.1f} million. Scale it down first."
            ) from error
        except Exception as error:  # Pillow's readers raise whatever a broken file makes them raise
            if not self._tiff:
                reason = unreadable_picture(source, head, "", "HEIF" in Image.OPEN, "AVIF" in Image.OPEN)
                raise MediaError(reason or _DAMAGED) from error

    def __enter__(self) -> PictureFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._image is not None:
            self._image.close()

    @property
    def format(self) -> str:
        """Pillow's name of the format."""
        return (self._image.format or "") if self._image is not None else "TIFF"

    @property
    def count(self) -> int:
        """The number of frames that the file promises. Previews and pages scaled down are no frames."""
        if self._tiff:
            return len(self._tiff)
        return self._pictures - self._first if self.format in _ANIMATED else 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is missing of the file as a whole."""
        if not self._is_cut:
            return ()
        return (f"The TIFF is cut off or damaged: what comes after its page {self.count} cannot be read.",)

    @property
    def is_animated_gif(self) -> bool:
        """Whether this is a clip, which ffmpeg reads."""
        return self.format == "GIF" and self._pictures > 1

    @property
    def is_one_size(self) -> bool:
        """Whether all frames have the same size."""
        return len({_upright(page.height, page.width, page.orientation) for page in self._tiff}) <= 1

    @property
    def is_jpeg_stream(self) -> bool:
        """Whether JPEGs of the same size follow one another: a clip, which ffmpeg reads."""
        return self.format == "JPEG" and isinstance(self._source, Path) and _has_second_jpeg(self._source)

    @property
    def seconds(self) -> float:
        """How long the frame that was loaded last is shown; 0 if the file does not say."""
        duration = self._image.info.get("duration", 0) if self._image is not None else 0
        return float(duration) / 1000 if isinstance(duration, int | float) else 0.0

    def load(self, frame: int = 0) -> Image.Image | DeepImage:
        """Decode a frame, upright. One beyond the limits may be scaled down already, if they allow that.

        Raises `EOFError` for a frame that is not there, and `MediaError`.
        """
        try:
            return self._load(frame)
        except (MediaError, EOFError):
            raise
        except Exception as error:  # as above
            raise MediaError(NO_MEMORY if is_memory_short(error) else _DAMAGED) from error

    @property
    def _pictures(self) -> int:
        return int(getattr(self._image, "n_frames", 1))

    @property
    def _first(self) -> int:
        """Where the animation begins: an APNG may hold another picture for programs that do not animate."""
        return 1 if getattr(self._image, "default_image", False) else 0

    def _load(self, frame: int) -> Image.Image | DeepImage:
        if frame >= self.count:
            raise EOFError
        page, image = (self._tiff[frame] if self._tiff else None), self._image
        if page is not None and page.is_planar and page.samples > 1 and page.bits > 8:
            raise MediaError(_PLANES)  # neither Pillow nor OpenCV puts the channels together
        if image is None:
            assert page is not None  # noqa: S101 (only TIFFs are opened without Pillow)
            self._check(page.height, page.width)
            self.orientation = page.orientation
            self.original_size = _upright(page.height, page.width, page.orientation)
            return self._load_deep(page, page.orientation, None)
        if page is not None and image.tell() != page.index:
            image.palette = None  # Pillow keeps what an earlier page had
            image.info.clear()
        if page is not None or self.format in _ANIMATED:
            image.seek(page.index if page else frame + self._first)
        self._check(image.height, image.width)
        has_deep_channels = _has_deep_channels(image) and (page is not None or self._pictures == 1)
        found = image.getexif().get(_ORIENTATION, 1)  # which decodes a PNG
        self.orientation = orientation = found if found in range(1, 9) else 1
        self.original_size = _upright(image.height, image.width, orientation)
        if target := self._limits.scaled_size(image.height, image.width):
            image.draft(None, target[::-1])
        profile = image.info.get("icc_profile")
        is_signed_byte = page is not None and (page.number, page.bits) == ("signed", 8) and image.mode == "L"
        if image.mode in ("F", "I") or image.mode.startswith("I;16") or is_signed_byte:
            return self._deep_gray(np.asarray(image), page, profile)
        if has_deep_channels:
            try:
                return self._load_deep(page, orientation, profile)
            except (MediaError, cv2.error):
                pass  # a layout that only Pillow reads, in 8 bits
        upright = ImageOps.exif_transpose(image)
        if self.color_table:
            upright.info[COLOR_TABLE] = self.color_table
        return upright

    def _deep_gray(self, pixels: PixelArray, page: TiffPage | None, profile: bytes | None) -> DeepImage:
        """Gray values (H, W), which Pillow gives as they are in the file, or with the wrong sign."""
        if page is not None:
            wanted = {("unsigned", 32): np.uint32, ("signed", 8): np.int8}.get((page.number, page.bits))
            if wanted is not None and pixels.dtype.itemsize == np.dtype(wanted).itemsize:
                pixels = pixels.view(wanted)
        no_data = page.no_data if page else None
        if page is not None and page.is_inverted:
            pixels, no_data = _inverted(pixels, no_data)
        transparent = self._image.info.get("transparency") if self._image is not None else None
        pixels = _turn(pixels, self.orientation)
        if page is None and isinstance(transparent, int):  # of a PNG
            opaque = np.where(pixels == transparent, 0, 255).astype(np.uint8)
            return DeepImage(pixels, opaque, profile, float(transparent), self.color_table)
        return DeepImage(pixels, None, profile, no_data, self.color_table)

    def _check(self, height: int, width: int) -> None:
        """Raise `MediaError` for a size that is neither within the limits nor scaled down to them in bounded memory."""
        progressive = self._image is not None and "progression" in self._image.info
        is_draft = self.format in ("JPEG", "MPO") and not progressive
        self._limits.check_pixels(height, width, _DRAFT_OVERSIZE if is_draft else MAX_OVERSIZE)

    def _load_deep(self, page: TiffPage | None, orientation: int, profile: bytes | None) -> DeepImage:
        """Decode with OpenCV, which keeps all bits of several channels."""
        source = self._source
        content = np.frombuffer(source, np.uint8) if isinstance(source, bytes) else np.memmap(source, np.uint8, "r")
        if page is not None:
            _, pages = cv2.imdecodemulti(content, cv2.IMREAD_UNCHANGED, range=(page.index, page.index + 1))
            pixels = pages[0] if pages else None
        else:
            pixels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
        if pixels is None or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
            raise MediaError(_DAMAGED if page is None else _UNREAD_TIFF.format(page))
        if pixels.ndim == 2:
            return self._deep_gray(pixels, page, profile)
        pixels = _turn(pixels, orientation)
        color, alpha = pixels[..., 2::-1], None
        if pixels.shape[2] == 4 and (page is None or page.alpha):
            opaque = {"u": 2.0 ** (8 * pixels.dtype.itemsize) - 1}.get(pixels.dtype.kind, 1.0)
            if page is not None and page.alpha == "premultiplied":
                color = _without_alpha(color, pixels[..., 3], opaque)
            alpha = to_8_bits(pixels[..., 3], Levels(0.0, opaque))
        return DeepImage(color, alpha, profile, page.no_data if page else None, self.color_table)


def picture_kind(path: Path, limits: Limits, name: str = "") -> PictureKind:
    """Whether the content is an image, or a picture of several frames or pages; "" for anything else, as for a clip.

    `name` is the user's name of the file. Raises `MediaError` for a picture that is too large to be opened, and for one
    of a format that cannot be read.
    """
    head = read_head(path)
    Image.init()
    if reason := unreadable_picture(path, head, name, "HEIF" in Image.OPEN, "AVIF" in Image.OPEN):
        raise MediaError(reason)
    try:
        with PictureFile(path, limits) as file:
            if file.is_animated_gif or file.is_jpeg_stream:
                return ""
            return "pages" if file.count > 1 else "image"
    except MediaError as error:
        if isinstance(error.__cause__, _BOMB) or is_heif(head) or is_picture_head(head):
            raise
        return ""
    except Exception:  # of Pillow, for the number of frames of a broken file
        return ""


def _open(source: Path | bytes) -> Image.Image:
    """Open without decoding; only raster formats (no EPS, PDF …)."""
    Image.init()
    path = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        return Image.open(path, formats=sorted(_FORMATS & set(Image.OPEN)))
    except _BOMB:
        if read_head(source).startswith(b"\xff\xd8\xff"):
            return JpegImagePlugin.JpegImageFile(path)  # which does not check the size: `PictureFile.load` does
        raise


def _has_deep_channels(image: Image.Image) -> bool:
    """Whether Pillow would cut 16 bits of several channels down to 8."""
    modes = [tile[3] if isinstance(tile[3], tuple) else (tile[3],) for tile in getattr(image, "tile", ())]
    if image.format == "PPM":
        return any(len(mode) > 1 and isinstance(mode[1], int) and mode[1] > 255 for mode in modes)
    return any(";16" in str(mode[0]) for mode in modes if mode)


def _inverted(pixels: PixelArray, no_data: float | None) -> tuple[PixelArray, float | None]:
    """Values that grow from white to black, such that they grow from black to white, and their `no_data`."""
    if not np.issubdtype(pixels.dtype, np.unsignedinteger):
        return -pixels.astype(np.float64), None if no_data is None else -no_data
    top = np.iinfo(pixels.dtype).max
    return top - pixels, None if no_data is None else top - no_data


def _without_alpha(color: PixelArray, alpha: PixelArray, opaque: float) -> PixelArray:
    """Channels (H, W, 3) that were multiplied by the opacity (H, W), divided by it."""
    straight = color * (opaque / np.maximum(alpha, opaque * 1e-6))[..., None]
    is_whole = np.issubdtype(color.dtype, np.integer)
    return np.asarray(np.minimum(np.rint(straight), opaque) if is_whole else straight, color.dtype)


def _turn(pixels: PixelArray, orientation: int) -> PixelArray:
    """Turn an array upright, as EXIF says."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _upright(height: int, width: int, orientation: int) -> tuple[int, int]:
    return (width, height) if orientation in (5, 6, 7, 8) else (height, width)


def _has_second_jpeg(path: Path) -> bool:
    """Whether another JPEG of the same size follows the first one. A camera's previews are smaller, or listed (MPF)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end, size = _jpeg_end(content, 0)
        following = _NEXT_JPEG.match(content, end, end + _MAX_PADDING) if end else None
        return following is not None and size == _jpeg_end(content, following.end())[1] != b""


def _jpeg_end(content: mmap.mmap, start: int) -> tuple[int, bytes]:
    """The end of a JPEG and its size as it is written there; 0 for one that is cut off or says that others follow."""
    place, size = start + 2, b""
    while place + 4 <= len(content):
        marker, length = content[place : place + 2], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker[0] != 0xFF:
            break
        if marker[1] == 0xD9:
            return place + 2, size
        if marker[1] == 0xE2 and content[place + 4 : place + 8] == b"MPF\0":
            break
        if 0xC0 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC):
            size = content[place + 5 : place + 9]
        place += 2 + length
        if marker[1] == 0xDA:
            after = _MARKER.search(content, place)
            if after is None:
                break
            place = after.start()
            if content[place + 1] == 0xD9:
                return place + 2, size
    return 0, size
