"""Objects that --text names, found by a stand-in for a detector."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from sam2_core.detection import loading
from sam2_core.detection.detector import Detection, RgbPixels, Thresholds
from sam2_core.types import Box, Mask
from tests.cli.conftest import FRAMES
from tests.cli.runner import CommandRunner, masks_in
from tests.detection.stand_in import StandInDetector
from tests.media.numbered import read_number

DOG = Detection("dog", 0.8, Box(10, 20, 40, 50))
WHEELS = [Detection("wheel", 0.7, Box(50, 40, 60, 50)), Detection("wheel", 0.4, Box(70, 40, 80, 50))]
Find = Callable[[Callable[[RgbPixels], Sequence[Detection]]], StandInDetector]


@pytest.fixture
def detect(monkeypatch: pytest.MonkeyPatch) -> Find:
    """Puts a stand-in in the place of all detectors."""

    def put(objects: Callable[[RgbPixels], Sequence[Detection]]) -> StandInDetector:
        detector = StandInDetector(objects)
        monkeypatch.setattr(loading, "load_detector", lambda name, device, progress: detector)
        return detector

    return put


def test_objects_of_a_picture_carry_their_phrases(
    masklet: CommandRunner, photo: Path, tmp_path: Path, detect: Find
) -> None:
    detector = detect(lambda image: [DOG, *WHEELS])
    done = masklet("segment", photo, "--text", "dog, wheel.", "--out", tmp_path / "m.json", "--json")
    assert done.code == 0
    named = [(each["id"], each["name"], each["label"], each["box"]) for each in done.result["objects"]]
    assert named == [
        (1, "dog", "dog", [10, 20, 40, 50]),
        (2, "wheel", "wheel", [50, 40, 60, 50]),
        (3, "wheel 2", "wheel", [70, 40, 80, 50]),
    ]
    categories = json.loads((tmp_path / "m.json").read_text("utf-8"))["categories"]
    assert {each["name"] for each in categories} == {"dog", "wheel"}
    assert detector.asked == [((64, 96, 3), ("dog", "wheel"), Thresholds(0.3, 0.25))]


def test_thresholds_are_options(masklet: CommandRunner, photo: Path, tmp_path: Path, detect: Find) -> None:
    detector = detect(lambda image: [DOG, *WHEELS])
    arguments = ("--box-threshold", "0.75", "--text-threshold", "0.1")
    done = masklet("segment", photo, "--text", "dog, wheel", *arguments, "--out", tmp_path / "m.json", "--json")
    assert [each["name"] for each in done.result["objects"]] == ["dog"]
    assert detector.asked[0][2] == Thresholds(0.75, 0.1)
    assert "nothing was found for wheel" in done.err


def test_one_of_overlapping_boxes_becomes_an_object(
    masklet: CommandRunner, photo: Path, tmp_path: Path, detect: Find
) -> None:
    detect(lambda image: [Detection("animal", 0.5, Box(10, 20, 40, 49)), DOG])
    done = masklet("segment", photo, "--text", "animal, dog", "--out", tmp_path / "m.json", "--json")
    assert [each["name"] for each in done.result["objects"]] == ["dog"]


def test_masks_of_a_concept_segmenter_are_kept(
    masklet: CommandRunner, photo: Path, tmp_path: Path, detect: Find
) -> None:
    pixels = np.eye(64, 96, dtype=bool)
    detect(lambda image: [Detection("line", 0.9, Box(0, 0, 64, 64), Mask.from_array(pixels))])
    assert masklet("segment", photo, "--text", "line", "--out", tmp_path / "m.json").code == 0
    np.testing.assert_array_equal(masks_in(tmp_path / "m.json")[0, 1].to_array(), pixels)


def test_pictures_without_what_is_named_are_done_too(
    masklet: CommandRunner, photos: Path, tmp_path: Path, detect: Find
) -> None:
    detect(lambda image: [])
    done = masklet("segment", photos, "--text", "dog", "--export", "coco", "--out", tmp_path / "out", "--json")
    assert (done.code, len(done.results)) == (0, 3)
    assert all(each["objects"] == [] for each in done.results)
    assert masks_in(tmp_path / "out" / "a_coco.json") == {}
    assert done.err.count("nothing was found") == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--text", " . "), "Say in words what to find"),
        (("--text", "dog", "--box", "1,1,5,5"), "either with --text"),
        (("--text", "dog", "--box-threshold", "7"), "a number from 0 to 1 is due"),
        (("--text", "dog", "--detector", "dino"), "There is no detector 'dino'"),
        (("--text", "dog", "--clip", "here"), "give both"),
        (("--text", "dog", "--prompt", "clip"), "for --checkpoint a network that was trained with it"),
        (("--prompt", "clip", "--checkpoint", "a.pt"), "needs a --text"),
        (("--text", "dog", "--prompt", "clip", "--checkpoint", "a.pt", "--detector", "sam3"), "leave --detector out"),
        (("--text", "dog", "--prompt", "clip", "--checkpoint", "a.pt"), "a.clip.safetensors is missing"),
    ],
)
def test_what_cannot_be_asked_is_an_error(
    masklet: CommandRunner, photo: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    if "dino" in arguments:
        pytest.importorskip("transformers", reason="text prompts need the extra `text`")
    done = masklet("segment", photo, *arguments, "--out", tmp_path / "m.json")
    assert (done.code != 0, message in done.err) == (True, True), done.err
    assert not (tmp_path / "m.json").exists()


def test_without_the_library_the_sentence_comes_once(
    masklet: CommandRunner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    done = masklet("segment", photos, "--text", "dog", "--export", "coco", "--out", tmp_path / "out")
    assert done.code == 2
    assert done.err.count("Text prompts need the transformers library") == 1


# --- clips --------------------------------------------------------------------------------------------------------


def test_what_is_found_on_the_first_frame_is_tracked(
    masklet: CommandRunner, clip: Path, tmp_path: Path, detect: Find
) -> None:
    detector = detect(lambda image: [DOG, WHEELS[0]])
    done = masklet("track", clip, "--text", "dog, wheel", "--out", tmp_path / "m.json", "--json")
    assert done.code == 0
    assert [(each["name"], each["frames"]) for each in done.result["objects"]] == [("dog", FRAMES), ("wheel", FRAMES)]
    assert len(detector.asked) == 1


def test_new_arrivals_join_and_known_objects_do_not(
    masklet: CommandRunner, clip: Path, tmp_path: Path, detect: Find
) -> None:
    looked = []

    def objects(image: RgbPixels) -> list[Detection]:
        looked.append(read_number(image))
        shifted = Detection("dog", 0.8, Box(12, 21, 41, 50))
        return [shifted, *WHEELS] if looked[-1] >= 6 else [shifted, WHEELS[0]] if looked[-1] >= 3 else [DOG]

    detect(objects)
    arguments = ("--text", "dog, wheel", "--detect-every", "3", "--direction", "forward")
    done = masklet("track", clip, *arguments, "--out", tmp_path / "m.json", "--json")
    assert looked == [0, 3, 6]
    found = [(each["name"], each["label"], each["frames"]) for each in done.result["objects"]]
    assert found == [("dog", "dog", 8), ("wheel", "wheel", 5), ("wheel 2", "wheel", 2)]
    assert min(frame for frame, number in masks_in(tmp_path / "m.json") if number == 3) == 6


def test_new_arrivals_are_tracked_back_to_where_they_came_from(
    masklet: CommandRunner, clip: Path, tmp_path: Path, detect: Find
) -> None:
    detect(lambda image: [DOG, WHEELS[0]] if read_number(image) == 4 else [DOG])
    arguments = ("--text", "dog, wheel", "--detect-every", "4")
    done = masklet("track", clip, *arguments, "--out", tmp_path / "m.json", "--json")
    assert [each["frames"] for each in done.result["objects"]] == [FRAMES, FRAMES]


def test_looking_again_finds_what_was_not_there_at_first(
    masklet: CommandRunner, clip: Path, tmp_path: Path, detect: Find
) -> None:
    detect(lambda image: [DOG] if read_number(image) >= 4 else [])
    arguments = ("--text", "dog", "--detect-every", "2", "--direction", "forward")
    done = masklet("track", clip, *arguments, "--out", tmp_path / "m.json", "--json")
    assert [each["frames"] for each in done.result["objects"]] == [4]


def test_looking_goes_with_the_direction_and_within_the_frames(
    masklet: CommandRunner, clip: Path, tmp_path: Path, detect: Find
) -> None:
    looked: list[int] = []
    detect(lambda image: looked.append(read_number(image)) or [DOG])
    arguments = ("--text", "dog", "--detect-every", "2")
    backward = ("--frame", "6", "--direction", "backward", "--first", "2")
    assert masklet("track", clip, *arguments, *backward, "--out", tmp_path / "m.json").code == 0
    assert looked == [6, 4, 2]
    looked.clear()
    assert masklet("track", clip, *arguments, "--first", "3", "--out", tmp_path / "n.json").code == 0
    assert looked == [3, 5, 7]
    done = masklet("track", clip, *arguments, "--frame", "6", "--last", "4", "--out", tmp_path / "o.json")
    assert (done.code, "--frame 6 is outside of frames 0 to 4" in done.err) == (1, True)


def test_a_clip_without_what_is_named_is_done_too(
    masklet: CommandRunner, clip: Path, tmp_path: Path, detect: Find
) -> None:
    detect(lambda image: [])
    done = masklet("track", clip, "--text", "dog", "--export", "coco,mp4", "--out", tmp_path / "out", "--json")
    assert (done.code, done.result["objects"]) == (0, [])
