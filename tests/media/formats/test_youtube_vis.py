"""Tracks as YouTube-VIS lists them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sam2_core.media import ExportOptions, Store, write
from sam2_core.types import Mask
from tests.media.formats.scenes import COCOS_WARNING, expected, scene
from tests.media.masked_media import FRAMES, HEIGHT, WIDTH


@pytest.mark.parametrize("frames", [range(FRAMES), range(1, 6, 2), range(1)])
def test_each_object_has_an_entry_for_each_frame(frames: range, clip: Store, tmp_path: Path) -> None:
    media = scene(clip, frames=frames)
    write(tmp_path / "a.json", media, ExportOptions("youtube_vis"))
    plain = json.loads((tmp_path / "a.json").read_text("utf-8"))
    [video] = plain["videos"]
    assert video["file_names"] == [f"clip/{frame:05d}.jpg" for frame in frames]
    assert (video["length"], video["width"], video["height"]) == (len(frames), WIDTH, HEIGHT)
    in_sight = [number for number in (7, 3, 5) if any(number in expected(media, frame) for frame in frames)]
    assert [each["track_id"] for each in plain["annotations"]] == in_sight
    assert [each["id"] for each in plain["annotations"]] == [*range(1, len(in_sight) + 1)]
    categories = {each["id"]: each["name"] for each in plain["categories"]}
    for each in plain["annotations"]:
        assert (each["video_id"], each["iscrowd"], each["width"], each["height"]) == (1, 0, WIDTH, HEIGHT)
        assert categories[each["category_id"]] == {7: "Bird", 3: "object", 5: "a: <b>\n#ü\U0001f600"}[each["track_id"]]
        assert each["length"] == len(each["segmentations"]) == len(each["bboxes"]) == len(each["areas"]) == len(frames)
        for place, frame in enumerate(frames):
            check_entry(each, place, expected(media, frame).get(each["track_id"]))


def check_entry(track: dict, place: int, requested: np.ndarray | None) -> None:
    run_lengths, box, area = (track[name][place] for name in ("segmentations", "bboxes", "areas"))
    if requested is None:
        assert run_lengths is box is area is None
        return
    np.testing.assert_array_equal(Mask.from_coco(run_lengths).to_array(), requested)
    rows, columns = np.nonzero(requested)
    assert area == requested.sum()
    assert box == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]


@pytest.mark.filterwarnings(COCOS_WARNING)
def test_cocos_tools_decode_the_very_masks(clip: Store, tmp_path: Path) -> None:
    tools = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    media = scene(clip)
    write(tmp_path / "a.json", media, ExportOptions("youtube_vis"))
    for each in json.loads((tmp_path / "a.json").read_text("utf-8"))["annotations"]:
        for frame, run_lengths in enumerate(each["segmentations"]):
            if run_lengths is not None:
                decode_source_frames = tools.decode(run_lengths)
                np.testing.assert_array_equal(decode_source_frames, expected(media, frame)[each["track_id"]])
