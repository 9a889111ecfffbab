"""Masks whose pixels are not the numbers of objects: soft, compressed, cut out, or no masks at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from sam2_core.errors import MediaError
from sam2_core.media import MediaInfo
from sam2_core.media.readers import ImportedAnnotations, mask_pixels, mask_values, read_annotations, soft_masks
from sam2_core.types import BoolArray
from tests.media.readers.media import packed, pixels_of, reasons

HEIGHT, WIDTH = 120, 160
IMAGE = MediaInfo("image", "photo.jpg", 1, HEIGHT, WIDTH, HEIGHT, WIDTH)
CLIP = MediaInfo("clip", "film.mp4", 6, HEIGHT, WIDTH, HEIGHT, WIDTH, fps=30.0)
ALBUM = MediaInfo(
    "album", "2 photos", 2, HEIGHT, WIDTH, HEIGHT, WIDTH, sizes=((HEIGHT, WIDTH),) * 2, names=("a.jpg", "b.jpg")
)


def disc(x: int = 70, radius: int = 35, value: int = 255) -> npt.NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(pixels, (x, 60), radius, value, -1)
    return pixels


def blurred(pixels: npt.NDArray[np.uint8], sigma: float = 2) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def photo() -> npt.NDArray[np.uint8]:
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (12, 16, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), float)
    return np.clip(smooth + random.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)


def encoded(pixels: npt.NDArray[Any] | Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def read(tmp_path: Path, content: bytes, info: MediaInfo = IMAGE, name: str = "mask.png") -> ImportedAnnotations:
    path = tmp_path / name
    path.write_bytes(content)
    return read_annotations(path, info)


def tracks(found: ImportedAnnotations) -> int:
    return len({each.track for each in found.masks})


def overlap(found: ImportedAnnotations, expected: BoolArray) -> float:
    pixels = pixels_of(found)
    return float((pixels & expected).sum() / (pixels | expected).sum())


def cutout(opacity: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.dstack([photo(), opacity])


def anti_aliased(colors: list[tuple[int, int, int]]) -> Image.Image:
    """A disc of each color, drawn large and scaled down."""
    image = Image.new("RGB", (4 * WIDTH, 4 * HEIGHT))
    for place, color in enumerate(colors):
        ImageDraw.Draw(image).ellipse([160 * place + 20, 100, 160 * place + 150, 300], fill=color)
    return image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


SOFT = blurred(disc())
SHADES = [channel for shade in range(256) for channel in (shade, shade, shade)]


def with_palette(pixels: npt.NDArray[np.uint8], palette: list[int]) -> Image.Image:
    image = Image.frombytes("P", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    image.putpalette(palette)
    return image


@pytest.mark.parametrize(
    "content",
    [
        encoded(SOFT),
        encoded(blurred(disc(), 6)),
        encoded(blurred(disc(), 0.6)),
        encoded(np.dstack([SOFT] * 3)),
        encoded(SOFT.astype(np.uint16) * 257),
        encoded((SOFT * (200 / 255)).astype(np.uint8)),
        encoded((SOFT / 255).astype(np.float32), "TIFF"),
        encoded(np.dstack([SOFT, 0 * SOFT, 0 * SOFT])),
        encoded(with_palette(SOFT, SHADES)),
        encoded(with_palette(255 - SOFT, SHADES[::-1])),
        encoded(cutout(SOFT)),
        encoded(np.dstack([0 * SOFT] * 3 + [SOFT])),
        encoded(np.dstack([np.full_like(SOFT, 255), SOFT])),
        encoded(cutout(SOFT), "WEBP"),
        encoded(cutout(SOFT), "TIFF"),
        encoded(disc(), "JPEG", quality=60),
        encoded(Image.open(io.BytesIO(encoded(disc(), "JPEG", quality=60)))),
        encoded(np.dstack([disc()] * 3), "WEBP"),
        encoded(disc(), "BMP"),
        encoded(disc(), "TIFF"),
        encoded(disc(), "GIF"),
        encoded(Image.fromarray(disc()).convert("1")),
        encoded(Image.fromarray(disc() // 255)),
    ],
    ids=[
        "feathered", "widely", "anti-aliased", "RGB", "16 bits", "darker", "float", "red", "palette",
        "reversed palette", "cut-out", "black cut-out", "gray with alpha", "WebP cut-out", "TIFF cut-out", "JPEG",
        "JPEG as PNG", "WebP",
        "BMP", "TIFF", "GIF", "1 bit", "ones",
    ],
)  # fmt: skip
def test_one_object_is_cut_at_half(tmp_path: Path, content: bytes) -> None:
    found = read(tmp_path, content)
    assert tracks(found) == 1
    assert overlap(found, disc() > 0) > 0.97


def test_half_is_exact(tmp_path: Path) -> None:
    found = read(tmp_path, encoded(SOFT))
    assert (pixels_of(found) == (SOFT > 127)).all()
    assert mask_values.SOFT in found.notes


def levels(**values: int) -> npt.NDArray[np.uint8]:
    """Squares with these gray levels, at places in the order of their letters."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for letter, value in values.items():
        place = "abcd".index(letter)
        pixels[20:60, 20 * place + 3 : 20 * place + 20] = value
    return pixels


def trimap() -> npt.NDArray[np.uint8]:
    """A white square with a gray border."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[20:60, 3:43] = 128
    pixels[25:55, 8:38] = 255
    return pixels


def labels() -> npt.NDArray[np.uint8]:
    """Touching areas with the ids of classes, also thin and tiny ones."""
    pixels = np.repeat(np.arange(7, 27, dtype=np.uint8), WIDTH // 20)[None].repeat(HEIGHT, axis=0)
    pixels[30:31], pixels[:, 50:52], pixels[70:72, 80:82] = 30, 31, 33
    return np.ascontiguousarray(pixels)


def dots() -> npt.NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number in range(1, 41):
        y, x = 8 + 14 * (number // 8), 8 + 18 * (number % 8)
        pixels[y : y + 1 + number % 2, x : x + 2] = number
    return pixels


@pytest.mark.parametrize(
    ("pixels", "count"),
    [
        (levels(a=64, b=128, c=192), 3),
        (levels(a=85, b=170, c=255), 3),
        (levels(a=1, b=2, c=255), 2),
        (trimap(), 1),
        (levels(a=255, b=128), 2),
        (levels(a=1, b=2, c=3, d=4), 4),
        (levels(a=10, b=255).astype(np.uint16) * 100, 2),
        (labels(), 23),
        (dots(), 40),
        (np.dstack([dots() * 6, 0 * dots(), dots()]), 40),
        (np.dstack([levels(a=1, b=2), levels(a=1), levels(c=255)]), 3),
    ],
    ids=["64", "scale", "void", "trimap", "apart", "index", "16 bits", "classes", "dots", "colored dots", "colors"],
)
def test_numbers_of_objects_are_not_taken_for_soft_edges(tmp_path: Path, pixels: npt.NDArray[Any], count: int) -> None:
    found = read(tmp_path, encoded(pixels))
    assert tracks(found) == count
    assert mask_values.SOFT not in found.notes


def test_undecided_pixels_are_named(tmp_path: Path) -> None:
    assert mask_values.VOID in read(tmp_path, encoded(levels(a=1, b=255))).notes
    found = read(tmp_path, encoded(trimap()))
    assert mask_values.TRIMAP in found.notes
    assert (pixels_of(found) == (trimap() == 255)).all()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
def test_mixed_colors_belong_to_the_nearest_object(tmp_path: Path, file_format: str) -> None:
    colors = [(200, 20, 20), (30, 180, 30), (40, 40, 210)]
    found = read(tmp_path, encoded(anti_aliased(colors), file_format, quality=85))
    assert tracks(found) == 3
    areas = [each.mask.area for each in found.masks if each.mask]
    assert min(areas) > 0.97 * max(areas)
    assert mask_values.MIXED in found.notes


def test_a_mixture_is_not_the_object_that_lies_between(tmp_path: Path) -> None:
    gray = anti_aliased([(64, 64, 64), (128, 128, 128), (192, 192, 192)]).convert("L")
    found = read(tmp_path, encoded(gray))
    assert tracks(found) == 3
    for place in range(3):
        columns = pixels_of(found, place).any(axis=0).nonzero()[0]
        assert 40 * place <= columns.min()
        assert columns.max() < 40 * (place + 1)


def test_colors_on_a_transparent_background(tmp_path: Path) -> None:
    colors = np.dstack([levels(a=200, b=30), levels(a=10, b=180), levels(c=90), levels(a=128, b=128, c=128)])
    assert tracks(read(tmp_path, encoded(colors))) == 3


def letterboxed() -> npt.NDArray[np.uint8]:
    pixels = photo()
    pixels[:45], pixels[-45:] = 255, 255
    return pixels


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("pixels", [photo(), letterboxed()], ids=["photo", "photo on white"])
def test_photos_are_refused(tmp_path: Path, pixels: npt.NDArray[np.uint8], file_format: str, mode: str) -> None:
    with pytest.raises(MediaError, match="look like photos"):
        read(tmp_path, encoded(Image.fromarray(pixels).convert(mode), file_format))


@pytest.mark.parametrize("pixels", [levels(a=1, b=2, c=3), labels()], ids=["index", "classes"])
def test_numbers_in_a_jpeg_are_refused(tmp_path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    with pytest.raises(MediaError, match="changes the numbers of objects"):
        read(tmp_path, encoded(pixels, "JPEG"))


def test_colors_of_a_palette_count_if_black_is_not_its_first(tmp_path: Path) -> None:
    found = read(tmp_path, encoded(with_palette(1 - disc() // 255, [255, 255, 255, 0, 0, 0])))
    assert (pixels_of(found) == (disc() > 0)).all()


def frames_of(kind: str, **options: Any) -> dict[str, bytes]:
    return {f"masks/{frame:05d}.{kind.lower()}": encoded(disc(40 + 10 * frame), kind, **options) for frame in range(6)}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
def test_archives_of_every_picture_format(tmp_path: Path, kind: str) -> None:
    found = read_annotations(packed(tmp_path / "x.zip", frames_of(kind)), CLIP)
    assert [(each.frame, each.track) for each in found.masks] == [(frame, 1) for frame in range(6)]


@pytest.mark.parametrize(
    ("photos", "masks"), [("images/", "masks/"), ("frames/", "gt/"), ("JPEGImages/", "Annotations/"), ("", "")]
)
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_frames_beside_masks_are_no_masks(tmp_path: Path, photos: str, masks: str, ending: str) -> None:
    if not photos and ending == "png":
        photos, masks = "a/", "b/"
    kind = {"jpg": "JPEG", "png": "PNG"}[ending]
    members = {f"{photos}{frame:05d}.{ending}": encoded(photo(), kind) for frame in range(6)}
    members |= {f"{masks}{frame:05d}.png": encoded(blurred(disc())) for frame in range(6)}
    found = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [(each.frame, each.track) for each in found.masks] == [(frame, 1) for frame in range(6)]
    assert found.skipped == ()


def test_frames_of_very_many_colors_are_told_apart_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_pixels, "MAX_SOFT_VALUES", 1000)
    test_frames_beside_masks_are_no_masks(tmp_path, "frames/", "gt/", "jpg")


def test_an_archive_of_photos_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", {f"{frame:05d}.jpg": encoded(photo(), "JPEG") for frame in range(6)})
    with pytest.raises(MediaError, match="look like photos"):
        read_annotations(path, CLIP)


def test_the_masks_of_a_clip_are_read_the_same_way(tmp_path: Path) -> None:
    tiny = blurred(disc(radius=2), 1)  # few gray levels, none of which is white
    soft = {f"{frame:05d}.png": encoded(tiny if frame == 3 else SOFT) for frame in range(6)}
    found = read_annotations(packed(tmp_path / "soft.zip", soft), CLIP)
    assert [(each.frame, each.track) for each in found.masks] == [(frame, 1) for frame in range(6)]
    void = {f"{frame:05d}.png": encoded(levels(a=1 if frame < 3 else 0, b=255)) for frame in range(6)}
    found = read_annotations(packed(tmp_path / "void.zip", void), CLIP)
    assert [(each.frame, each.track) for each in found.masks] == [(0, 1), (1, 1), (2, 1)]


def test_photos_of_an_album_have_masks_of_different_kinds(tmp_path: Path) -> None:
    members = {"a.png": encoded(SOFT), "b.png": encoded(levels(a=1, b=2))}
    found = read_annotations(packed(tmp_path / "x.zip", members), ALBUM)
    assert [(each.frame, each.track) for each in found.masks] == [(0, 1), (1, 1), (1, 2)]


def test_masks_of_one_object_each_are_cut_at_half(tmp_path: Path) -> None:
    members = {f"object_{number:02d}/00000.png": encoded(blurred(disc(40 + 10 * number))) for number in (1, 2)}
    members["object_09/00000.png"] = encoded(disc(value=9))
    found = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [each.track for each in found.masks] == [1, 2, 3]
    assert (pixels_of(found) == (blurred(disc(50)) > 127)).all()
    assert (pixels_of(found, 2) == (disc() > 0)).all()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG", "WEBP"])
def test_pages_are_the_frames_of_a_clip(tmp_path: Path, kind: str) -> None:
    pages = [Image.fromarray(blurred(disc(40 + 10 * frame))) for frame in range(6)]
    found = read(tmp_path, encoded(pages[0], kind, save_all=True, append_images=pages[1:]), CLIP)
    assert [(each.frame, each.track) for each in found.masks] == [(frame, 1) for frame in range(6)]
    with pytest.raises(MediaError, match="3 pages, the clip 6 frames"):
        read(tmp_path, encoded(pages[0], kind, save_all=True, append_images=pages[1:3]), CLIP)


def test_pages_are_the_objects_of_an_image(tmp_path: Path) -> None:
    pages = [Image.fromarray(disc(40 + 30 * place, 10)) for place in range(3)]
    assert tracks(read(tmp_path, encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))) == 3


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_mask_is_turned_by_its_own_orientation(tmp_path: Path, kind: str) -> None:
    content = encoded(np.ascontiguousarray(np.rot90(disc(30))), kind, exif=turned(6))
    assert (pixels_of(read(tmp_path, content)) == (disc(30) > 0)).all()


def test_an_orientation_that_only_was_copied_is_ignored(tmp_path: Path) -> None:
    assert (pixels_of(read(tmp_path, encoded(disc(30), exif=turned(6)))) == (disc(30) > 0)).all()


def test_too_many_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_values, "MAX_COLORS", 3)
    with pytest.raises(MediaError, match="too many colours"):
        read(tmp_path, encoded(levels(a=1, b=2, c=3, d=4)))
    monkeypatch.setattr(soft_masks, "MAX_SOFT_VALUES", 20)
    with pytest.raises(MediaError, match="too many colours"):
        read(tmp_path, encoded(anti_aliased([(200, 20, 20), (30, 180, 30)])))


def test_a_photo_among_masks_is_left_out(tmp_path: Path) -> None:
    members = {f"{frame:05d}.png": encoded(photo() if frame == 3 else SOFT) for frame in range(6)}
    found = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [each.frame for each in found.masks] == [0, 1, 2, 4, 5]
    assert "look like photos" in reasons(found)
