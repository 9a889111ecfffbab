from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import EXPORT_FORMATS, MediaInfo, Store, export
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.readers import read_annotations
from sam2_core.types import Box, Mask
from tests.media.masked_media import BALL, BIRD, FRAMES, media_of, shape
from tests.media.readers.media import (
    ALBUM,
    CLIP,
    HEIGHT,
    IMAGE,
    WIDTH,
    as_json,
    pixels_of,
    reasons,
    rle,
    square,
    summarize,
)


def coco(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]], names: Mapping[int, str] | None = None, **more: Any
) -> dict[str, Any]:
    categories = [{"id": number, "name": name} for number, name in (names or {1: "cat", 2: "object"}).items()]
    return {"images": images, "annotations": annotations, "categories": categories, **more}


def image(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH, **more}


def on(number: int, segmentation: Any, **more: Any) -> dict[str, Any]:
    return {"image_id": number, "category_id": 1, "segmentation": segmentation, **more}


@pytest.mark.parametrize("polygons", [False, True], ids=["pixels", "outlines"])
@pytest.mark.parametrize("kind", ["coco", "masks", "index", "davis", "youtube_vis", "voc", "yolo", "labelme", "npz"])
def test_what_is_downloaded_can_be_read_again(
    clip: Store, single_image: Store, tmp_path: Path, kind: str, polygons: bool
) -> None:
    for store in (clip, single_image):
        if store.info.kind not in EXPORT_FORMATS[kind].extensions:
            continue
        path = export(tmp_path, media_of(store, objects=[BALL, BIRD]), ExportOptions(kind, polygons=polygons))
        read = read_annotations(path, store.info)
        frames = FRAMES if store is clip else 1
        ball, bird = ("", "") if kind in ("yolo", "labelme") else ("Ball", "../../x")  # which have classes only
        wanted = [(frame, 1, ball, "") for frame in range(frames)]
        wanted += [(frame, 2, bird, "bird") for frame in range(2, frames)]
        assert sorted(summarize(read)) == sorted(wanted)
        assert read.skipped == ()
        for each in read.masks:
            assert each.mask is not None
            assert (each.mask.to_array() == shape(each.track, each.frame)).all()


def test_run_lengths_of_both_forms_and_boxes(tmp_path: Path) -> None:
    pixels = square(3, 4)
    counts = np.frombuffer(Mask.from_array(pixels).runs, "<u4").tolist()
    listed = {"size": [HEIGHT, WIDTH], "counts": counts}
    box = {"image_id": 7, "category_id": 2, "bbox": [1, 2, 40, 5.5]}
    path = as_json(tmp_path / "x", coco([image(7, "photo.jpg")], [on(7, rle(pixels)), on(7, listed), box]))
    read = read_annotations(path, IMAGE)
    assert summarize(read) == [(0, 1, "", "cat"), (0, 2, "", "cat"), (0, 3, "", "")]
    assert (pixels_of(read) == pixels).all()
    assert (pixels_of(read, 1) == pixels).all()
    assert (read.masks[2].mask, read.masks[2].box) == (None, Box(1, 2, WIDTH, 7.5))


def test_outlines_are_joined_and_end_where_their_boxes_end(tmp_path: Path) -> None:
    outlines = [[2, 3, 10, 3, 10, 7, 2, 7], [8, 5, 12, 5, 12, 9, 8, 9]]
    read = read_annotations(as_json(tmp_path / "x", coco([image(0, "")], [on(0, outlines)])), IMAGE)
    wanted = np.zeros((HEIGHT, WIDTH), bool)
    wanted[3:7, 2:10] = wanted[5:9, 8:12] = True
    assert (pixels_of(read) == wanted).all()


@pytest.mark.parametrize(
    ("images", "info", "frames"),
    [
        ([image(1, "x.jpg", frame_index=4), image(2, "y.jpg", frame_index=2)], CLIP, [4, 2]),
        ([image(1, "frame_000003.PNG"), image(2, "a/00009.jpg")], CLIP, [3, 9]),
        ([image(n, f"{n + 1}.jpg") for n in range(10)], CLIP, list(range(10))),
        ([image(n, f"film_{n + 1}.jpg") for n in range(3)], CLIP, [0, 1, 2]),
        ([image(n, f"{100 + 5 * n}.jpg") for n in range(10)], CLIP, list(range(10))),
        ([image(n, "same.jpg") for n in range(10)], CLIP, list(range(10))),
        ([image(1, "film_mp4-7_jpg.rf.0123456789abcdef.jpg")], CLIP, [7]),
        ([image(1, "c:\\photos\\DOG 2.JPEG"), image(2, "cat.png")], ALBUM, [1, 0]),
        ([image(1, "other.png"), image(2, "photo.png")], IMAGE, [None, 0]),
    ],
)
def test_images_find_their_frames(
    tmp_path: Path, images: list[dict[str, Any]], info: MediaInfo, frames: list[int | None]
) -> None:
    annotations = [on(each["id"], rle(square(2 * n, n)), track_id=n + 1) for n, each in enumerate(images)]
    read = read_annotations(as_json(tmp_path / "x", coco(images, annotations)), info)
    places = {int(np.flatnonzero(pixels_of(read, n).any(axis=1))[0]): each.frame for n, each in enumerate(read.masks)}
    assert [places.get(n) for n in range(len(images))] == frames
    assert sum(each.count for each in read.skipped) == frames.count(None)


def test_the_clip_that_is_open_is_chosen_among_several(tmp_path: Path) -> None:
    videos = [{"id": 1, "name": "other"}, {"id": 2, "name": "a/film"}]
    images = [image(1, "0.jpg", video_id=1, frame_id=0), image(2, "3.jpg", video_id=2, frame_id=3)]
    plain = coco(images, [on(1, rle(square(0, 0))), on(2, rle(square(1, 1)), instance_id=5)], videos=videos)
    read = read_annotations(as_json(tmp_path / "x", plain), CLIP)
    assert summarize(read) == [(3, 1, "", "cat")]
    videos[1]["name"] = "third"
    with pytest.raises(MediaError, match=r"2 clips .*“other”.* none of them is called “film”"):
        read_annotations(as_json(tmp_path / "x", plain), CLIP)


def test_objects_without_numbers_are_followed_in_a_clip(tmp_path: Path) -> None:
    images = [image(n, f"{n:05d}.jpg") for n in range(4)]
    annotations = [on(n, rle(square(3 * n, 2))) for n in range(4)]  # from left to right
    annotations = [part for n in (0, 1, 3) for part in (on(n, rle(square(20, 12 - n))), annotations[n])]
    read = read_annotations(as_json(tmp_path / "x", coco(images, annotations)), CLIP)
    assert [(frame, track) for frame, track, _, _ in summarize(read)] == [
        (0, 1),
        (0, 2),
        (1, 1),
        (1, 2),
        (3, 1),
        (3, 3),
    ]
    assert "matched by where they lie" in read.notes[0]


def test_objects_without_numbers_are_counted_in_an_album(tmp_path: Path) -> None:
    images = [image(1, "cat.jpg"), image(2, "dog 2.jpg")]
    annotations = [on(1, rle(square(0, 0))), on(2, rle(square(9, 9))), on(2, rle(square(1, 1)))]
    read = read_annotations(as_json(tmp_path / "x", coco(images, annotations)), ALBUM)
    assert summarize(read) == [(0, 1, "", "cat"), (1, 1, "", "cat"), (1, 2, "", "cat")]
    assert read.notes == ()


def test_numbers_of_objects_come_from_cvat_too_and_parts_are_joined(tmp_path: Path) -> None:
    attributes = {"track_id": 0, "occluded": False}
    parts = [on(1, rle(square(x, 0)), attributes=attributes) for x in (0, 20)]
    read = read_annotations(as_json(tmp_path / "x", coco([image(1, "frame_000000.PNG")], parts)), CLIP)
    assert summarize(read) == [(0, 1, "", "cat")]
    assert (pixels_of(read) == square(0, 0) | square(20, 0)).all()


def test_what_cannot_be_used_is_counted_and_named(tmp_path: Path) -> None:
    images = [image(n, f"{n:05d}.jpg") for n in range(3)]
    images += [image(12, "00012.jpg"), {"id": 4, "file_name": "00004.jpg", "height": 40, "width": 70}]
    good, small = rle(square(1, 1)), rle(square(0, 0, size=(10, 10)))
    bad: list[dict[str, Any]] = [
        on(0, small),
        on(1, small),
        on(12, good),
        on(99, good),
        on(4, good),
        on(0, {"size": [HEIGHT, WIDTH], "counts": "!!"}),
        on(0, {"size": [HEIGHT, WIDTH], "counts": [5, 10**30]}),
        on(0, {"size": [HEIGHT, WIDTH], "counts": [5, 10]}),
        on(0, rle(square(0, 0, side=0))),
        on(0, [[1, 2, 3, 4]]),
        on(0, [[1, 2, 3, 4, 5, "x"]]),
        on(0, [[]]),
        on(0, None),
        on(0, [], bbox=[1, 2, float("nan"), 4]),
        on(0, [], bbox=[-9, -9, 3, 3]),
    ]
    read = read_annotations(as_json(tmp_path / "x", coco(images, [*bad, on(2, good)])), CLIP)
    assert summarize(read) == [(2, 1, "", "cat")]
    assert sum(each.count for each in read.skipped) == len(bad)
    told_why = reasons(read)
    assert (
        "2 They are 10 × 10 pixels, the picture is 30 × 20. Export them at the size of the picture. ('00000.jpg'"
        in (told_why)
    )
    assert "1 They are 70 × 40 pixels" in told_why
    assert "2 They are about no frame of this clip. Name them by frame, from 00000 to 00009. ('00012.jpg',)" in told_why
    for reason in ("do not fill", "cover no pixel", "fewer than three corners", "no lists", "neither a mask nor a box"):
        assert reason in told_why, reason


def test_nothing_that_can_be_used_is_an_error_that_says_why(tmp_path: Path) -> None:
    plain = coco([image(1, "photo.png")], [on(1, rle(square(0, 0, size=(4, 4))))])
    with pytest.raises(MediaError, match=r"Nothing in this file can be used\. They are 4 × 4 pixels"):
        read_annotations(as_json(tmp_path / "x", plain), IMAGE)
    with pytest.raises(MediaError, match="It holds no masks"):
        read_annotations(as_json(tmp_path / "x", coco([], [])), IMAGE)
