"""Masked images as a dataset folder: every picture and mask, and how it was made."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_core.dataset import DatasetFolder
from sam2_core.dataset.export import write_dataset_archive
from sam2_core.media import ExportOptions, MaskedMedia, ObjectTraits, Provenance, ingest_album, open_store
from sam2_core.media.progress import ProgressReporter
from sam2_core.types import FrameMasks, ObjectMask, RejectedMask
from tests.dataset.folders import box_mask, write_image

CONFIRMED = Provenance("semi-automatic", "confirmed", 3.0, 0.9, 0.97)


def masks_of(frame: int) -> FrameMasks:
    """Object 1 is on both photos, object 2 on the second one, where object 3 has nothing."""
    boxes = [{1: (2, 2, 9, 9)}, {1: (5, 5, 20, 20), 2: (25, 10, 35, 28), 3: (0, 0, 0, 0)}][frame]
    found = (ObjectMask(number, box_mask(*box), 0.8, 4.0) for number, box in boxes.items())
    return FrameMasks(frame, 1, tuple(found))


def test_an_album_becomes_a_dataset_folder(tmp_path: Path) -> None:
    files = [write_image(tmp_path / "in" / name, seed) for seed, name in enumerate(("cat.png", "dog.png"))]
    ingest_album(files, tmp_path / "store")
    store = open_store(tmp_path / "store")
    objects = [
        ObjectTraits(1, "Tom", "cat", (1, 2, 3), Provenance(seconds=5.0)),
        ObjectTraits(2, "Rex", "dog", (1, 2, 3), CONFIRMED),
        ObjectTraits(3, "Object 3", "", (1, 2, 3)),
    ]
    media = MaskedMedia(store, lambda frames: [masks_of(frame) for frame in frames], objects)
    write_dataset_archive(
        tmp_path / "set.zip",
        media,
        ExportOptions("dataset", rejected=[RejectedMask(0, box_mask(1, 1, 4, 4), 0.6, 0.7)]),
        ProgressReporter(),
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "set.zip", "store"]
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        archive.extractall(tmp_path / "read")
    read = DatasetFolder.read(tmp_path / "read" / "dataset")
    assert (read.notes, [each.name for each in read.usable_images()]) == ([], ["cat.png", "dog.png"])
    assert np.array_equal(read.pixels(2), np.asarray(Image.open(files[1])))
    found = [
        (each.image_id, each.source, each.label, each.seconds, each.mask.area)
        for each in read.state.annotations.values()
    ]
    assert found == [(1, "person", "cat", 2.5, 49), (2, "person", "cat", 2.5, 225), (2, "confirmed", "dog", 3.0, 180)]
    last = read.state.annotations[4]
    assert (last.stage, last.predicted_iou, last.stability_score) == ("semi-automatic", 0.9, 0.97)
    assert (read.root / "annotations.json").is_file()
    stage = read.statistics()["stages"]["semi-automatic"]
    assert stage["sources"]["confirmed"] == 1
    assert (stage["proposals"]["accepted"], stage["proposals"]["rejected"]) == (1, 1)
    assert [(each.predicted_iou, each.mask.area) for each in read.state.rejected(1)] == [(0.6, 9)]
