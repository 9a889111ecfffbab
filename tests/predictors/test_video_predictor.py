"""The video predictor beyond its numbers, with the bundled network."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch

import sam2_core
from sam2_core.errors import BadPrompt, ConfigError, MediaError
from sam2_core.predictors.frames import CLIP_LIMITS, ClipFrames
from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from sam2_core.predictors.video_state import ObjectState, VideoState
from tests.predictors.golden_inputs import disc, picture, write_clip

FRAMES = 4
CLICK: dict[str, Any] = {"points": [[40, 42]], "labels": [1]}
BOX = [18, 20, 56, 60]


@pytest.fixture(scope="module")
def shared_predictor() -> SAM2VideoPredictor:
    return sam2_core.build_sam2_video_predictor(device="cpu")


@pytest.fixture
def predictor(shared_predictor: SAM2VideoPredictor, monkeypatch: pytest.MonkeyPatch) -> SAM2VideoPredictor:
    """Settings that a test changes are restored afterwards."""
    for name in ("fill_hole_area", "non_overlap_masks", "clear_non_cond_mem_around_input"):
        monkeypatch.setattr(shared_predictor, name, getattr(shared_predictor, name))
    return shared_predictor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"), FRAMES)


@pytest.fixture
def state(predictor: SAM2VideoPredictor, folder: Path) -> VideoState:
    return predictor.init_state(folder)


def track(predictor: SAM2VideoPredictor, state: VideoState, **options: Any) -> dict[int, torch.Tensor]:
    return {frame: logits for frame, _, logits in predictor.propagate_in_video(state, **options)}


def iou(logits: torch.Tensor, mask: np.ndarray) -> float:
    found = logits.numpy() > 0
    return float((found & mask).sum() / (found | mask).sum())


def test_the_state_can_be_read_like_a_dictionary(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    assert (state["num_frames"], state["video_height"], state["video_width"], state["obj_ids"]) == (4, 90, 130, [])
    predictor.add_new_points_or_box(state, 0, "cat", **CLICK)
    assert state["obj_ids"] == ["cat"]


def test_results_are_frame_ids_and_logits(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_points_or_box(state, 0, 5, **CLICK)
    frame, ids, logits = predictor.add_new_points_or_box(state, frame_idx=0, obj_id=2, box=np.array(BOX))
    assert (frame, ids, logits.shape, logits.dtype) == (0, [5, 2], (2, 1, 90, 130), torch.float32)
    tracked = track(predictor, state)
    assert list(tracked) == [0, 1, 2, 3]
    assert torch.equal(tracked[0], logits)


def test_the_bundled_network_tracks_the_disc(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_mask(state, 0, 1, disc())
    last = track(predictor, state)[3][0, 0]
    y, x = np.mgrid[:90, :130]
    assert iou(last, (x - 45) ** 2 + (y - 43) ** 2 < 18**2) > 0.7


def test_mask_prompts_are_cut_at_half(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    soft = np.where(disc(), 255, 100).astype(np.uint8)
    expected = predictor.add_new_mask(state, 0, 1, disc())[2]
    for mask in (soft, torch.from_numpy(soft), soft.astype(np.float32)):
        assert torch.equal(predictor.add_new_mask(state, 0, 1, mask)[2], expected)
    for probabilities in (soft / 255, torch.from_numpy(soft / 255)):
        assert iou(predictor.add_new_mask(state, 0, 1, probabilities)[2][0, 0], disc()) > 0.9


def write_video(file: Path, width: int = 128, height: int = 96) -> Path:
    writer = imageio_ffmpeg.write_frames(str(file), (width, height), fps=10, macro_block_size=16)
    writer.send(None)
    for frame in range(FRAMES):
        writer.send(picture(frame, height, width).tobytes())
    writer.close()
    return file


def test_a_video_file_is_a_clip_too(predictor: SAM2VideoPredictor, tmp_path: Path) -> None:
    state = predictor.init_state(str(write_video(tmp_path / "clip.mp4")))
    assert (state["num_frames"], state["video_height"], state["video_width"]) == (FRAMES, 96, 128)
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    assert list(track(predictor, state)) == [0, 1, 2, 3]


def test_long_and_wide_video_files_are_accepted(tmp_path: Path) -> None:
    assert write_video(tmp_path / "clip.mp4", width=2560, height=32).exists()
    frames = ClipFrames(tmp_path / "clip.mp4")
    assert (frames.height, frames.width) == (32, 2560)
    assert frames._store.frame(0).shape[1] == 2048
    CLIP_LIMITS.check_seconds(48 * 3600)
    CLIP_LIMITS.check_frames(10_000_000)
    CLIP_LIMITS.check_bytes(10**12)
    CLIP_LIMITS.check_store(10**12)


def test_the_frames_of_a_video_file_are_deleted_with_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    frames = ClipFrames(write_video(tmp_path / "clip.mp4"))
    assert len(list((tmp_path / "temporary").glob("masklet-clip-*"))) == 1
    del frames
    gc.collect()
    assert not list((tmp_path / "temporary").glob("masklet-clip-*"))


def test_offloading_changes_nothing(predictor: SAM2VideoPredictor, folder: Path) -> None:
    results = []
    for options in ({}, {"offload_video_to_cpu": True, "offload_state_to_cpu": True, "async_loading_frames": True}):
        state = predictor.init_state(folder, **options)
        predictor.add_new_points_or_box(state, 0, 1, **CLICK)
        results.append(track(predictor, state))
    assert all(torch.equal(results[0][frame], results[1][frame]) for frame in range(FRAMES))


def test_corners_of_a_box_may_come_in_any_order(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    left, top, right, bottom = BOX
    _, _, usual = predictor.add_new_points_or_box(state, 0, 1, box=BOX)
    predictor.reset_state(state)
    _, _, swapped = predictor.add_new_points_or_box(state, 0, 1, box=[right, top, left, bottom])
    torch.testing.assert_close(swapped, usual, rtol=0, atol=0)


def test_a_box_may_come_after_points(predictor: SAM2VideoPredictor, state: VideoState, folder: Path) -> None:
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    predictor.add_new_points_or_box(state, 0, 1, box=BOX, clear_old_points=False)
    coords, labels = state["point_inputs_per_obj"][0][0].values()
    assert labels[0].tolist() == [2, 3, 1]
    predictor.add_new_points_or_box(state, 0, 1, box=[10, 10, 60, 60], clear_old_points=False)  # replaces the box
    moved, labels = state["point_inputs_per_obj"][0][0].values()
    assert labels[0].tolist() == [2, 3, 1]
    assert not torch.equal(moved[0, :2], coords[0, :2])
    assert torch.equal(moved[0, 2], coords[0, 2])


def test_tracking_with_prompts_only_ahead(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_mask(state, 3, 1, disc())
    assert all(logits.isfinite().all() for logits in track(predictor, state, start_frame_idx=0).values())


def test_a_clip_of_one_frame(predictor: SAM2VideoPredictor, tmp_path: Path) -> None:
    state = predictor.init_state(write_clip(tmp_path / "one", 1))
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    assert list(track(predictor, state)) == [0]
    _, _, logits = predictor.add_new_points_or_box(state, 0, 1, [[70, 60]], [0], clear_old_points=False)
    assert logits.isfinite().all()


def test_objects_added_while_tracking_join_the_next_call(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    steps = predictor.propagate_in_video(state)
    next(steps)
    predictor.add_new_points_or_box(state, 2, 2, **CLICK)
    assert [ids for _, ids, _ in steps] == [[1]] * 3
    assert [ids for _, ids, _ in predictor.propagate_in_video(state)] == [[1, 2]] * 4


def test_removing_objects(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    for obj_id in (1, 2, 3):
        predictor.add_new_points_or_box(state, obj_id - 1, obj_id, **CLICK)
    ids, updated = predictor.remove_object(state, 2)
    assert ids == [1, 3]
    assert [(frame, tuple(logits.shape)) for frame, logits in updated] == [(1, (2, 1, 90, 130))]
    assert predictor.remove_object(state, 2) == ([1, 3], [])
    with pytest.raises(RuntimeError, match=r"no object 2 to remove; known objects: \[1, 3\]"):
        predictor.remove_object(state, 2, strict=True)
    assert predictor.remove_object(state, 1, need_output=False) == ([3], [])
    assert predictor.remove_object(state, 3) == ([], [])
    with pytest.raises(RuntimeError, match="add points, a box or a mask first"):
        track(predictor, state)


def test_clearing_a_frame_removes_the_prompt(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    result = predictor.clear_all_prompts_in_frame(state, 0, 1)
    assert result is not None
    assert (result[2] == -1024).all()
    assert predictor.clear_all_prompts_in_frame(state, 0, 1, need_output=False) is None
    with pytest.raises(RuntimeError, match="Object 1 has not been prompted"):
        track(predictor, state)


def test_a_reset_state_equals_a_new_one(predictor: SAM2VideoPredictor, state: VideoState, folder: Path) -> None:
    predictor.add_new_points_or_box(state, 0, 1, points=[[90, 50]], labels=[1])
    track(predictor, state)
    predictor.reset_state(state)
    results = []
    for clip in (state, predictor.init_state(folder)):
        predictor.add_new_points_or_box(clip, 1, 8, **CLICK)
        results.append(track(predictor, clip))
    assert all(torch.equal(results[0][frame], results[1][frame]) for frame in range(1, FRAMES))


def test_without_overlap_each_pixel_belongs_to_one_object(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_mask(state, 0, 1, disc())
    _, _, logits = predictor.add_new_mask(state, 0, 2, np.ones((90, 130), bool))
    assert ((logits > 0).sum(0) > 1).any()
    predictor.non_overlap_masks = True
    for logits in track(predictor, state).values():
        assert ((logits > 0).sum(0) <= 1).all()


def holed_mask() -> np.ndarray:
    mask = np.ones((90, 130), bool)
    mask[40:42, 60:63] = False
    return mask


def test_holes_are_filled_in_what_is_stored(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    results = {}
    for area in (0, 80):
        predictor.fill_hole_area = area
        results[area] = predictor.add_new_mask(state, 0, 1, holed_mask())[2]
        stored = state["temp_output_dict_per_obj"][0]["cond_frame_outputs"][0]["pred_masks"]
        assert bool((stored <= 0).any()) == (area == 0)
    assert (results[0] <= 0).any()
    assert (results[80] > 0).all()


def test_filled_logits_are_memorized_and_fed_back(
    predictor: SAM2VideoPredictor, state: VideoState, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {"memory": [], "prompt": []}
    encode_memory, predict_masks = predictor.encode_memory, predictor.predict_masks

    def encode(embedding: torch.Tensor, logits: torch.Tensor, *rest: Any) -> torch.Tensor:
        seen["memory"].append(logits)
        return encode_memory(embedding, logits, *rest)

    def predict(embedding: Any, high_res: Any, points: Any, mask: Any, multimask: Any) -> Any:
        seen["prompt"].append(mask)
        return predict_masks(embedding, high_res, points, mask, multimask)

    predictor.fill_hole_area = 80
    predictor.add_new_mask(state, 0, 1, holed_mask())
    monkeypatch.setattr(predictor, "encode_memory", encode)
    predictor.propagate_in_video_preflight(state)
    assert [(logits > 0).all().item() for logits in seen["memory"]] == [True]
    monkeypatch.setattr(predictor, "predict_masks", predict)
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    assert [(logits > 0).all().item() for logits in seen["prompt"]] == [True]


def test_tracked_frames_memorize_their_logits_before_filling(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    memories = []
    for area in (0, 10_000):
        predictor.fill_hole_area = area
        predictor.propagate_in_video_preflight(state)
        stored, logits = predictor._run_single_frame_inference(
            state, state["output_dict_per_obj"][0], 1, 1, False, None, None, reverse=False, run_mem_encoder=True
        )
        memories.append(stored["maskmem_features"])
    assert (logits > 0).all()
    assert torch.equal(*memories)


def test_clearing_memory_around_a_prompt(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    track(predictor, state)
    tracked = state["output_dict_per_obj"][0]["non_cond_frame_outputs"]
    assert sorted(tracked) == [1, 2, 3]
    predictor.clear_non_cond_mem_around_input = True
    predictor.add_new_points_or_box(state, 2, 1, **CLICK)
    predictor.propagate_in_video_preflight(state)
    assert sorted(tracked) == []


@pytest.mark.parametrize(("prompt", "error", "complaint"), [
    ({"frame_idx": 4, **CLICK}, IndexError, "has 4 frames"),
    ({"frame_idx": -1, **CLICK}, IndexError, "does not exist"),
    ({"points": [[1, 2]]}, ValueError, "together"),
    ({"labels": [1]}, ValueError, "together"),
    ({}, ValueError, "at least one of points or box"),
    ({"points": [[1, 2]], "labels": [1, 0]}, BadPrompt, "1 points but 2 labels"),
    ({"points": [[1, 2]], "labels": [7]}, BadPrompt, "Labels are 1"),
    ({"points": [[1, 2]], "labels": [-2]}, BadPrompt, "Labels are 1"),
    ({"points": [[1, 2]], "labels": [0.5]}, BadPrompt, "Labels are 1"),
    ({"points": [[1, float("nan")]], "labels": [1]}, BadPrompt, "finite"),
    ({"points": [[1, 2, 3]], "labels": [1]}, BadPrompt, r"pairs \(x, y\)"),
    ({"points": [[1, 2], [3]], "labels": [1, 1]}, BadPrompt, "must be numbers"),
    ({"box": [1, 2, 3]}, BadPrompt, "four numbers"),
    ({"box": [1, 2, 3, float("inf")]}, BadPrompt, "finite"),
    ({"box": [BOX, BOX]}, BadPrompt, "one box on a frame, not 2"),
])  # fmt: skip
def test_an_invalid_prompt_adds_no_object(
    predictor: SAM2VideoPredictor, state: VideoState, prompt: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        predictor.add_new_points_or_box(state, **({"frame_idx": 0, "obj_id": 1} | prompt))
    assert state["obj_ids"] == []


def fail(*_: Any, **__: Any) -> None:
    raise MemoryError


@pytest.mark.parametrize("step", ["_get_image_feature", "_consolidate_temp_output_across_obj"])
def test_a_failed_prompt_does_not_change_the_state(
    predictor: SAM2VideoPredictor, state: VideoState, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    predictor.add_new_mask(state, 0, 1, disc())
    predictor.add_new_points_or_box(state, 1, 1, **CLICK)
    before = [dict(by_frame) for by_frame in ObjectState.of(state, 0).prompt_state]
    with monkeypatch.context() as broken:
        broken.setattr(predictor, step, fail)
        for obj_id in (1, 2):
            with pytest.raises(MemoryError):
                predictor.add_new_points_or_box(state, 0, obj_id, **CLICK)
            with pytest.raises(MemoryError):
                predictor.add_new_mask(state, 1, obj_id, disc())
    assert state["obj_ids"] == [1]
    for by_frame, content in zip(ObjectState.of(state, 0).prompt_state, before, strict=True):
        assert by_frame.keys() == content.keys()
        assert all(by_frame[frame] is content[frame] for frame in content)
    assert list(track(predictor, state)) == [0, 1, 2, 3]


def test_clearing_an_unknown_object_changes_nothing(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    empty = predictor.clear_all_prompts_in_frame(state, 0, "typo")
    assert empty is not None
    assert (empty[1], empty[2].shape) == ([], (0, 1, 90, 130))
    _, _, prompted = predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    result = predictor.clear_all_prompts_in_frame(state, 0, "typo")
    assert result is not None
    assert result[:2] == (0, [1])
    assert torch.equal(result[2], prompted)
    with pytest.raises(IndexError, match="has 4 frames"):
        predictor.clear_all_prompts_in_frame(state, 4, 1, need_output=False)


@pytest.mark.parametrize("start", [-1, 4])
@pytest.mark.parametrize("reverse", [False, True])
def test_tracking_must_start_on_an_existing_frame(
    predictor: SAM2VideoPredictor, state: VideoState, start: int, reverse: bool
) -> None:
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    with pytest.raises(IndexError, match="does not exist"):
        track(predictor, state, start_frame_idx=start, reverse=reverse)


def test_a_mask_of_the_wrong_shape(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    with pytest.raises(ValueError, match="two axes"):
        predictor.add_new_mask(state, 0, 1, np.zeros((1, 90, 130), bool))
    assert state["obj_ids"] == []


def test_unusable_frames_are_refused(predictor: SAM2VideoPredictor, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"no \.jpg files"):
        predictor.init_state(tmp_path)
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(MediaError, match=r"holiday\.jpg is not"):
        predictor.init_state(tmp_path)
    with pytest.raises(MediaError):
        predictor.init_state(tmp_path / "gone.mp4")


def test_frames_are_ordered_by_number_not_by_name(predictor: SAM2VideoPredictor, tmp_path: Path) -> None:
    write_clip(tmp_path, 2)
    (tmp_path / "00000.jpg").rename(tmp_path / "9.jpg")
    (tmp_path / "00001.jpg").rename(tmp_path / "10.JPG")
    frames = predictor.init_state(tmp_path)["images"]
    assert not torch.equal(frames[0], frames[1])
    again = predictor.init_state(write_clip(tmp_path / "again", 2))["images"]
    assert torch.equal(frames[0], again[0])


def test_postprocessing_can_be_disabled() -> None:
    plain = sam2_core.build_sam2_video_predictor("nano", device="cpu", apply_postprocessing=False)
    assert (plain.fill_hole_area, plain.binarize_mask_from_pts_for_mem_enc) == (0, False)
    assert plain.sam_mask_decoder.stability_fallback is False


def test_hydra_overrides_of_official_scripts() -> None:
    overrides = ["++model.non_overlap_masks=true", "++model.fill_hole_area=0"]
    predictor = sam2_core.build_sam2_video_predictor("nano", device="cpu", hydra_overrides_extra=overrides)
    assert (predictor.non_overlap_masks, predictor.fill_hole_area) == (True, 0)
    for wrong in ("++model.image_encoder.trunk.embed_dim=512", "++model.fill_hole_area=many"):
        with pytest.raises(ConfigError, match="override"):
            sam2_core.build_sam2_video_predictor("nano", device="cpu", hydra_overrides_extra=[wrong])
