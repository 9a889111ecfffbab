"""Animated pictures and the pages of a TIFF are clips or albums, with every frame; previews are no frames."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, TiffImagePlugin

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, Limits, MediaInfo, ingest, open_store, write
from sam2_core.media.source_frames import iterate_source_frames
from sam2_core.media.store import ABOUT
from tests.media.masked_media import media_of, no_masks
from tests.media.numbered import ffmpeg, numbered_image, read_number

HEIGHT, WIDTH = 48, 72
DURATIONS = [40, 80, 120, 200]


def numbered(count: int = len(DURATIONS), height: int = HEIGHT, width: int = WIDTH) -> list[Image.Image]:
    return [Image.fromarray(numbered_image(number, height, width)) for number in range(count)]


def save(path: Path, images: list[Image.Image], **options: Any) -> Path:
    images[0].save(path, save_all=True, append_images=images[1:], **options)
    return path


def frames_of(path: Path, folder: Path, limits: Limits | None = None) -> tuple[MediaInfo, list[npt.NDArray[np.uint8]]]:
    """The info, and the stored frames, which must be those of the source."""
    info = ingest(path, folder, limits or Limits())
    path.unlink()  # a store stands on its own
    with open_store(folder) as store:
        assert store.info == info
        stored = [store.frame(frame) for frame in range(info.frames)]
        for frame, image in zip(stored, iterate_source_frames(store, range(info.frames)), strict=True):
            assert image.shape == (info.height, info.width, 3)
            if frame.shape == image.shape:
                assert np.abs(frame.astype(int) - image).mean() < 6
    return info, stored


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_animations_have_their_frames_and_times(name: str, tmp_path: Path) -> None:
    lossless = {"lossless": True} if name.endswith("webp") else {}
    path = save(tmp_path / name, numbered(), duration=DURATIONS, loop=0, **lossless)
    info, stored = frames_of(path, tmp_path / "store")
    assert (info.kind, info.frames, info.height, info.width) == ("clip", 4, HEIGHT, WIDTH)
    assert [read_number(frame) for frame in stored] == [0, 1, 2, 3]
    with open_store(tmp_path / "store") as store:
        np.testing.assert_allclose(store.times, [0, 0.04, 0.12, 0.24], atol=0.002)
    assert info.duration == pytest.approx(0.44, abs=0.01)
    assert info.warnings == ()


def test_animations_are_exported_with_their_times(tmp_path: Path) -> None:
    ingest(save(tmp_path / "a.png", numbered(), duration=DURATIONS), tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        write(tmp_path / "overlay.mp4", media_of(store, no_masks), ExportOptions("mp4"))
        times = store.times
    again, stored = frames_of(tmp_path / "overlay.mp4", tmp_path / "again")
    assert [read_number(frame) for frame in stored] == [0, 1, 2, 3]
    with open_store(tmp_path / "again") as store:
        np.testing.assert_allclose(store.times, times, atol=0.002)
    assert not again.has_audio


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_transparent_animations_are_laid_over_white(name: str, tmp_path: Path) -> None:
    images = []
    for shade in (40, 90):
        pixels = np.full((HEIGHT, WIDTH, 4), (200, shade, 60, 255), np.uint8)
        pixels[:, WIDTH // 2 :, 3] = 0
        images.append(Image.fromarray(pixels))
    options = {"lossless": True} if name.endswith("webp") else {"disposal": 2} if name.endswith("gif") else {}
    _, stored = frames_of(save(tmp_path / name, images, duration=100, **options), tmp_path / "store")
    for frame, shade in zip(stored, (40, 90), strict=True):
        np.testing.assert_allclose(frame[20, 10].astype(int), (200, shade, 60), atol=14)
        np.testing.assert_allclose(frame[20, 60].astype(int), 255, atol=6)


def test_an_apng_begins_with_its_animation(tmp_path: Path) -> None:
    """The default image is for programs that do not animate."""
    cover, *frames = numbered()
    cover.save(tmp_path / "a.png", save_all=True, append_images=frames, default_image=True, duration=50)
    _, stored = frames_of(tmp_path / "a.png", tmp_path / "store")
    assert [read_number(frame) for frame in stored] == [1, 2, 3]


def test_frames_that_ask_for_no_time_are_shown_as_browsers_show_them(tmp_path: Path) -> None:
    info, _ = frames_of(save(tmp_path / "a.png", numbered(), duration=[0, 200, 0, 200]), tmp_path / "store")
    assert info.duration == pytest.approx(0.6, abs=0.001)


def with_promised_frames(content: bytes, count: int) -> bytes:
    """An APNG whose header promises another number of frames."""
    start = content.index(b"acTL")
    chunk = b"acTL" + struct.pack(">II", count, 0)
    return content[:start] + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[start + 16 :]


def test_a_number_of_frames_that_lies_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", numbered(), duration=50)
    path.write_bytes(with_promised_frames(path.read_bytes(), 900))
    info, stored = frames_of(path, tmp_path / "store")
    assert [read_number(frame) for frame in stored] == [0, 1, 2, 3]
    assert info.warnings == ("The picture is damaged: only 4 of its 900 frames could be read.",)


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        (Limits(max_frames=3), "more than 3 frames"),
        (Limits(max_pixels=1000), "million pixels; the limit is"),
        (Limits(max_clip_side=50), "the limit is 50 on the long side"),
        (Limits(max_store_bytes=2000), "take more than"),
        (Limits(max_seconds=0.1), "lasts"),
        (Limits(time_limit=0.0), "took longer than 0 s"),
    ],
)
def test_limits_of_clips_hold_for_animations(limits: Limits, complaint: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", numbered(), duration=DURATIONS)
    with pytest.raises(MediaError, match=complaint):
        ingest(path, tmp_path / "store", limits)
    assert not (tmp_path / "store").exists()


def test_pages_of_one_size_are_a_clip(tmp_path: Path) -> None:
    info, stored = frames_of(save(tmp_path / "stack.tif", numbered(6)), tmp_path / "store")
    assert (info.kind, info.frames, info.fps) == ("clip", 6, 25.0)
    assert [read_number(frame) for frame in stored] == list(range(6))


def test_pages_of_different_sizes_are_an_album(tmp_path: Path) -> None:
    pages = [*numbered(2), *numbered(1, 36, 60)]
    info = ingest(save(tmp_path / "scan.tif", pages), tmp_path / "store")
    assert (info.kind, info.sizes) == ("album", ((HEIGHT, WIDTH), (HEIGHT, WIDTH), (36, 60)))
    assert info.names == ("scan_page_0001.png", "scan_page_0002.png", "scan_page_0003.png")
    with open_store(tmp_path / "store") as store:
        images = list(iterate_source_frames(store, range(3)))
        assert [read_number(image) for image in images] == [0, 1, 0]
        assert [store.source_of(frame).is_file() for frame in range(3)] == [True] * 3


def append_page(file: TiffImagePlugin.AppendingTiffWriter, image: Image.Image, **tags: int) -> None:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[int(tag.removeprefix("tag_"))] = value
    image.save(file, "TIFF", tiffinfo=directory)
    file.newFrame()


@pytest.mark.parametrize("subfile", [1, 4, 5])
def test_reduced_pages_and_masks_are_no_frames(subfile: int, tmp_path: Path) -> None:
    page, preview = numbered(1)[0], numbered(2, 24, 36)[1]
    with TiffImagePlugin.AppendingTiffWriter(str(tmp_path / "a.tif"), True) as file:
        append_page(file, preview, tag_254=subfile)
        append_page(file, page)
        append_page(file, preview, tag_254=subfile)
    info, stored = frames_of(tmp_path / "a.tif", tmp_path / "store")
    assert (info.kind, info.frames, info.height) == ("image", 1, HEIGHT)
    assert read_number(stored[0]) == 0


def test_the_second_picture_of_a_camera_is_no_frame(tmp_path: Path) -> None:
    path = save(tmp_path / "a.mpo", numbered(2))
    info, stored = frames_of(path, tmp_path / "store")
    assert (info.kind, info.frames) == ("image", 1)
    assert read_number(stored[0]) == 0


def test_a_preview_behind_a_jpeg_is_no_frame(tmp_path: Path) -> None:
    small = io.BytesIO()
    numbered(1, 24, 36)[0].save(small, "JPEG")
    numbered(2)[1].save(tmp_path / "a.jpg", quality=95)
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(small.getvalue())
    info, stored = frames_of(tmp_path / "a.jpg", tmp_path / "store")
    assert info.kind == "image"
    assert read_number(stored[0]) == 1


def test_a_directory_that_points_at_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    numbered(1)[0].save(path)
    content = bytearray(path.read_bytes())
    (offset,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, offset)
    struct.pack_into("<I", content, offset + 2 + 12 * entries, offset)
    path.write_bytes(content)
    assert ingest(path, tmp_path / "store").kind == "image"


def test_all_pages_of_a_deep_stack_have_the_same_levels(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1, WIDTH), (HEIGHT, 1))
    pages = [Image.fromarray((low + 400 * ramp).astype(np.uint16)) for low in (1000, 1200, 1400)]
    info, stored = frames_of(save(tmp_path / "a.tif", pages), tmp_path / "store")
    middles = [int(frame[HEIGHT // 2, WIDTH // 2, 0]) for frame in stored]
    assert middles[0] + 30 < middles[1] < middles[2] - 30
    assert "1000 to 1800 is shown as black to white" in info.warnings[0]


def test_stores_of_earlier_versions_still_open(tmp_path: Path) -> None:
    numbered(1)[0].save(tmp_path / "a.png")
    ingest(tmp_path / "a.png", tmp_path / "store")
    about = json.loads((tmp_path / "store" / ABOUT).read_text("utf-8"))
    del about["warnings"], about["reading"]
    (tmp_path / "store" / ABOUT).write_text(json.dumps(about), "utf-8")
    with open_store(tmp_path / "store") as store:
        assert store.info.warnings == ()
        assert store.reading.parts == "video"


@pytest.mark.parametrize("depth", ["rgb48be", "rgba64be"])
def test_an_apng_of_16_bits_has_all_its_frames(depth: str, tmp_path: Path) -> None:
    for number, image in enumerate(numbered()):
        image.save(tmp_path / f"{number}.png")
    ffmpeg(
        "-framerate", "10", "-i", str(tmp_path / "%d.png"), "-pix_fmt", depth, "-f", "apng", str(tmp_path / "a.apng")
    )
    _, stored = frames_of(tmp_path / "a.apng", tmp_path / "store")
    assert [read_number(frame) for frame in stored] == [0, 1, 2, 3]


def test_pages_of_different_modes_do_not_affect_one_another(tmp_path: Path) -> None:
    modes = ["L", "RGB", "P", "CMYK", "L"]
    pages = [image.convert(mode) for image, mode in zip(numbered(len(modes)), modes, strict=True)]
    info, stored = frames_of(save(tmp_path / "a.tif", pages), tmp_path / "store")
    for frame, page in zip(stored, pages, strict=True):
        assert np.abs(frame.astype(int) - np.asarray(page.convert("RGB"))).mean() < 8
    assert info.warnings == ()


def test_deep_pages_behind_a_shallow_one_are_stretched(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1, WIDTH), (HEIGHT, 1))
    pages = [numbered(1)[0].convert("L"), *(Image.fromarray((1000 + 400 * ramp).astype(np.uint16)) for _ in range(2))]
    info, stored = frames_of(save(tmp_path / "a.tif", pages), tmp_path / "store")
    assert int(stored[1].max()) - int(stored[1].min()) > 150
    assert "1000 to 1400 is shown as black to white" in info.warnings[0]


@pytest.mark.parametrize("pages", [1, 3])
def test_pages_that_a_cut_file_lacks_are_told(pages: int, tmp_path: Path) -> None:
    with TiffImagePlugin.AppendingTiffWriter(str(tmp_path / "a.tif"), True) as file:
        for image in numbered(pages + 1):
            append_page(file, image)
    content = (tmp_path / "a.tif").read_bytes()
    offset, place = int.from_bytes(content[4:8], "little"), 0
    for _ in range(pages):
        (entries,) = struct.unpack_from("<H", content, offset)
        place = offset + 2 + 12 * entries
        (offset,) = struct.unpack_from("<I", content, place)
    content = bytearray(content)
    struct.pack_into("<I", content, place, len(content) + 1000)
    (tmp_path / "a.tif").write_bytes(content)
    info, stored = frames_of(tmp_path / "a.tif", tmp_path / "store")
    assert [read_number(frame) for frame in stored] == list(range(pages))
    assert f"after its page {pages} cannot be read" in info.warnings[0]


def test_a_cut_gif_is_told(tmp_path: Path) -> None:
    path = save(tmp_path / "a.gif", numbered(), duration=80)
    assert ingest(path, tmp_path / "whole").warnings == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    info = ingest(path, tmp_path / "cut")
    assert info.frames < 4
    assert info.warnings == ("The GIF is cut off: frames at its end may be missing.",)
