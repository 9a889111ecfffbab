"""Pascal VOC's pictures and boxes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, ObjectTraits, Store, write
from sam2_core.training.datasets.layouts import open_dataset
from tests.media.formats.scenes import ALL, BALL, RING, expected, scene, unpacked
from tests.media.masked_media import HEIGHT, WIDTH

NUMBERS = {7: 3, 3: 21, 5: 22}
NAMES = {7: "bird", 3: "object", 5: "a: <b> #ü\U0001f600"}


def test_images_and_boxes_tell_of_the_same_objects(clip: Store, tmp_path: Path) -> None:
    media = scene(clip)
    folder = unpacked(tmp_path, media, ExportOptions("voc"))
    listed = (folder / "ImageSets/Segmentation/trainval.txt").read_text("utf-8").split()
    assert listed == [f"{frame:05d}" for frame in range(6)]
    for frame in media.frames:
        requested = expected(media, frame)
        things, kinds = np.zeros((HEIGHT, WIDTH), int), np.zeros((HEIGHT, WIDTH), int)
        for place, (number, pixels) in enumerate(requested.items(), start=1):
            things[pixels], kinds[pixels] = place, NUMBERS[number]
        for name, pixels in (("SegmentationObject", things), ("SegmentationClass", kinds)):
            with Image.open(folder / name / f"{frame:05d}.png") as image:
                assert image.mode == "P"
                np.testing.assert_array_equal(np.asarray(image), pixels)
        root = Xml.parse(folder / f"Annotations/{frame:05d}.xml").getroot()
        size = [root.findtext(f"size/{side}") for side in ("width", "height", "depth")]
        assert size == [str(WIDTH), str(HEIGHT), "3"]
        assert root.findtext("filename") == f"{frame:05d}.jpg"
        assert [each.findtext("name") for each in root.iter("object")] == [NAMES[number] for number in requested]
        for each, pixels in zip(root.iter("object"), requested.values(), strict=True):
            box = [int(each.findtext(f"bndbox/{side}") or "") for side in ("xmin", "ymin", "xmax", "ymax")]
            rows, columns = np.nonzero(pixels)
            assert box == [columns.min() + 1, rows.min() + 1, columns.max() + 1, rows.max() + 1]
            touches = rows.min() == 0 or columns.min() == 0 or rows.max() == HEIGHT - 1 or columns.max() == WIDTH - 1
            assert each.findtext("truncated") == str(int(touches))


def test_classes_and_overlaps_stand_in_the_manifest(clip: Store, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, scene(clip), ExportOptions("voc"))
    fields = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert fields["classes"] == {NAMES[number]: value for number, value in NUMBERS.items()}
    assert fields["frames_with_overlaps"] == [0, 2, 3, 4, 5]
    assert (folder / "labelmap.txt").read_text("utf-8").splitlines() == [
        "# label:color_rgb:parts:actions",
        "background:0,0,0::",
        "bird:128,128,0::",
        "object:128,64,128::",
        "a  <b> #ü\U0001f600:0,192,128::",
    ]


def test_training_reads_masks_and_classes(album: Store, tmp_path: Path) -> None:
    media = scene(album, [RING])
    found = open_dataset(unpacked(tmp_path, media, ExportOptions("voc", include_images=True)), split="trainval")
    assert not found.report.counts
    for frame, picture in enumerate(found.images):
        assert picture.name == ("a b", "a (b)", "IMG.01")[frame]
        read = picture.read()
        assert read.classes == ("bird",)
        np.testing.assert_array_equal(read.masks[0], expected(media, frame)[7])


@pytest.mark.parametrize(("label", "name", "number"), [("Dining Table", "diningtable", 11), ("  ", "object", 21)])
def test_labels_of_voc_keep_its_numbers(
    label: str, name: str, number: int, single_image: Store, tmp_path: Path
) -> None:
    folder = unpacked(tmp_path, scene(single_image, [replace(RING, label=label)]), ExportOptions("voc"))
    with Image.open(folder / "SegmentationClass/still.png") as image:
        assert set(np.unique(np.asarray(image))) == {0, number}
    assert Xml.parse(folder / "Annotations/still.xml").getroot().findtext("object/name") == name


def test_more_classes_than_colors_are_refused(single_image: Store, tmp_path: Path) -> None:
    many = [ObjectTraits(number, "", f"class {number}", (0, 0, 0)) for number in range(1, 236)]
    with pytest.raises(MediaError, match="234 classes"):
        write(tmp_path / "a.zip", scene(single_image, many), ExportOptions("voc"))
    write(tmp_path / "a.zip", scene(single_image, many[:234]), ExportOptions("voc"))


def test_images_on_which_nothing_was_looked_for_are_left_out(clip: Store, tmp_path: Path) -> None:
    folder = unpacked(tmp_path, scene(clip, [BALL]), ExportOptions("voc", include_images=True))
    for name in ("SegmentationObject", "SegmentationClass", "Annotations", "JPEGImages"):
        assert sorted(path.stem for path in (folder / name).iterdir()) == [f"{frame:05d}" for frame in range(1, 6)]
    assert Xml.parse(folder / "Annotations/00001.xml").getroot().find("object") is None


def test_supervision_reads_the_boxes(clip: Store, tmp_path: Path) -> None:
    supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    media = scene(clip, ALL[:2])
    folder = unpacked(tmp_path, media, ExportOptions("voc", include_images=True))
    read = supervision.DetectionDataset.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
    assert set(read.classes) == {"bird", "object"}
    for path, _, detections in read:
        requested = expected(media, int(Path(path).stem))
        assert len(detections) == len(requested)
