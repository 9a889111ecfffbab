"""SA-V's JSON, read as training reads it and by COCO's tools."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, MaskedMedia, Store, ingest, open_store, write
from sam2_core.training.datasets.dataset import Clip
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.types import FrameMasks, Mask
from tests.media.formats.scenes import COCOS_WARNING, RING, expected, masks_in, scene
from tests.media.numbered import make_clip


def read_again(store: Store, media: MaskedMedia, folder: Path) -> tuple[dict, Clip]:
    """The plain data, and the clip as training reads it."""
    write(folder / "film_manual.json", media, ExportOptions("sav"))
    shutil.copyfile(store.source, folder / "film.mp4")
    found = open_dataset(folder)
    assert not found.report.counts
    return json.loads((folder / "film_manual.json").read_text("utf-8")), found.clips[0]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Fourteen frames, hence four that SA-V annotates."""
    folder = tmp_path_factory.mktemp("film")
    ingest(make_clip(folder / "film.mp4", frames=14, rate="24"), folder / "store")
    return open_store(folder / "store")


@pytest.mark.parametrize("frames", [range(14), range(3, 13), range(4, 14, 2), range(8, 9)])
def test_every_fourth_frame_has_its_masks(frames: range, film: Store, tmp_path: Path) -> None:
    media = scene(film, frames=frames)
    plain, clip = read_again(film, media, tmp_path)
    annotated = [frame for frame in frames if frame % 4 == 0]
    assert list(clip.annotated) == annotated
    assert [bool(entry) for entry in plain["masklet"]] == [frame in annotated for frame in range(0, 14, 4)]
    for frame in annotated:
        found = clip.masks(frame)
        for place, number in enumerate((7, 3, 5), start=1):
            requested = expected(media, frame).get(number, np.zeros((64, 96), bool))
            np.testing.assert_array_equal(found[place], requested)
        assert clip.frame(frame).shape == (64, 96, 3)


def test_fields_are_those_of_the_data_set(film: Store, tmp_path: Path) -> None:
    media = scene(film)
    plain, _ = read_again(film, media, tmp_path)
    assert (plain["video_id"], plain["video_frame_count"], plain["masklet_num"]) == ("film", 14, 3)
    assert (plain["video_height"], plain["video_width"], plain["video_resolution"]) == (64, 96, 64 * 96)
    assert plain["video_duration"] == pytest.approx(14 / 24, abs=0.01)
    assert plain["masklet_id"] == [0, 1, 2]
    assert plain["masklet_frame_count"] == [4, 3, 4]
    assert plain["masklet_first_appeared_frame"] == [0, 4, 0]
    assert plain["masklet_visibility_changes"] == [0, 0, 0]
    areas = [expected(media, frame)[7].sum() for frame in (0, 4, 8, 12)]
    assert plain["masklet_size_abs"][0] == pytest.approx(np.mean(areas))
    assert plain["masklet_size_rel"][0] == pytest.approx(np.mean(areas) / (64 * 96))
    assert plain["masklet_size_bucket"] == ["medium", "small", "small"]
    assert plain["object_id"] == [7, 3, 5]
    assert plain["object_label"][0] == "Bird"


def test_coming_and_going_is_counted(film: Store, tmp_path: Path) -> None:
    def blinking(frame: int) -> FrameMasks:
        found = masks_in(film, frame)
        nothing = Mask.from_array(np.zeros((64, 96), bool))
        gone = tuple(replace(each, mask=nothing) for each in found.objects)
        return found if frame in (4, 12) else replace(found, objects=gone)

    media = MaskedMedia(film, lambda frames: [blinking(frame) for frame in frames], [RING])
    plain, _ = read_again(film, media, tmp_path)
    assert plain["masklet_visibility_changes"] == [2]
    assert plain["masklet_first_appeared_frame"] == [4]
    assert plain["masklet_frame_count"] == [2]


@pytest.mark.filterwarnings(COCOS_WARNING)
def test_cocos_tools_decode_every_entry(film: Store, tmp_path: Path) -> None:
    tools = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    media = scene(film)
    plain, _ = read_again(film, media, tmp_path)
    for place, entry in enumerate(plain["masklet"]):
        for number, run_lengths in zip((7, 3, 5), entry, strict=True):
            requested = expected(media, 4 * place).get(number, np.zeros((64, 96), bool))
            np.testing.assert_array_equal(tools.decode(run_lengths), requested)


def test_frames_that_sav_does_not_annotate_are_refused(film: Store, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="frames 0, 4, 8"):
        write(tmp_path / "a.json", scene(film, frames=range(5, 8)), ExportOptions("sav"))
