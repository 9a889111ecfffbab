"""Pictures whose pixels are the objects' numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, MaskedMedia, ObjectTraits, Store, write
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.media.formats.scenes import BALL, RING, expected, scene, unpacked


def painted(media: MaskedMedia, frame: int) -> np.ndarray:
    requested = np.zeros(media.info.size_of(frame), int)
    for number, pixels in expected(media, frame).items():
        requested[pixels] = number
    return requested


@pytest.mark.parametrize("objects", [None, (BALL, RING), (RING, BALL)])
def test_pixels_are_numbers_and_the_last_object_lies_above(
    objects: Sequence[ObjectTraits] | None, clip: Store, tmp_path: Path
) -> None:
    media = scene(clip, objects)
    folder = unpacked(tmp_path, media, ExportOptions("index"))
    for frame in media.frames:
        with Image.open(folder / f"masks/{frame:05d}.png") as image:
            assert image.mode.startswith("I;16")
            np.testing.assert_array_equal(np.asarray(image), painted(media, frame))
    listed = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert listed["frames_with_overlaps"] == ([2, 3, 4, 5] if objects else [0, 2, 3, 4, 5])


def test_numbers_may_be_large(single_image: Store, tmp_path: Path) -> None:
    pixels = np.zeros((single_image.info.height, single_image.info.width), bool)
    pixels[3:9, 4:8] = True
    for number in (65535, 65536):
        found = FrameMasks(0, 1, (ObjectMask(number, Mask.from_array(pixels), 1.0, 1.0),))
        media = MaskedMedia(single_image, lambda _, found=found: [found], [replace(RING, id=number)])
        if number == 65535:
            folder = unpacked(tmp_path, media, ExportOptions("index"))
            with Image.open(folder / "masks/still.png") as image:
                np.testing.assert_array_equal(np.asarray(image), pixels * number)
        else:
            with pytest.raises(MediaError, match="1 to 65535"):
                write(tmp_path / "b.zip", media, ExportOptions("index"))


def test_training_reads_images_of_every_size(album: Store, tmp_path: Path) -> None:
    media = scene(album, [RING])
    found = open_dataset(unpacked(tmp_path, media, ExportOptions("index", include_images=True)))
    assert not found.report.counts
    read = {picture.name: picture.read() for picture in found.images}
    assert list(read) == ["IMG.01", "a (b)", "a b"]
    for frame, name in enumerate(("a b", "a (b)", "IMG.01")):
        np.testing.assert_array_equal(read[name].masks[0], expected(media, frame)[7])
