"""Labels as those read them who train on them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from sam2_core.media import ExportOptions, Store
from sam2_core.types import BoolArray
from tests.media.formats.scenes import BALL, RING, expected, iou, scene, unpacked
from tests.media.masked_media import HEIGHT, WIDTH

CLASSES = {7: 0, 3: 1, 5: 2}


def read_labels(path: Path, height: int, width: int, corners_added: bool = True) -> list[tuple[int, BoolArray]]:
    """By ultralytics' rules: a line of more than six words is an outline of numbers from 0 to 1; corners are added
    until there are a thousand (in training alone), brought to whole pixels by cutting off, and filled with OpenCV."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        number, *words = line.split()
        assert len(words) >= 6
        corners = np.array(words, np.float32).reshape(-1, 2)
        assert corners.min() >= 0
        assert corners.max() <= 1
        closed = np.concatenate([corners, corners[:1]])
        places = np.linspace(0, len(closed) - 1, max(1000, len(closed)))
        places = np.union1d(places, np.arange(len(closed)))
        places = places if corners_added else np.arange(len(corners))
        dense = np.stack([np.interp(places, np.arange(len(closed)), closed[:, axis]) for axis in (0, 1)], axis=1)
        pixels = np.zeros((height, width), np.uint8)
        cv2.fillPoly(pixels, [(dense * (width, height)).astype(np.int32)], 1)
        found.append((int(number), pixels.view(bool)))
    return found


def test_outlines_are_drawn_back_by_ultralytics_rules(clip: Store, tmp_path: Path) -> None:
    media = scene(clip)
    folder = unpacked(tmp_path, media, ExportOptions("yolo"))
    for frame in media.frames:
        requested = expected(media, frame)
        found = read_labels(folder / f"labels/{frame:05d}.txt", HEIGHT, WIDTH)
        assert [number for number, _ in found] == [CLASSES[number] for number in requested]
        for (_, pixels), (number, mask) in zip(found, requested.items(), strict=True):
            # The bridges to the island and to the part apart are drawn; dust is little else than bridges.
            assert not (mask & ~cv2.dilate(pixels.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)).any()
            assert iou(pixels, mask) > {7: 0.93, 3: 0.998, 5: 0.3}[number]


def test_a_whole_mask_comes_back_whole(clip: Store, tmp_path: Path) -> None:
    """A box with a hole of one pixel."""
    media = scene(clip, frames=range(2, 3))
    folder = unpacked(tmp_path, media, ExportOptions("yolo"))
    [_, (_, pixels), _] = read_labels(folder / "labels/00002.txt", HEIGHT, WIDTH, corners_added=False)
    np.testing.assert_array_equal(pixels, expected(media, 2)[3])


def test_the_list_of_classes_is_plain_yaml(clip: Store, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, scene(clip), ExportOptions("yolo", include_images=True))
    about = yaml.safe_load((folder / "data.yaml").read_text("ascii"))
    assert about["names"] == {0: "Bird", 1: "object", 2: "a: <b> #ü\U0001f600"}
    for part in ("train", "val"):
        assert len(list((folder / about[part]).glob("*.jpg"))) == len(list((folder / "labels").iterdir())) == 6


def test_what_was_looked_for_and_not_found_is_an_empty_file(clip: Store, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, scene(clip, [BALL]), ExportOptions("yolo", include_images=True))
    labels = {path.stem: path.read_text("utf-8") for path in (folder / "labels").iterdir()}
    assert sorted(labels) == ["00001", "00002", "00003", "00004", "00005"], "nothing was looked for on frame 0"
    assert sorted(path.stem for path in (folder / "images").iterdir()) == sorted(labels)
    assert labels["00001"] == ""
    assert labels["00002"].startswith("0 ")


def test_supervision_reads_every_picture(album: Store, tmp_path: Path) -> None:
    supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    media = scene(album, [RING])
    folder = unpacked(tmp_path, media, ExportOptions("yolo", include_images=True))
    read = supervision.DetectionDataset.from_yolo(
        str(folder / "images"), str(folder / "labels"), str(folder / "data.yaml"), force_masks=True
    )
    assert read.classes == ["Bird"]
    found = {Path(path).stem: detections for path, _, detections in read}
    for frame, name in enumerate(("a_b", "a_b_2", "IMG_01")):
        assert iou(found[name].mask[0], expected(media, frame)[7]) > 0.93
