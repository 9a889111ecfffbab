"""Pictures of every kind come out upright, in 8 bits, with the colors that a viewer would show."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from sam2_core.errors import MediaError, TooLarge
from sam2_core.media import Limits, ingest, open_store
from sam2_core.media.bit_depth import measure_levels, sample_values, to_8_bits
from sam2_core.media.image_files import read_image

HEIGHT, WIDTH = 40, 60
LEFT, RIGHT = (210, 60, 40), (40, 90, 200)
GREY_LEFT, GREY_RIGHT = (64, 64, 64), (192, 192, 192)


def two_halves() -> Image.Image:
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2], pixels[:, WIDTH // 2 :] = LEFT, RIGHT
    return Image.fromarray(pixels)


def gray(scale: int, dtype: npt.DTypeLike) -> Image.Image:
    pixels = np.full((HEIGHT, WIDTH), 64 * scale, dtype)
    pixels[:, WIDTH // 2 :] = 192 * scale
    pixels[0, 0] = 255 * scale
    return Image.fromarray(pixels)


def half_transparent() -> Image.Image:
    image = two_halves().convert("RGBA")
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, WIDTH // 2 :] = 0
    image.putalpha(Image.fromarray(alpha))
    return image


def save(image: Image.Image, path: Path, **options: object) -> None:
    image.save(path, **options)


def save_turned(path: Path) -> None:
    """As a camera held upright would: the sensor's rows on their side, and a note how to turn them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    two_halves().rotate(90, expand=True).save(path, quality=95, exif=exif)


COLOURED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "jpeg": ("a.jpg", lambda path: save(two_halves(), path, quality=95)),
    "progressive_jpeg": ("a.jpg", lambda path: save(two_halves(), path, quality=95, progressive=True)),
    "turned_jpeg": ("a.jpg", save_turned),
    "png": ("a.png", lambda path: save(two_halves(), path)),
    "palette_png": ("a.png", lambda path: save(two_halves().convert("P", palette=Image.Palette.ADAPTIVE), path)),
    "webp": ("a.webp", lambda path: save(two_halves(), path, lossless=True)),
    "gif": ("a.gif", lambda path: save(two_halves(), path)),
    "tiff": ("a.tif", lambda path: save(two_halves(), path, compression="tiff_lzw")),
    "bmp": ("a.bmp", lambda path: save(two_halves(), path)),
    "ppm": ("a.ppm", lambda path: save(two_halves(), path)),
    "cmyk_jpeg": ("a.jpg", lambda path: save(two_halves().convert("CMYK"), path, quality=95)),
    "wrong_ending": ("a.mp4", lambda path: save(two_halves(), path, format="PNG")),
}
GREY: dict[str, tuple[str, Callable[[Path], None]]] = {
    "8_bits": ("a.png", lambda path: save(gray(1, np.uint8), path)),
    "16_bits": ("a.png", lambda path: save(gray(257, np.uint16), path)),
    "12_in_16_bits": ("a.tif", lambda path: save(gray(16, np.uint16), path)),
    "float": ("a.tif", lambda path: save(Image.fromarray(gray_from_zero() / np.float32(1000)), path)),
    "gray_and_alpha": ("a.png", lambda path: save(gray(1, np.uint8).convert("LA"), path)),
}


def gray_from_zero() -> npt.NDArray[np.float32]:
    pixels = np.asarray(gray(1, np.uint8), np.float32).copy()
    pixels[0, 1] = 0
    return pixels


def read(path: Path, folder: Path) -> npt.NDArray[np.uint8]:
    info = ingest(path, folder)
    assert (info.kind, info.frames, info.fps) == ("image", 1, 0)
    assert (info.height, info.width) == (HEIGHT, WIDTH)
    with open_store(folder) as store:
        assert store.times.tolist() == [0]
        return store.frame(0)


@pytest.mark.parametrize("kind", COLOURED)
def test_colors(kind: str, tmp_path: Path) -> None:
    name, write = COLOURED[kind]
    write(tmp_path / name)
    pixels = read(tmp_path / name, tmp_path / "store").astype(int)
    np.testing.assert_allclose(pixels[HEIGHT // 2, WIDTH // 4], LEFT, atol=8)
    np.testing.assert_allclose(pixels[HEIGHT // 2, WIDTH * 3 // 4], RIGHT, atol=8)


@pytest.mark.parametrize("kind", GREY)
def test_grays(kind: str, tmp_path: Path) -> None:
    name, write = GREY[kind]
    write(tmp_path / name)
    pixels = read(tmp_path / name, tmp_path / "store").astype(int)
    np.testing.assert_allclose(pixels[HEIGHT // 2, WIDTH // 4], GREY_LEFT, atol=3)
    np.testing.assert_allclose(pixels[HEIGHT // 2, WIDTH * 3 // 4], GREY_RIGHT, atol=3)


def test_deep_grays_take_little_memory() -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (1000, 1000)).astype(np.uint16)
    tracemalloc.start()
    try:
        shallow = to_8_bits(deep, measure_levels([sample_values(deep)]))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 12 * deep.size, "bytes for each pixel"
    np.testing.assert_array_equal(shallow, np.rint(deep * (255 / 65535)))


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.gif"])
def test_transparency_is_shown_over_white(name: str, tmp_path: Path) -> None:
    save(half_transparent(), tmp_path / name)
    pixels = read(tmp_path / name, tmp_path / "store").astype(int)
    np.testing.assert_allclose(pixels[HEIGHT // 2, WIDTH // 4], LEFT, atol=8)
    np.testing.assert_allclose(pixels[HEIGHT // 2, WIDTH * 3 // 4], (255, 255, 255), atol=3)


def swapped_profile() -> bytes:
    """sRGB with red and green exchanged, so that it cannot be mistaken for no profile at all."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"none").replace(b"gXYZ", b"rXYZ").replace(b"none", b"gXYZ")


def test_colors_are_translated_to_srgb(tmp_path: Path) -> None:
    save(Image.new("RGB", (WIDTH, HEIGHT), (200, 40, 90)), tmp_path / "a.png", icc_profile=swapped_profile())
    pixels = read(tmp_path / "a.png", tmp_path / "store").astype(int)
    np.testing.assert_allclose(pixels[5, 5], (40, 200, 90), atol=4)


def test_a_broken_color_profile_does_not_cost_the_image(tmp_path: Path) -> None:
    save(two_halves(), tmp_path / "a.png", icc_profile=b"nonsense")
    pixels = read(tmp_path / "a.png", tmp_path / "store").astype(int)
    np.testing.assert_allclose(pixels[5, 5], LEFT, atol=4)


def test_large_images_are_stored_smaller_and_keep_their_size(tmp_path: Path) -> None:
    save(two_halves(), tmp_path / "a.png")
    info = ingest(tmp_path / "a.png", tmp_path / "store", Limits(stored_side_image=30))
    assert (info.height, info.width, info.stored_height, info.stored_width) == (HEIGHT, WIDTH, 20, 30)
    with open_store(tmp_path / "store") as store:
        assert store.frame(0).shape == (20, 30, 3)


def write_png_header(path: Path, height: int, width: int) -> None:
    """A PNG that promises many pixels and holds none, so that decoding it would give another error."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(header) - 4) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 100) + b"IDAT")


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    write_png_header(tmp_path / "a.png", 2000, 3000)
    with pytest.raises(MediaError, match=r"3000 x 2000 = 6.0 million pixels; the limit is 5.0 million"):
        ingest(tmp_path / "a.png", tmp_path / "store", Limits(max_pixels=5_000_000))


@pytest.mark.parametrize("side", [10_000, 30_000])
def test_decompression_bombs_are_refused(side: int, tmp_path: Path) -> None:
    write_png_header(tmp_path / "bomb.png", side, side)
    with pytest.raises(MediaError, match=f"too large .{side * side // 10**6} million pixels"):
        ingest(tmp_path / "bomb.png", tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("size", [(1, 9000), (9000, 1), (90, 9001)])
def test_a_thread_is_no_picture(tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    """Each click on one would take seconds: the network's square is stretched over it and back."""
    Image.new("L", size).save(tmp_path / "thread", kind)
    for limits in (Limits(max_aspect=100), Limits(max_aspect=100, scale_down=True)):
        with pytest.raises(MediaError, match="up to 100 times those of the shorter one"):
            read_image(tmp_path / "thread", limits)


@pytest.mark.parametrize("size", [(1, 4096), (90, 9000), (9000, 90)])
def test_a_short_thread_and_a_panorama_are_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("L", size).save(tmp_path / "panorama.png")
    assert read_image(tmp_path / "panorama.png", Limits(max_aspect=100)).shape == (size[1], size[0], 3)


def test_a_picture_that_is_too_long_can_be_scaled_down(tmp_path: Path) -> None:
    Image.new("L", (1500, 20)).save(tmp_path / "long.png")
    with pytest.raises(TooLarge, match="1500 x 20 pixels; the limit is 1000 on the long side"):
        read_image(tmp_path / "long.png", Limits(max_side=1000))
    assert read_image(tmp_path / "long.png", Limits(max_side=1000, scale_down=True)).shape == (13, 1000, 3)
    with pytest.raises(MediaError, match="the limit is 700") as refused:
        read_image(tmp_path / "long.png", Limits(max_side=700, scale_down=True))
    assert not isinstance(refused.value, TooLarge)


def test_no_file_of_a_few_kilobytes_is_a_thread_of_millions(tmp_path: Path) -> None:
    Image.new("1", (50_000_000, 1)).save(tmp_path / "thread.png")
    with pytest.raises(MediaError, match="Cut out the part that matters"):
        read_image(tmp_path / "thread.png", Limits())
