"""Objects are followed through clips."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sam2_core.commands.ways import ways
from sam2_core.errors import BadPrompt
from sam2_core.types import TrackEntry
from tests.commands.calls import Caller, masks_in
from tests.commands.conftest import FRAMES

BOX = ("--box", "10,20,40,50")


def frames_in(file: Path, number: int = 1) -> list[int]:
    return sorted(frame for frame, found in masks_in(file) if found == number)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("both", range(FRAMES)), ("forward", range(3, FRAMES)), ("backward", range(4))],
)
def test_an_object_is_followed(call: Caller, clip: Path, tmp_path: Path, direction: str, expected: range) -> None:
    done = call("track", clip, *BOX, "--frame", "3", "--direction", direction, "--out", tmp_path / "m.json", "--json")
    assert done.code == 0
    assert frames_in(tmp_path / "m.json") == list(expected)
    assert done.result["objects"][0]["frames"] == len(expected)


def test_frames_are_chosen(call: Caller, clip: Path, tmp_path: Path) -> None:
    said = ("--first", "1", "--last", "6", "--every", "2", "--frame", "2")
    assert call("track", clip, *BOX, *said, "--export", "coco,mp4", "--out", tmp_path / "out").code == 0
    assert frames_in(tmp_path / "out" / "film_coco.json") == [1, 3, 5]
    assert (tmp_path / "out" / "film_edited.mp4").stat().st_size > 0


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("--last", "8"), "Choose frames from 0 to 7"),
        (("--first", "5", "--last", "4"), "Choose frames from 0 to 7"),
        (("--first", "2"), "outside of frames 2 to 7"),
        (("--frame", "8"), "outside of frames 0 to 7"),
    ],
)
def test_frames_that_there_are_not(call: Caller, clip: Path, tmp_path: Path, said: tuple[str, ...], words: str) -> None:
    done = call("track", clip, *BOX, *said, "--out", tmp_path / "m.json")
    assert (done.code, words in done.err) == (1, True)
    assert not (tmp_path / "m.json").exists()


def test_objects_begin_where_they_are_spoken_of(call: Caller, clip: Path, tmp_path: Path) -> None:
    objects = [
        {
            "name": "early",
            "prompts": [{"frame": 1, "boxes": [[0, 0, 10, 10]]}, {"frame": 6, "boxes": [[0, 0, 20, 20]]}],
        },
        {"name": "late", "prompts": [{"frame": 5, "boxes": [[40, 30, 60, 50]]}]},
    ]
    (tmp_path / "p.json").write_text(json.dumps({"objects": objects}), "utf-8")
    said = ("--prompts", tmp_path / "p.json", "--direction", "forward", "--out", tmp_path / "m.json")
    assert call("track", clip, *said).code == 0
    assert frames_in(tmp_path / "m.json", 1) == [1, 2, 3, 4, 5, 6, 7]
    assert frames_in(tmp_path / "m.json", 2) == [5, 6, 7]
    assert [masks_in(tmp_path / "m.json")[frame, 1].area for frame in (1, 7)] == [100, 400]


def test_ways_visit_each_frame_once_a_direction() -> None:
    assert ways({1: 2, 2: 5, 3: 2}, range(1, 9), "both") == [
        TrackEntry(2, 5, 1, (1, 3)),
        TrackEntry(5, 9, 1, (1, 2, 3)),
        TrackEntry(5, 2, -1, (2,)),
        TrackEntry(2, 0, -1, (1, 2, 3)),
    ]
    with pytest.raises(BadPrompt, match="outside of frames 3 to 8"):
        ways({1: 2}, range(3, 9), "both")


def test_a_picture_is_no_clip(call: Caller, photo: Path, tmp_path: Path) -> None:
    done = call("track", photo, *BOX, "--out", tmp_path / "out")
    assert (done.code, "This is a picture, no clip" in done.err) == (1, True)
