"""Palette pictures as Pillow reads them, and the archive as the reader of training data does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, ObjectTraits, Store, write
from sam2_core.training.datasets.layouts import open_dataset
from tests.media.formats.scenes import ALL, RING, expected, scene, unpacked
from tests.media.masked_media import FRAMES, HEIGHT, WIDTH

FIRST_COLORS = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)]


def test_each_pixel_belongs_to_the_object_above(clip: Store, tmp_path: Path) -> None:
    media = scene(clip)
    folder = unpacked(tmp_path, media, ExportOptions("davis"))
    for frame in media.frames:
        requested = np.zeros((HEIGHT, WIDTH), int)
        for number, pixels in expected(media, frame).items():
            requested[pixels] = [7, 3, 5].index(number) + 1
        with Image.open(folder / f"Annotations/clip/{frame:05d}.png") as image:
            assert image.mode == "P"
            np.testing.assert_array_equal(np.asarray(image), requested)
            colors = np.asarray(image.convert("RGB"))
            assert {tuple(color) for color in colors.reshape(-1, 3)} <= set(FIRST_COLORS)
            assert tuple(colors[requested == 1][0]) == FIRST_COLORS[1]
    told = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert told["values"] == {"7": 1, "3": 2, "5": 3}
    assert told["frames_with_overlaps"] == [0, 2, 3, 4, 5]
    assert (folder / "ImageSets/clip.txt").read_text("utf-8") == "clip\n"


def test_the_palette_is_that_of_voc(clip: Store, tmp_path: Path) -> None:
    """Its first and last colors, and some between, as VOC's development kit lists them."""
    folder = unpacked(tmp_path, scene(clip), ExportOptions("davis"))
    with Image.open(folder / "Annotations/clip/00000.png") as image:
        palette = np.reshape(image.getpalette(), (-1, 3))
    known = {7: (128, 128, 128), 8: (64, 0, 0), 15: (192, 128, 128), 20: (0, 64, 128), 255: (224, 224, 192)}
    assert len(palette) == 256
    assert [tuple(color) for color in palette[:7]] == FIRST_COLORS
    assert {number: tuple(palette[number]) for number in known} == known


def test_training_reads_every_frame(clip: Store, tmp_path: Path) -> None:
    media = scene(clip, ALL[:1])
    found = open_dataset(unpacked(tmp_path, media, ExportOptions("davis", include_images=True)), split="clip")
    [read] = found.clips
    assert not found.report.counts
    assert len(read) == FRAMES
    assert tuple(read.annotated) == tuple(range(FRAMES))
    for frame in range(FRAMES):
        np.testing.assert_array_equal(read.masks(frame)[1], expected(media, frame)[7])


def test_more_objects_than_colors_are_refused(clip: Store, tmp_path: Path) -> None:
    many = [ObjectTraits(number, "", "", (0, 0, 0)) for number in range(1, 256)]
    with pytest.raises(MediaError, match="254 objects"):
        write(tmp_path / "a.zip", scene(clip, many), ExportOptions("davis"))
    write(tmp_path / "a.zip", scene(clip, [RING, *many[10:263]]), ExportOptions("davis"))
