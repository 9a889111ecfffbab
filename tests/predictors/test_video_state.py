"""The inference state as published code uses it: read, pruned, extended, copied, and made by the caller."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import sam2_core
from sam2_core.predictors.clip_images import ClipImages
from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from sam2_core.predictors.video_state import VideoState
from tests.predictors.golden_inputs import disc, picture, write_clip

FRAMES = 5
CLICK: dict[str, Any] = {"points": [[40, 42]], "labels": [1]}
KEYS = {
    "images", "num_frames", "offload_video_to_cpu", "offload_state_to_cpu", "video_height", "video_width", "device",
    "storage_device", "point_inputs_per_obj", "mask_inputs_per_obj", "cached_features", "constants", "obj_id_to_idx",
    "obj_idx_to_id", "obj_ids", "output_dict_per_obj", "temp_output_dict_per_obj", "frames_tracked_per_obj",
}  # fmt: skip


@pytest.fixture(scope="module")
def predictor() -> SAM2VideoPredictor:
    """As the official one: what it returns are the stored logits, resized."""
    predictor = sam2_core.build_sam2_video_predictor(device="cpu")
    predictor.fit_boundaries = False
    return predictor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"), FRAMES)


@pytest.fixture
def state(predictor: SAM2VideoPredictor, folder: Path) -> VideoState:
    return predictor.init_state(folder)


@pytest.fixture
def tracked(predictor: SAM2VideoPredictor, state: VideoState) -> VideoState:
    predictor.add_new_points_or_box(state, 0, "disc", **CLICK)
    predictor.add_new_points_or_box(state, 0, "box", box=[80, 28, 110, 72])
    track(predictor, state)
    return state


def track(predictor: SAM2VideoPredictor, state: Any, **options: Any) -> dict[int, Tensor]:
    return {frame: logits for frame, _, logits in predictor.propagate_in_video(state, **options)}


def as_input(predictor: SAM2VideoPredictor, frame: int) -> Tensor:
    """A frame as streaming code prepares it, (1, 3, S, S)."""
    pixels = torch.from_numpy(picture(frame)).permute(2, 0, 1)[None].float() / 255
    size = (predictor.image_size, predictor.image_size)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    resized = F.interpolate(pixels, size, mode="bilinear", align_corners=False)
    return (resized - mean[:, None, None]) / std[:, None, None]


def by_hand(predictor: SAM2VideoPredictor, images: Any, frames: int) -> dict[str, Any]:
    """A plain dictionary, as forks make it that have their own `init_state`."""
    device = predictor.device
    plain: dict[str, Any] = {"images": images, "num_frames": frames, "device": device, "storage_device": device}
    plain |= {"video_height": 90, "video_width": 130, "offload_video_to_cpu": False, "offload_state_to_cpu": False}
    plain |= {name: {} for name in ("point_inputs_per_obj", "mask_inputs_per_obj", "cached_features", "constants")}
    plain |= {"obj_id_to_idx": OrderedDict(), "obj_idx_to_id": OrderedDict(), "obj_ids": []}
    plain |= {name: {} for name in ("output_dict_per_obj", "temp_output_dict_per_obj", "frames_tracked_per_obj")}
    return plain


# --- reading ---------------------------------------------------------------------------------------------------------


def test_the_state_has_the_official_entries(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    assert isinstance(state, MutableMapping)
    assert set(state) == KEYS
    assert len(state) == len(list(state.items())) == 18
    assert "images" in state
    assert "tracking_has_started" not in state
    assert state.get("output_dict") is None
    assert (state["num_frames"], state["video_height"], state["video_width"]) == (FRAMES, 90, 130)
    assert (state["device"], state["storage_device"]) == (predictor.device, torch.device("cpu"))
    state["my_own"] = 3
    assert state.pop("my_own") == 3


def test_objects_and_prompts_can_be_read(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    assert tracked["obj_ids"] == ["disc", "box"]
    assert dict(tracked["obj_id_to_idx"]) == {"disc": 0, "box": 1}
    assert dict(tracked["obj_idx_to_id"]) == {0: "disc", 1: "box"}
    scale = predictor.image_size / torch.tensor([130, 90])
    prompts = tracked["point_inputs_per_obj"]
    assert torch.allclose(prompts[0][0]["point_coords"], torch.tensor([[[40, 42]]]) * scale)
    assert prompts[1][0]["point_labels"].tolist() == [[2, 3]]
    predictor.add_new_mask(tracked, 4, "mask", disc())
    assert tracked["mask_inputs_per_obj"][2][4].shape == (1, 1, predictor.image_size, predictor.image_size)


def test_outputs_can_be_read(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    outputs = tracked["output_dict_per_obj"][0]
    assert list(outputs["cond_frame_outputs"]) == [0]
    assert sorted(outputs["non_cond_frame_outputs"]) == [1, 2, 3, 4]
    assert tracked["frames_tracked_per_obj"][0] == {frame: {"reverse": False} for frame in range(FRAMES)}
    assert tracked["temp_output_dict_per_obj"][0] == {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    config, output = predictor.config, outputs["non_cond_frame_outputs"][2]
    side = config.embedding_size
    assert {name: tuple(value.shape) for name, value in output.items() if isinstance(value, Tensor)} == {
        "maskmem_features": (1, config.memory_width, side, side),
        "pred_masks": (1, 1, 4 * side, 4 * side),
        "obj_ptr": (1, config.width),
        "object_score_logits": (1, 1),
    }
    assert output["maskmem_features"].dtype == torch.bfloat16
    assert output["maskmem_pos_enc"][-1].shape == output["maskmem_features"].shape
    pointers = torch.cat([output["obj_ptr"] for output in outputs["non_cond_frame_outputs"].values()])
    assert pointers.shape == (4, config.width)


def test_new_outputs_of_prompts_are_pending(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    _, _, logits = predictor.add_new_points_or_box(tracked, 2, "disc", [[60, 60]], [0])
    pending = tracked["temp_output_dict_per_obj"][0]["non_cond_frame_outputs"]
    assert pending[2]["maskmem_features"] is None
    low = pending[2]["pred_masks"]
    assert torch.equal(predictor._get_orig_video_res_output(tracked, low)[1][0], logits[0])
    predictor.propagate_in_video_preflight(tracked)
    assert pending == {}
    assert tracked["output_dict_per_obj"][0]["non_cond_frame_outputs"][2]["maskmem_features"] is not None


def test_images_are_normalized_frames(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    images, size = state["images"], predictor.image_size
    assert len(images) == images.shape[0] == images.size(0) == FRAMES
    assert images.shape == (FRAMES, 3, size, size)
    assert images[0].shape == images[-1].shape == (3, size, size)
    shown = images[1].permute(1, 2, 0).numpy() * [0.229, 0.224, 0.225] + [0.485, 0.456, 0.406]
    assert np.abs(shown.mean((0, 1)) * 255 - picture(1).mean((0, 1))).max() < 1
    assert [frame.shape for frame in images[1:3]] == [(3, size, size)] * 2
    assert torch.equal(torch.stack([images[0], images[1]]), images.tensor()[:2])
    assert torch.equal(images[[0, 2]], torch.stack([images[0], images[2]]))
    assert torch.equal(images[1, 0, :4], images[1][0, :4])
    assert torch.equal(images[np.array([2, 0])][1], images[torch.tensor(0)])
    assert images[..., 0].shape == (FRAMES, 3, size)
    assert torch.allclose(torch.ones(1) * images[:1], images[0][None])
    assert (images.device, images.dtype, images.ndim, images.dim()) == (torch.device("cpu"), torch.float32, 4, 4)
    assert images.to("cpu", non_blocking=True).shape == images.cpu().shape
    assert not hasattr(images, "img_paths")
    assert images.to(torch.float16).dtype == images.half().dtype == torch.float16


def test_frame_numbers_of_any_type(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    for frame in (2, np.int64(2), torch.tensor(2)):
        assert predictor.add_new_points_or_box(state, frame, 1, **CLICK)[0] == 2
    assert list(state["point_inputs_per_obj"][0]) == [2]
    with pytest.raises(TypeError):
        predictor.add_new_points_or_box(state, 2.5, 1, **CLICK)  # type: ignore[arg-type]


# --- changing --------------------------------------------------------------------------------------------------------


def test_old_outputs_can_be_removed(predictor: SAM2VideoPredictor, folder: Path) -> None:
    state = predictor.init_state(folder)
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    steps: Iterator[Any] = predictor.propagate_in_video(state)
    for frame, _, _ in steps:
        tracked = state["output_dict_per_obj"][0]["non_cond_frame_outputs"]
        for old in [at for at in tracked if at < frame]:
            tracked.pop(old)
            state["frames_tracked_per_obj"][0].pop(old)
        assert set(tracked) <= {frame}
    whole = predictor.init_state(folder)
    predictor.add_new_points_or_box(whole, 0, 1, **CLICK)
    unpruned = track(predictor, whole)
    state["output_dict_per_obj"][0]["non_cond_frame_outputs"] = {}
    assert torch.equal(track(predictor, state, max_frame_num_to_track=1)[1], unpruned[1])


def test_stored_outputs_are_what_is_remembered(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    before = track(predictor, tracked, start_frame_idx=1, max_frame_num_to_track=0)[1]
    conditioning = tracked["output_dict_per_obj"][0]["cond_frame_outputs"]
    conditioning[0]["maskmem_features"] = torch.zeros_like(conditioning[0]["maskmem_features"])
    after = track(predictor, tracked, start_frame_idx=1, max_frame_num_to_track=0)[1]
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])


def test_a_tracked_frame_can_be_made_a_conditioning_one(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    outputs = tracked["output_dict_per_obj"][0]
    outputs["cond_frame_outputs"][3] = outputs["non_cond_frame_outputs"].pop(3)
    stored = outputs["cond_frame_outputs"][3]["pred_masks"]
    assert torch.equal(track(predictor, tracked)[3][:1], predictor._get_orig_video_res_output(tracked, stored)[1])


def test_frames_can_be_appended(predictor: SAM2VideoPredictor, folder: Path) -> None:
    state = predictor.init_state(folder)
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    track(predictor, state)
    for frame in (FRAMES, FRAMES + 1):
        state["images"] = torch.cat([state["images"], as_input(predictor, frame)], dim=0)
        state["num_frames"] += 1
        assert state["num_frames"] == state["images"].shape[0]
        [(at, logits)] = track(predictor, state, start_frame_idx=frame, max_frame_num_to_track=1).items()
        assert (at, logits.shape) == (frame, (1, 1, 90, 130))
    assert isinstance(state["images"], ClipImages)
    assert torch.equal(state["images"][FRAMES], as_input(predictor, FRAMES)[0])
    state["images"].append(as_input(predictor, FRAMES + 2))
    state["num_frames"] += 1
    assert list(track(predictor, state, start_frame_idx=FRAMES + 2)) == [FRAMES + 2]


def test_a_window_of_frames_can_slide(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    second = state["images"][1]
    state["images"] = torch.cat((state["images"][1:], as_input(predictor, FRAMES)))
    assert len(state["images"]) == FRAMES
    assert torch.equal(state["images"][0], second)
    state["cached_features"].clear()
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    image, backbone = state["cached_features"][0]
    assert torch.equal(image[0], second)
    assert len(backbone["backbone_fpn"]) == len(backbone["vision_pos_enc"]) == 3
    state["images"][1] = None  # dropped to save memory
    with pytest.raises(IndexError, match="Frame 1 was removed"):
        track(predictor, state)


@pytest.mark.parametrize("kind", ["tensor", "list", "dict"])
def test_images_can_be_replaced(predictor: SAM2VideoPredictor, folder: Path, kind: str) -> None:
    lazy, state = predictor.init_state(folder), predictor.init_state(folder)
    frames = [state["images"][index] for index in range(FRAMES)]
    state["images"] = {"tensor": torch.stack(frames), "list": frames, "dict": dict(enumerate(frames))}[kind]
    results = []
    for each in (lazy, state):
        predictor.add_new_points_or_box(each, 1, 1, **CLICK)
        results.append(track(predictor, each))
    assert all(torch.equal(results[0][frame], results[1][frame]) for frame in results[0])


def test_a_state_may_start_without_frames(predictor: SAM2VideoPredictor) -> None:
    state = predictor.init_state()
    state["images"] = torch.empty((0, 3, predictor.image_size, predictor.image_size))
    state["video_height"], state["video_width"] = 90, 130
    for frame in range(3):
        state["images"] = torch.cat((state["images"], as_input(predictor, frame)), dim=0)
        state["num_frames"] += 1
        if frame == 0:
            _, _, logits = predictor.add_new_points_or_box(state, 0, 1, **CLICK)
            assert logits.shape == (1, 1, 90, 130)
        assert frame in track(predictor, state, start_frame_idx=frame, max_frame_num_to_track=1)


def test_a_state_can_be_made_by_hand(predictor: SAM2VideoPredictor, folder: Path) -> None:
    lazy = predictor.init_state(folder)
    plain = by_hand(predictor, torch.stack(list(lazy["images"])), FRAMES)
    image, backbone, maps, positions, sizes = predictor._get_image_feature(plain, frame_idx=0, batch_size=2)
    side = predictor.config.embedding_size
    assert sizes == [(4 * side, 4 * side), (2 * side, 2 * side), (side, side)]
    assert [each.shape[:2] for each in maps] == [(height * width, 2) for height, width in sizes]
    assert [each.shape for each in positions] == [(h * w, 2, predictor.hidden_dim) for h, w in sizes]
    assert image.shape[0] == backbone["backbone_fpn"][0].shape[0] == 2
    assert list(plain["cached_features"]) == [0]
    results = []
    for each in (lazy, plain):
        predictor.add_new_points_or_box(each, 0, 1, **CLICK)
        predictor.add_new_mask(each, 2, 2, disc())
        results.append(track(predictor, each))
        predictor.remove_object(each, 1)
    assert all(torch.equal(results[0][frame], results[1][frame]) for frame in results[0])
    assert plain["obj_ids"] == [2]
    predictor._reset_tracking_results(plain)
    assert plain["output_dict_per_obj"][0] == {"cond_frame_outputs": {}, "non_cond_frame_outputs": {}}
    predictor.reset_state(plain)
    assert plain["obj_ids"] == [] == list(plain["output_dict_per_obj"])


def test_embeddings_that_were_computed_before_are_used(
    predictor: SAM2VideoPredictor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = predictor.init_state(folder)
    predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    expected = track(predictor, state)
    embeddings = {}
    for frame in range(FRAMES):
        image = state["images"][frame][None]
        embeddings[frame] = (image, predictor.forward_image(image))
    plain = by_hand(predictor, [None] * FRAMES, FRAMES)
    plain["cached_features"] = embeddings
    monkeypatch.setattr(predictor, "encode_image", None)
    predictor.add_new_points_or_box(plain, 0, 1, **CLICK)
    assert all(torch.equal(logits, expected[frame]) for frame, logits in track(predictor, plain).items())


def test_a_copy_is_independent(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    backup = copy.deepcopy(tracked)
    predictor.remove_object(tracked, "disc")
    predictor.add_new_points_or_box(tracked, 3, "box", **CLICK)
    assert backup["obj_ids"] == ["disc", "box"]
    assert len(track(predictor, backup)[0]) == 2


# --- steps -----------------------------------------------------------------------------------------------------------


def test_removing_an_object_renumbers_the_others(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    kept = tracked["output_dict_per_obj"][1]
    predictor.remove_object(tracked, "disc")
    assert dict(tracked["obj_id_to_idx"]) == {"box": 0}
    assert dict(tracked["obj_idx_to_id"]) == {0: "box"}
    assert tracked["output_dict_per_obj"] == {0: kept}
    assert predictor._obj_id_to_idx(tracked, "new") == 1
    assert predictor._obj_idx_to_id(tracked, 1) == "new"
    assert predictor._get_obj_num(tracked) == 2


def test_objects_removed_while_tracking_leave_the_result(predictor: SAM2VideoPredictor, tracked: VideoState) -> None:
    steps = predictor.propagate_in_video(tracked)
    next(steps)
    predictor.remove_object(tracked, "disc")
    assert next(steps)[1] == ["box"]
    predictor.reset_state(tracked)
    assert list(steps) == []


def test_single_steps_track_as_the_loop_does(predictor: SAM2VideoPredictor, folder: Path) -> None:
    states = [predictor.init_state(folder) for _ in range(2)]
    for state in states:
        predictor.add_new_points_or_box(state, 0, 1, **CLICK)
    expected = track(predictor, states[0])
    state = states[1]
    predictor.propagate_in_video_preflight(state)
    for frame in range(1, FRAMES):
        outputs = state["output_dict_per_obj"][0]
        current, low = predictor._run_single_frame_inference(
            inference_state=state, output_dict=outputs, frame_idx=frame, batch_size=1, is_init_cond_frame=False,
            point_inputs=None, mask_inputs=None, reverse=False, run_mem_encoder=True,
        )  # fmt: skip
        outputs["non_cond_frame_outputs"][frame] = current
        state["frames_tracked_per_obj"][0][frame] = {"reverse": False}
        found = predictor._get_orig_video_res_output(state, low)[1]
        # The loop runs without gradients, where sums are in another order.
        torch.testing.assert_close(found, expected[frame], rtol=1e-3, atol=1e-3)


def test_masks_of_all_objects_are_consolidated(predictor: SAM2VideoPredictor, state: VideoState) -> None:
    predictor.add_new_mask(state, 1, 1, disc())
    _, _, logits = predictor.add_new_points_or_box(state, 0, 2, **CLICK)
    found = predictor._consolidate_temp_output_across_obj(state, 0, is_cond=True, consolidate_at_video_res=True)
    assert torch.equal(found["pred_masks_video_res"], logits)
    low = predictor._consolidate_temp_output_across_obj(state, 0, is_cond=True)["pred_masks"]
    assert low.shape == (2, 1, predictor.config.mask_size, predictor.config.mask_size)
    assert (low[0] == -1024).all()
    split = predictor._apply_non_overlapping_constraints(torch.stack([logits[1], logits[1] + 1]))
    assert (split[0] <= -10).all()
    assert torch.equal(split[1], logits[1] + 1)


def test_a_step_can_be_overridden(predictor: SAM2VideoPredictor, folder: Path) -> None:
    seen = []

    class Counting(SAM2VideoPredictor):
        def _get_image_feature(self, inference_state: Any, frame_idx: int, batch_size: int) -> Any:
            seen.append(frame_idx)
            return super()._get_image_feature(inference_state, frame_idx, batch_size)

    own = Counting(predictor.config).eval()
    own.load_state_dict(predictor.state_dict())
    state = own.init_state(folder)
    own.add_new_points_or_box(state, 0, 1, **CLICK)
    track(own, state)
    assert seen == [0, 0, 0, 1, 2, 3, 4]


def test_boundaries_of_the_bundled_network_are_fitted_in_what_is_returned(folder: Path) -> None:
    predictor = sam2_core.build_sam2_video_predictor(device="cpu")
    state = predictor.init_state(folder)
    _, _, [clicked] = predictor.add_new_points_or_box(state, 0, "disc", **CLICK)
    given = np.zeros((90, 130), np.bool_)
    given[20:60, 70:110] = True
    predictor.add_new_mask(state, 0, "given", given)
    fitted = track(predictor, state)
    assert torch.equal(fitted[0][0] > 0, clicked > 0)
    assert ((fitted[0][1, 0] > 0).numpy() == given).mean() > 0.98
    low = state["output_dict_per_obj"][0]["cond_frame_outputs"][0]["pred_masks"]
    assert (predictor._fed_back(state, 0, 0, {"pred_masks": low}, False) - low).abs().max() > 1
    assert torch.equal(predictor._fed_back(state, 0, 0, {"pred_masks": low}, True), low)
    predictor.fit_boundaries = False
    assert torch.equal(predictor._fed_back(state, 0, 0, {"pred_masks": low}, False), low)
    plain = track(predictor, state)
    stored = state["output_dict_per_obj"][0]["non_cond_frame_outputs"][1]["pred_masks"]
    assert stored.shape[-1] == 96
    assert not torch.equal(fitted[1][0], plain[1][0])
    predictor.fit_boundaries = predictor.non_overlap_masks = True
    apart = track(predictor, state)
    predictor.fit_boundaries = False
    assert all(torch.equal(apart[frame], logits) for frame, logits in track(predictor, state).items())
