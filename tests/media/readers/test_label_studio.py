from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sam2_core.errors import MediaError
from sam2_core.media.readers import read_annotations
from sam2_core.media.readers.label_studio_brush import unpack_alpha
from sam2_core.types import Box
from tests.media.readers.media import (
    ALBUM,
    CLIP,
    HEIGHT,
    IMAGE,
    WIDTH,
    as_json,
    pixels_of,
    png,
    reasons,
    square,
    summarize,
)

SIZE = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
CORNERS = [[x / WIDTH * 100, y / HEIGHT * 100] for x, y in ((2, 3), (7, 3), (7, 8), (2, 8))]


def result(kind: str, label: str = "", **value: Any) -> dict[str, Any]:
    labels = {kind: [label]} if label else {}
    about = {"id": f"{kind}{label}", "from_name": "label", "to_name": "image", "type": kind, **SIZE}
    return {**about, "value": {**value, **labels}}


def percent(left: float, top: float, width: float, height: float, **more: Any) -> dict[str, Any]:
    across, down = 100 / WIDTH, 100 / HEIGHT
    return {"x": left * across, "y": top * down, "width": width * across, "height": height * down, **more}


def task(*results: Any, image: str = "/data/upload/1/ab12cd34-photo.jpg", **more: Any) -> dict[str, Any]:
    return {"id": 1, "data": {"image": image}, "annotations": [{"id": 1, "result": [*results]}], **more}


def pack(values: npt.NDArray[np.uint8], lengths: tuple[int, int, int, int] = (3, 4, 8, 16)) -> list[int]:
    """Bytes as rle-pack packs them: runs of three and more as such, and blocks of the values between."""
    bits = f"{values.size:032b}{8 - 1:05b}" + "".join(f"{length - 1:04b}" for length in lengths)
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(values.astype(int))) + 1, [values.size]]).tolist()
    blocks: list[tuple[bool, list[int]]] = []
    for start, stop in itertools.pairwise(bounds):
        if stop - start > 2:
            blocks.append((True, values[start:stop].tolist()))
        elif blocks and not blocks[-1][0]:
            blocks[-1][1].extend(values[start:stop].tolist())
        else:
            blocks.append((False, values[start:stop].tolist()))
    for is_run, block in blocks:
        for start in range(0, len(block), 1 << lengths[-1]):
            part = block[start : start + (1 << lengths[-1])]
            chosen = next(place for place, length in enumerate(lengths) if len(part) <= 1 << length)
            bits += f"{int(is_run)}{chosen:02b}{len(part) - 1:0{lengths[chosen]}b}"
            bits += "".join(f"{value:08b}" for value in (part[:1] if is_run else part))
    bits += "0" * (-len(bits) % 8)
    return [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]


def brushed(pixels: npt.NDArray[np.bool_]) -> list[int]:
    return pack(np.repeat(np.where(pixels, 255, 0).astype(np.uint8).reshape(-1), 4))


def test_all_regions_that_have_an_area(tmp_path: Path) -> None:
    mask = base64.b64encode(png(np.where(square(9, 9), 255, 0).astype(np.uint8))).decode()
    results = (
        result("polygonlabels", "cat", points=CORNERS, closed=True),
        result("rectanglelabels", "dog", **percent(4, 2, 5, 7, rotation=0)),
        result("rectanglelabels", "turned", **percent(20, 5, 10, 4, rotation=90)),
        result("ellipselabels", "ball", x=50, y=50, radiusX=20, radiusY=15, rotation=90),
        result("brushlabels", "bird", format="rle", rle=brushed(square(11, 12))),
        result("bitmasklabels", "fox", imageDataURL=f"data:image/png;base64,{mask}"),
        result("keypointlabels", "nose", x=5, y=5, width=1),
        result("choices", choices=["day"]),
        {"type": "relation", "from_id": "a", "to_id": "b"},
    )
    read = read_annotations(as_json(tmp_path / "x.json", [task(*results)]), IMAGE)
    assert [label for *_, label in summarize(read)] == ["cat", "dog", "turned", "ball", "bird", "fox"]
    assert (pixels_of(read) == square(2, 3)).all()
    box = read.masks[1].box
    assert box is not None
    assert np.allclose([box.left, box.top, box.right, box.bottom], [4, 2, 9, 9])
    turned = np.zeros((HEIGHT, WIDTH), bool)
    turned[5:15, 16:20] = True  # about its first corner
    assert (pixels_of(read, 2) == turned).all()
    ball = pixels_of(read, 3)
    assert (ball[5, 15], ball[14, 15], ball[10, 19]) == (True, True, False)
    assert (pixels_of(read, 4) == square(11, 12)).all()
    assert (pixels_of(read, 5) == square(9, 9)).all()
    assert "1 Points and lines have no area" in reasons(read)


@pytest.mark.parametrize("lengths", [(3, 4, 8, 16), (1, 2, 3, 7)])
def test_brush_masks_of_any_alpha(lengths: tuple[int, int, int, int]) -> None:
    numbers = np.random.default_rng(0)
    pixels = numbers.choice(np.array([0, 9, 128, 255], np.uint8), (HEIGHT, WIDTH, 4))
    pixels[5:] = 7
    unpacked = unpack_alpha(pack(pixels.reshape(-1), lengths), HEIGHT, WIDTH, lambda _: None)
    assert (unpacked == pixels[:, :, 3]).all()


def test_damaged_brush_masks_are_named(tmp_path: Path) -> None:
    good = brushed(square(1, 1))
    lists = [
        good[:9],
        good[:-3],
        [],
        [1] * 5,
        [300],
        ["a"],
        "AAAA",
        None,
        [0, 0, 9, 96, *([255] * 40)],
        good[:4] + [255] * 99,
    ]
    results = [result("brushlabels", "bird", format="rle", rle=each) for each in [good, *lists]]
    read = read_annotations(as_json(tmp_path / "x.json", [task(*results)]), IMAGE)
    assert len(read.masks) == 1
    assert sum(each.count for each in read.skipped) == len(lists)
    assert "Their brush masks are damaged" in reasons(read)
    other = result("brushlabels", "bird", rle=pack(np.zeros(4 * 9 * 9, np.uint8)))
    with pytest.raises(MediaError, match="not of 30 × 20 pixels"):
        read_annotations(as_json(tmp_path / "x.json", [task(other)]), IMAGE)


def test_the_short_form(tmp_path: Path) -> None:
    plain = [
        {
            "image": "/data/local-files/?d=pictures/cat.jpg",
            "id": 4,
            "label": [
                {"points": CORNERS, "polygonlabels": ["cat"], "original_width": WIDTH, "original_height": HEIGHT},
                {**percent(4, 2, 5, 7), "rotation": 0, "rectanglelabels": ["dog"], **SIZE},
            ],
            "brush": [{"format": "rle", "rle": brushed(square(9, 9)), "brushlabels": ["fox"], **SIZE}],
            "annotator": 1,
        }
    ]
    read = read_annotations(as_json(tmp_path / "x.json", plain), ALBUM)
    assert [(each.frame, each.label) for each in read.masks] == [(0, "cat"), (0, "dog"), (0, "fox")]


def test_pictures_are_found_by_their_names(tmp_path: Path) -> None:
    polygon = result("polygonlabels", "cat", points=CORNERS)
    plain = [
        task(polygon, image="https://example.org/a/Dog%202.png?width=9"),
        task(polygon, image="s3://bucket/other.jpg"),
        {**task(polygon, image="upload"), "file_upload": "1234abcd-cat.jpg"},
        {"task": {"data": {"image": "gs://x/elsewhere.jpg"}}, "result": [polygon]},
    ]
    read = read_annotations(as_json(tmp_path / "x.json", plain), ALBUM)
    assert [each.frame for each in read.masks] == [0, 1]
    assert "2 They are about none of these photos" in reasons(read)
    single = {"id": 5, "task": {"id": 1, "data": {"image": "photo.jpg"}}, "result": [polygon]}
    assert len(read_annotations(as_json(tmp_path / "y.json", single), IMAGE).masks) == 1


def test_several_pictures_of_a_task(tmp_path: Path) -> None:
    polygons = [{**result("polygonlabels", "cat", points=CORNERS), "item_index": number} for number in (1, 0, 0)]
    plain = {
        "id": 1,
        "data": {"text": "a. b", "pages": ["cat.jpg", "Dog 2.png"]},
        "annotations": [{"result": polygons}],
    }
    read = read_annotations(as_json(tmp_path / "x.json", [plain]), ALBUM)
    assert [each.frame for each in read.masks] == [0, 0, 1]


def test_labels_in_separate_results_and_one_of_several_annotations(tmp_path: Path) -> None:
    region = {**result("polygon", points=CORNERS), "id": "r1"}
    label = {"id": "r1", "type": "labels", "value": {"points": CORNERS, "labels": ["cat"]}}
    one, canceled = (
        {"result": [region, {**label, "value": {"labels": ["cat"]}}]},
        {"result": [region], "was_cancelled": True},
    )
    plain = {**task(), "annotations": [canceled, one, {"result": [region] * 3}], "predictions": [{"result": [region]}]}
    read = read_annotations(as_json(tmp_path / "x.json", [plain]), IMAGE)
    assert summarize(read) == [(0, 1, "", "cat")]
    assert "annotated several times" in " ".join(read.notes)
    plain["annotations"] = [canceled]
    assert len(read_annotations(as_json(tmp_path / "x.json", [plain]), IMAGE).masks) == 1


def test_regions_whose_label_and_text_repeat_the_shape_are_one(tmp_path: Path) -> None:
    shape = percent(2, 3, 5, 5, rotation=0)
    parts = [result("rectangle", **shape), result("labels", "car", **shape), result("textarea", **shape, text=["A 1"])]
    other = {**result("rectangle", **percent(9, 3, 5, 5, rotation=0)), "id": "a"}
    path = as_json(tmp_path / "x.json", [task(*({**part, "id": "a"} for part in parts), other)])
    assert summarize(read_annotations(path, IMAGE)) == [(0, 1, "", "car"), (0, 2, "", "car")]


def test_the_field_that_is_shown_names_the_picture(tmp_path: Path) -> None:
    tasks = task(result("polygonlabels", "car", points=CORNERS))
    tasks["data"] = {"previous": "/d/cat.jpg", "image": "/d/Dog 2.png"}
    assert summarize(read_annotations(as_json(tmp_path / "x.json", [tasks]), ALBUM)) == [(1, 1, "", "car")]


def test_sizes_and_turned_pictures_are_checked(tmp_path: Path) -> None:
    polygon = result("polygonlabels", "cat", points=CORNERS)
    rows = ({**polygon, "original_width": 99}, {**polygon, "image_rotation": 90}, result("polygonlabels", points=5))
    read = read_annotations(as_json(tmp_path / "x.json", [task(polygon, *rows)]), IMAGE)
    assert len(read.masks) == 1
    for reason in ("99 × 20", "turned in Label Studio", "no lists of numbers"):
        assert reason in reasons(read)


def key_frame(frame: int, left: float, enabled: bool = True, **more: Any) -> dict[str, Any]:
    return {"frame": frame, "enabled": enabled, "rotation": 0, "time": frame / 30, **percent(left, 4, 6, 5), **more}


def tracked(*sequence: Any, count: int = 10) -> dict[str, Any]:
    value = {"framesCount": count, "duration": count / 30, "sequence": [*sequence], "labels": ["car"]}
    return {"id": "t", "from_name": "box", "to_name": "video", "type": "videorectangle", "value": value}


def video(*results: Any, name: str = "/data/upload/1/ab12cd34-film.mp4") -> dict[str, Any]:
    return {"id": 1, "data": {"video": name}, "annotations": [{"result": [*results]}]}


def test_boxes_of_a_clip_live_from_frame_to_frame(tmp_path: Path) -> None:
    plain = video(tracked(key_frame(2, 2), key_frame(4, 6, enabled=False), key_frame(7, 10)))
    read = read_annotations(as_json(tmp_path / "x.json", [plain]), CLIP)
    assert [each.frame for each in read.masks] == [1, 2, 3, 6, 7, 8, 9]
    lefts = [round(each.box.left, 3) for each in read.masks if each.box]
    assert lefts == [2, 4, 6, 10, 10, 10, 10]
    assert {(each.track, each.label) for each in read.masks} == {(1, "car")}
    plain = video(tracked(key_frame(9, 2), key_frame(11, 6), {"frame": 3}, count=10))
    read = read_annotations(as_json(tmp_path / "x.json", [plain]), CLIP)
    assert [each.frame for each in read.masks] == [8, 9]
    for reason in ("1 They are about no frame of this clip", "1 Some of their coordinates"):
        assert reason in reasons(read)


def test_one_of_several_clips(tmp_path: Path) -> None:
    several = [
        video(tracked(key_frame(1, 2, enabled=False)), name="other.mp4"),
        video(tracked(key_frame(5, 2, enabled=False))),
    ]
    read = read_annotations(as_json(tmp_path / "x.json", several), CLIP)
    assert [each.frame for each in read.masks] == [4]
    assert read.masks[0].box == Box(2, 4, 8, 9)
    with pytest.raises(MediaError, match="another picture"):
        read_annotations(as_json(tmp_path / "x.json", several), IMAGE)
