"""SA-V's clips with masklets and SA-1B's pictures with masks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.training.datasets import decoded_video, files
from sam2_core.training.datasets.dataset import BadSample
from sam2_core.training.datasets.sav import is_sav, read_sav
from tests.media.numbered import make_clip, read_number
from tests.training.datasets.tiny import HEIGHT, WIDTH, bar, run_lengths, save_image, save_json, skipped

CLIP_HEIGHT, CLIP_WIDTH, FRAMES = 64, 96, 10


def clip_bar(place: int) -> Any:
    return bar(place, CLIP_HEIGHT, CLIP_WIDTH)


def masklets(frames: list[list[Any]], **more: Any) -> dict[str, Any]:
    about = {"video_height": float(CLIP_HEIGHT), "video_width": float(CLIP_WIDTH), "video_frame_count": float(FRAMES)}
    return {**about, "masklet": [[x if x is None else run_lengths(x) for x in frame] for frame in frames], **more}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("video") / "v.mp4"
    return make_clip(path, frames=FRAMES, size=(CLIP_HEIGHT, CLIP_WIDTH), rate="24").read_bytes()


def save_clip(root: Path, video: bytes, name: str = "sav_000001") -> Path:
    root.mkdir(exist_ok=True)
    (root / f"{name}.mp4").write_bytes(video)
    save_json(root / f"{name}_manual.json", masklets([[clip_bar(0), None], [clip_bar(1), clip_bar(2)], [None, None]]))
    save_json(root / f"{name}_auto.json", masklets([[clip_bar(5)], [None], [None]]))
    return root / f"{name}.mp4"


def test_masklets_of_both_files_belong_to_every_fourth_frame(tmp_path: Path, video: bytes) -> None:
    save_clip(tmp_path / "sav_000", video)
    assert is_sav(tmp_path)
    assert is_sav(tmp_path / "sav_000")
    dataset = read_sav(tmp_path)
    [clip] = dataset.clips
    assert (clip.name, clip.source, len(clip), tuple(clip.annotated)) == ("sav_000001", tmp_path.name, FRAMES, (0, 4))
    assert {number: mask.tolist() for number, mask in clip.masks(0).items()} == {
        1: clip_bar(0).tolist(),
        3: clip_bar(5).tolist(),
    }
    assert set(clip.masks(4)) == {1, 2}
    assert clip.masks(8) == {}
    for index in (3, 12, -4):
        with pytest.raises(BadSample, match=files.NO_MASK):
            clip.masks(index)
    assert skipped(dataset.report) == {}


def test_frames_come_from_the_video_which_is_decoded_once(
    tmp_path: Path, video: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "decoded").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "decoded"))
    save_clip(tmp_path, video)
    [clip] = read_sav(tmp_path).clips
    assert list((tmp_path / "decoded").iterdir()) == []
    assert [read_number(clip.frame(index)) for index in (9, 0, 4)] == [9, 0, 4]
    assert clip.frame(0).shape == (CLIP_HEIGHT, CLIP_WIDTH, 3)
    assert len(list((tmp_path / "decoded").iterdir())) == 1
    assert not any(path.read_bytes() == video for path in (tmp_path / "decoded").rglob("*") if path.is_file())
    with pytest.raises(BadSample, match=decoded_video.UNDECODABLE):
        clip.frame(FRAMES)
    decoded_video._decoded_video.cache_clear()
    assert list((tmp_path / "decoded").iterdir()) == []


def test_bad_clips_are_reported_and_left_out(tmp_path: Path, video: bytes) -> None:
    for name in ("alone", "sizes", "blank", "broken", "endless", "hollow"):
        (tmp_path / f"{name}.mp4").write_bytes(video)
    save_json(tmp_path / "widow_auto.json", masklets([[clip_bar(0)]]))
    save_json(tmp_path / "sizes_manual.json", masklets([[clip_bar(0)]]))
    save_json(tmp_path / "sizes_auto.json", masklets([[clip_bar(0)]], video_width=32.0))
    save_json(tmp_path / "blank_manual.json", masklets([[None]]))
    save_json(tmp_path / "broken_manual.json", masklets([], masklet=[3]))
    save_json(tmp_path / "endless_manual.json", masklets([[clip_bar(0)]], video_frame_count=1e15))
    save_json(tmp_path / "hollow_manual.json", {"video_height": "x"})
    dataset = read_sav(tmp_path)
    assert dataset.clips == []
    assert skipped(dataset.report) == {
        files.NO_MASK: ["alone.mp4", "blank.mp4"],
        files.SIZE_MISMATCH: ["sizes.mp4"],
        files.BROKEN_JSON: ["broken.mp4", "endless.mp4", "hollow.mp4"],
        files.NO_IMAGE: ["widow_auto.json"],
    }


def test_reading_a_clip_finds_what_shows_only_then(tmp_path: Path, video: bytes) -> None:
    path = save_clip(tmp_path, video)
    wrong = masklets([[np.ones((3, 3), np.bool_)], [None]])
    wrong["masklet"][1] = [{"size": [CLIP_HEIGHT, CLIP_WIDTH], "counts": "~"}]
    save_json(tmp_path / "sav_000001_manual.json", wrong)
    path.write_bytes(video[:200])
    [clip] = read_sav(tmp_path).clips
    with pytest.raises(BadSample, match=files.SIZE_MISMATCH):
        clip.masks(0)
    with pytest.raises(BadSample, match=files.BROKEN_ENTRY):
        clip.masks(4)
    with pytest.raises(BadSample, match=decoded_video.UNDECODABLE):
        clip.frame(0)


def test_a_video_of_another_size_than_its_masks_is_bad(tmp_path: Path, video: bytes) -> None:
    (tmp_path / "v.mp4").write_bytes(video)
    mask = run_lengths(np.ones((8, 8), np.bool_))
    save_json(tmp_path / "v_manual.json", masklets([], video_height=8, video_width=8, masklet=[[mask]]))
    [clip] = read_sav(tmp_path).clips
    assert clip.masks(0)[1].all()
    with pytest.raises(BadSample, match=files.SIZE_MISMATCH):
        clip.frame(0)


def sa1b(*masks: Any) -> dict[str, Any]:
    return {"image": {"width": WIDTH, "height": HEIGHT}, "annotations": [{"segmentation": mask} for mask in masks]}


def test_pictures_with_json_files_of_their_own_are_read(tmp_path: Path) -> None:
    save_image(tmp_path / "sa_1.jpg")
    save_json(tmp_path / "sa_1.json", sa1b(run_lengths(bar(0)), run_lengths(bar(3))))
    assert is_sav(tmp_path)
    dataset = read_sav(tmp_path)
    [picture] = dataset.images
    labeled = picture.read()
    assert (picture.name, picture.source, labeled.classes) == ("sa_1", tmp_path.name, ("", ""))
    assert np.array_equal(labeled.masks[1], bar(3))
    assert skipped(dataset.report) == {}


def test_bad_pictures_are_reported_or_raise(tmp_path: Path) -> None:
    cases = {
        "a": (sa1b(), files.NO_MASK),
        "b": ({"image": {}, "annotations": [{}]}, files.BROKEN_ENTRY),
        "c": (sa1b(run_lengths(bar(0, 3, 4))), files.SIZE_MISMATCH),
        "d": ([1], files.BROKEN_ENTRY),
    }
    for name, (plain, _) in cases.items():
        save_image(tmp_path / f"{name}.jpg")
        save_json(tmp_path / f"{name}.json", plain)
    save_image(tmp_path / "alone.jpg")
    save_json(tmp_path / "widow.json", sa1b())
    dataset = read_sav(tmp_path)
    assert skipped(dataset.report) == {files.NO_MASK: ["alone.jpg"], files.NO_IMAGE: ["widow.json"]}
    for picture in dataset.images:
        with pytest.raises(BadSample, match=cases[picture.name][1]):
            picture.read()


def test_json_files_of_other_tools_are_not_taken_for_this_layout(tmp_path: Path) -> None:
    save_image(tmp_path / "x.jpg")
    save_json(tmp_path / "x.json", {"shapes": []})
    save_json(tmp_path / "y_manual.json", {})
    assert not is_sav(tmp_path)
