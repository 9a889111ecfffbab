"""Pixels of more than 8 bits: what uses its range is kept, what does not is stretched, and no data never counts."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from sam2_core.errors import MediaError
from sam2_core.media import ingest, open_store
from sam2_core.media.bit_depth import PixelArray, measure_levels, sample_values, to_8_bits
from sam2_core.media.image_files import read_image
from sam2_core.media.limits import DEFAULT_LIMITS
from tests.media.numbered import ffmpeg

Y, X = np.mgrid[:60, :80]
BUMP = np.exp(-((X - 40) ** 2 + (Y - 30) ** 2) / 400)
"""0 to 1, most of it in between."""


def bump(low: float, high: float, dtype: str = "u2") -> PixelArray:
    return (low + (high - low) * BUMP).astype(dtype)


def shown(pixels: PixelArray, no_data: float | None = None) -> tuple[np.ndarray, bool]:
    levels = measure_levels([sample_values(pixels, no_data)])
    return to_8_bits(pixels, levels), levels.is_stretched


@pytest.mark.parametrize(
    ("low", "high"), [(51241, 52181), (400, 5200), (21000, 24000), (0, 900), (180, 900), (0, 4095), (0, 65535)]
)
def test_every_range_fills_what_can_be_seen(low: int, high: int) -> None:
    gray, _ = shown(bump(low, high))
    assert int(gray.max()) - int(gray.min()) > 150


@pytest.mark.parametrize("peak", [255, 1023, 4095, 65535])
def test_full_ranges_stay_linear(peak: int) -> None:
    pixels = bump(0, peak)
    gray, is_stretched = shown(pixels)
    assert not is_stretched
    np.testing.assert_array_equal(gray, np.rint(pixels * (255 / peak)))


def test_a_dark_photo_of_16_bits_stays_dark() -> None:
    pixels = bump(300, 30_000)
    gray, is_stretched = shown(pixels)
    assert not is_stretched
    np.testing.assert_array_equal(gray, np.rint(pixels / 257))


def test_broken_pixels_do_not_cost_the_picture() -> None:
    pixels = bump(200, 500)
    pixels[3, 3], pixels[4, 70] = 65535, 60000
    gray, _ = shown(pixels)
    assert np.percentile(gray, 99.5) - np.percentile(gray, 1) > 150


@pytest.mark.parametrize("no_data", [-9999, -32768, -3.4e38, np.nan, np.inf, -np.inf])
def test_values_that_mean_no_data_do_not_count(no_data: float) -> None:
    pixels = bump(280, 300, "f4")
    pixels[:20] = no_data
    gray, _ = shown(pixels)
    assert int(gray[30:].max()) - int(gray[30:].min()) > 200
    if not no_data > 0:
        assert (gray[:20] == 0).all()


@pytest.mark.parametrize("no_data", [0, 65535])
def test_both_ends_of_16_bits_may_mean_no_data(no_data: int) -> None:
    pixels = bump(31000, 32000)
    pixels[:20] = no_data
    gray, is_stretched = shown(pixels)
    assert is_stretched
    assert int(gray[30:].max()) - int(gray[30:].min()) > 200


def test_two_shades_are_no_missing_data() -> None:
    pixels = np.zeros((60, 80), np.uint16)
    pixels[20:40] = 65535
    gray, _ = shown(pixels)
    assert set(np.unique(gray)) == {0, 255}


@pytest.mark.parametrize("value", [0, 500, 65535])
def test_a_single_shade_is_shown(value: int) -> None:
    gray, is_stretched = shown(np.full((60, 80), value, np.uint16))
    assert not is_stretched
    assert np.unique(gray).size == 1


def test_nothing_but_no_data_is_black() -> None:
    gray, _ = shown(np.full((60, 80), np.nan, np.float32))
    assert (gray == 0).all()


def test_signed_and_wide_integers() -> None:
    for pixels in (bump(-1024, 3000, "i2"), bump(100_000, 103_000, "i4"), bump(-5, 5, "f8")):
        gray, _ = shown(pixels)
        assert int(gray.min()) == 0
        assert int(gray.max()) == 255


COLORS = np.stack([bump(400, 5200), bump(600, 2600), bump(300, 300)], -1)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.ppm"])
def test_colors_of_16_bits_are_stretched_together(name: str, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / name), COLORS[..., ::-1])
    info = ingest(tmp_path / name, tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        peak = store.frame(0)[30, 40].astype(int)
    np.testing.assert_allclose(peak, (255, 126, 0), atol=12)
    assert "Its 16-bit pixels use a small part of their range: 300 to" in info.warnings[0]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_ordinary_colors_of_16_bits_do_not_change(name: str, tmp_path: Path) -> None:
    eight = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / name), eight[..., ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(tmp_path / name, DEFAULT_LIMITS), eight)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_transparency_of_16_bits_is_laid_over_white(name: str, tmp_path: Path) -> None:
    pixels = np.dstack([bump(0, 65535)] * 3 + [np.where(X < 40, 65535, 0).astype(np.uint16)])
    cv2.imwrite(str(tmp_path / name), pixels)
    image = read_image(tmp_path / name, DEFAULT_LIMITS)
    assert (image[:, 60] == 255).all()
    assert int(image[0, 0, 0]) < 20


def test_floating_point_colors_can_be_read(tmp_path: Path) -> None:
    colors = COLORS.astype(np.float32) / 5200
    cv2.imwrite(str(tmp_path / "a.tif"), colors[..., ::-1])
    info = ingest(tmp_path / "a.tif", tmp_path / "store")
    assert (info.kind, info.height, info.width) == ("image", 60, 80)
    np.testing.assert_allclose(read_image(tmp_path / "a.tif", DEFAULT_LIMITS), np.rint(colors * 255), atol=1)


def test_a_photo_with_a_color_profile_is_shown_as_it_is(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(bump(1000, 3000)).save(tmp_path / "a.png", icc_profile=profile)
    image = read_image(tmp_path / "a.png", DEFAULT_LIMITS)
    np.testing.assert_array_equal(image[..., 0], np.rint(bump(1000, 3000) * (255 / 4095)))


def test_gdal_names_the_value_without_data(tmp_path: Path) -> None:
    pixels = bump(280, 300, "f4")
    pixels[:20] = 310  # not far from the others
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[42113] = "310"
    Image.fromarray(pixels).save(tmp_path / "a.tif", tiffinfo=tags)
    image = read_image(tmp_path / "a.tif", DEFAULT_LIMITS)
    assert int(image[30:].max()) > 245


@pytest.mark.parametrize(("low", "high", "told"), [(21000, 24000, True), (0, 65535, False)])
def test_gray_clips_are_stretched_too(low: int, high: int, told: bool, tmp_path: Path) -> None:
    raw = ("-f", "rawvideo", "-pix_fmt", "gray16le", "-s", "80x60", "-r", "10", "-i", "pipe:0")
    coded = ("-c:v", "ffv1", "-pix_fmt", "gray16le", tmp_path / "a.mkv")
    ffmpeg(*raw, *coded, feed=bump(low, high).astype("<u2").tobytes() * 3)
    info = ingest(tmp_path / "a.mkv", tmp_path / "store")
    assert bool(info.warnings) is told
    with open_store(tmp_path / "store") as store:
        frame = store.frame(1)
    assert int(frame.min()) < 8
    assert int(frame.max()) > 240


RAMP = np.broadcast_to(np.arange(80, dtype=np.uint16) * 800, (60, 80)).copy()


def tiff(path: Path, pixels: PixelArray, photometric: int = 1, planar: int = 1, extra: tuple[int, ...] = ()) -> Path:
    """An uncompressed TIFF of an array (H, W) or (H, W, C), with tags that Pillow does not write."""
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    number = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    data = np.ascontiguousarray(pixels if planar == 1 else pixels.transpose(2, 0, 1)).tobytes()
    planes = 1 if planar == 1 else channels
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.update({256: width, 257: height, 258: (8 * pixels.itemsize,) * channels, 259: 1, 262: photometric})
    tags.update({277: channels, 278: height, 279: (len(data) // planes,) * planes, 284: planar})
    tags.update({339: (number,) * channels, **({338: extra} if extra else {})})
    tags[273] = tuple(plane * (len(data) // planes) for plane in range(planes))  # from the end of the directory
    path.write_bytes(b"II*\0\x08\0\0\0" + tags.tobytes(8) + data)
    return path


def read(path: Path) -> np.ndarray:
    return read_image(path, DEFAULT_LIMITS)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_gray_that_grows_from_white_to_black(dtype: str, tmp_path: Path) -> None:
    full = {"u1": RAMP // 257, "u2": RAMP}.get(dtype, RAMP / 65535)
    shade = read(tiff(tmp_path / "a.tif", full.astype(dtype), photometric=0))[5, :, 0].astype(int)
    assert shade[0] == 255
    assert (np.diff(shade) <= 0).all()


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "u4"])
def test_numbers_keep_their_sign(dtype: str, tmp_path: Path) -> None:
    limits = np.iinfo(dtype)
    values = np.linspace(limits.min + 1, limits.max - 1, 80).astype(dtype)
    shade = read(tiff(tmp_path / "a.tif", np.broadcast_to(values, (60, 80))))[5, :, 0].astype(int)
    assert (np.diff(shade) >= 0).all()
    assert (shade[0], shade[-1]) == (0, 255)


@pytest.mark.parametrize(("extra", "shown_red"), [((1,), 200), ((2,), 228), ((0,), 200)])
def test_the_meaning_of_a_fourth_channel(extra: tuple[int, ...], shown_red: int, tmp_path: Path) -> None:
    pixels = np.zeros((60, 80, 4), np.uint16)
    pixels[..., 0], pixels[..., 3] = 200 * 257, 0 if extra == (0,) else 32768
    if extra == (1,):  # multiplied by the opacity: the color is twice as bright, and white shines through
        pixels[..., 0] = 72 * 257
        shown_red = 200
    assert abs(int(read(tiff(tmp_path / "a.tif", pixels, 2, extra=extra))[5, 5, 0]) - shown_red) <= 1


def test_layouts_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    color = np.dstack([RAMP] * 3)
    with pytest.raises(MediaError, match="separate planes"):
        read(tiff(tmp_path / "planes.tif", color, 2, planar=2))
    np.testing.assert_array_equal(
        read(tiff(tmp_path / "8.tif", (color // 257).astype(np.uint8), 2, planar=2)), color // 257
    )
    with pytest.raises(MediaError, match="5 16-bit channels"):
        read(tiff(tmp_path / "five.tif", np.dstack([RAMP] * 5), extra=(0, 0, 0, 0)))


def test_a_transparent_gray_of_16_bits(tmp_path: Path) -> None:
    pixels = np.full((60, 80), 20_000, np.uint16)
    pixels[:, :40] = 7
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=7)
    assert read(tmp_path / "a.png")[5, [5, 70], 0].tolist() == [255, 78]


@pytest.mark.parametrize("depth", [8, 16])
def test_code_points_of_a_png_hold_for_all_depths(depth: int, tmp_path: Path) -> None:
    """A gray of 203 cd/m2 in PQ is the white of sRGB."""
    value = round(0.5807 * (2**depth - 1))
    pixels = np.full((60, 80, 3), value, np.uint8 if depth == 8 else np.uint16)
    assert cv2.imwrite(str(tmp_path / "plain.png"), pixels)
    content = (tmp_path / "plain.png").read_bytes()
    chunks = [b"tEXt" + b"Comment\0" + b"x" * 5000, b"cICP" + bytes([9, 16, 0, 1])]
    packed = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    (tmp_path / "pq.png").write_bytes(content[:33] + packed + content[33:])
    assert int(read(tmp_path / "pq.png").min()) >= 225
