"""Masks and documents about a picture of another size."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from sam2_core.errors import MediaError
from sam2_core.media import MediaInfo
from sam2_core.media.readers import read_annotations
from sam2_core.media.readers.size_fitting import Fit, find_fit
from sam2_core.types import BoolArray, Box, Mask
from tests.media.readers.media import as_json, packed, pixels_of, png, rle, square

IMAGE = MediaInfo("image", "photo.jpg", 1, 40, 60, 40, 60)
CLIP = MediaInfo("clip", "film.mp4", 3, 1080, 1920, 720, 1280, fps=30.0)
WHOLE = square(20, 10, side=20, size=(40, 60))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((540, 960), (1080, 1920)),
        ((480, 854), (1080, 1920)),
        ((2160, 3840), (1080, 1920)),
        ((1080, 1919), (1080, 1920)),
    ],
)
def test_sizes_of_the_same_aspect_fit(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert find_fit(size, expected) == Fit(size, expected)


@pytest.mark.parametrize("size", [(480, 848), (1088, 1920), (1080, 1080), (0, 0), (1, 1), (2**40, 2**40), (1080, 1900)])
def test_sizes_of_another_aspect_are_named(size: tuple[int, int]) -> None:
    with pytest.raises(
        MediaError, match=rf"They are {size[1]} × {size[0]} pixels, the picture is 1920 × 1080\. Export"
    ):
        find_fit(size, (1080, 1920))


def test_sizes_that_seem_to_be_turned_are_named() -> None:
    with pytest.raises(MediaError, match="1080 × 1920 pixels, the picture is 1920 × 1080: they seem to be turned"):
        find_fit((1920, 1080), (1080, 1920))
    assert find_fit((1920, 1080), (1080, 1920), orientation=6) == Fit((1920, 1080), (1080, 1920), 6)
    assert find_fit((960, 540), (1080, 1920), orientation=8).orientation == 8


def test_far_too_large_masks_are_refused() -> None:
    with pytest.raises(MediaError, match="million pixels"):
        find_fit((40_000, 60_000), (40, 60))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_rings_and_boxes_turn_as_pictures_do(orientation: int) -> None:
    pixels = square(4, 2, side=4, size=(12, 20))
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)))
    fit = Fit((12, 20), (expected.shape[0], expected.shape[1]), orientation)
    assert (fit.mask(Mask.from_array(pixels)).to_array() == expected).all()
    y, x = expected.nonzero()
    assert fit.box(Box(4, 2, 8, 6)) == Box(x.min(), y.min(), x.max() + 1, y.max() + 1)


def test_tiny_masks_survive_scaling() -> None:
    fit = Fit((400, 600), (40, 60))
    dot = square(303, 207, side=1, size=(400, 600))
    assert np.argwhere(fit.mask(Mask.from_array(dot)).to_array()).tolist() == [[20, 30]]


def test_scaled_masks_are_named(tmp_path: Path) -> None:
    half, double = WHOLE[::2, ::2], WHOLE.repeat(2, axis=0).repeat(2, axis=1)
    for pixels, size in ((half, "30 × 20"), (double, "120 × 80")):
        path = tmp_path / "mask.png"
        path.write_bytes(png(np.ascontiguousarray(pixels)))
        found = read_annotations(path, IMAGE)
        assert (pixels_of(found) == WHOLE).all()
        assert f"The masks are {size}; they were scaled to 60 × 40." in found.notes


def test_masks_of_a_clip_may_be_smaller(tmp_path: Path) -> None:
    small = square(100, 50, side=200, size=(480, 854))
    members = {f"{frame:05d}.png": png(np.where(small, 255, 0).astype(np.uint8)) for frame in range(3)}
    found = read_annotations(packed(tmp_path / "x.zip", members), CLIP)
    assert [each.frame for each in found.masks] == [0, 1, 2]
    assert found.notes == ("The masks are 854 × 480; they were scaled to 1920 × 1080.",)


def coco(segmentation: object, height: int, width: int) -> dict[str, Any]:
    images = [{"id": 1, "file_name": "photo.jpg", "height": height, "width": width}]
    return {"images": images, "annotations": [{"image_id": 1, "segmentation": segmentation, "bbox": [10, 5, 10, 10]}]}


@pytest.mark.parametrize(
    "segmentation",
    [[[10, 5, 20, 5, 20, 15, 10, 15]], rle(np.ascontiguousarray(WHOLE[::2, ::2])), rle(WHOLE)],
    ids=["polygon", "run lengths", "run lengths of the picture"],
)
def test_coco_of_a_smaller_picture(tmp_path: Path, segmentation: object) -> None:
    found = read_annotations(as_json(tmp_path / "x", coco(segmentation, 20, 30)), IMAGE)
    assert (pixels_of(found) == WHOLE).all()


def test_boxes_of_a_smaller_picture(tmp_path: Path) -> None:
    [found] = read_annotations(as_json(tmp_path / "x", coco(None, 20, 30)), IMAGE).masks
    assert found.box == Box(20, 10, 40, 30)
    with pytest.raises(MediaError, match="50 × 20 pixels, the picture is 60 × 40"):
        read_annotations(as_json(tmp_path / "x", coco(None, 20, 50)), IMAGE)


def test_labelme_of_a_smaller_picture(tmp_path: Path) -> None:
    shapes = [
        {"label": "a", "points": [[10, 5], [20, 5], [20, 15], [10, 15]]},
        {"label": "b", "shape_type": "rectangle", "points": [[10, 5], [20, 15]]},
    ]
    plain = {"imagePath": "photo.jpg", "imageHeight": 20, "imageWidth": 30, "shapes": shapes}
    polygon, box = read_annotations(as_json(tmp_path / "x", plain), IMAGE).masks
    assert polygon.mask is not None
    assert (polygon.mask.to_array() | WHOLE).sum() <= 1.15 * WHOLE.sum()
    assert box.box == Box(20, 10, 40, 30)


def test_masks_of_the_picture_before_it_was_turned(tmp_path: Path) -> None:
    turned = replace(IMAGE, orientations=(6,))
    path = tmp_path / "mask.png"
    path.write_bytes(png(unturned(WHOLE)))
    found = read_annotations(path, turned)
    assert (pixels_of(found) == WHOLE).all()
    assert "The masks are 40 × 60; they were turned to 60 × 40." in found.notes
    with pytest.raises(MediaError, match="seem to be turned"):
        read_annotations(path, IMAGE)


def unturned(pixels: BoolArray) -> BoolArray:
    """The pixels that EXIF orientation 6, a turn to the right, makes upright."""
    return np.ascontiguousarray(np.rot90(pixels))
