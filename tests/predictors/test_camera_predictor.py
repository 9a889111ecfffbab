"""The camera predictor: what the video predictor finds, frame by frame, in constant memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sam2_core.build_sam import build_sam2_camera_predictor

import sam2_core
from sam2_core.errors import BadPrompt, MediaError
from sam2_core.model.config import NetworkConfig
from sam2_core.predictors.camera_predictor import MAX_PROMPTED, SAM2CameraPredictor, _StreamSteps
from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from tests.networks import TINY, tiny_network

FRAMES = 24
CLICK: dict[str, Any] = {"points": np.array([[40, 30]], np.float32), "labels": np.array([1], np.int32)}


def frame(number: int) -> np.ndarray:
    """A disc that moves to the right over a gradient: (60, 90, 3)."""
    y, x = np.mgrid[:60, :90]
    pixels = np.stack([x * 2, y * 4, (x + y) % 256], axis=-1).astype(np.uint8)
    pixels[(x - 30 - number) ** 2 + (y - 30) ** 2 < 100] = (250, 60, 40)
    return pixels


def loaded(kind: type[SAM2VideoPredictor], config: NetworkConfig = TINY) -> SAM2VideoPredictor:
    predictor = kind(config)
    predictor.load_state_dict(tiny_network().state_dict())
    predictor.add_all_frames_to_correct_as_cond = True
    return predictor.eval()


@pytest.fixture(scope="module")
def network() -> SAM2VideoPredictor:
    return loaded(_StreamSteps)


@pytest.fixture
def camera(network: SAM2VideoPredictor) -> SAM2CameraPredictor:
    camera = SAM2CameraPredictor(network)
    camera.load_first_frame(frame(0))
    return camera


def tensors(value: Any) -> int:
    """The numbers in all tensors of a state, and the entries of all its containers."""
    if isinstance(value, torch.Tensor):
        return value.numel()
    if isinstance(value, dict):
        return len(value) + sum(map(tensors, value.values()))
    return len(value) + sum(map(tensors, value)) if isinstance(value, list | tuple) else 0


def test_it_finds_what_the_video_predictor_finds(camera: SAM2CameraPredictor) -> None:
    """Also after a correction, and with an object that joins later."""
    video = loaded(SAM2VideoPredictor)
    state = video.init_state(np.stack([frame(number) for number in range(FRAMES)]))
    expected: dict[int, torch.Tensor] = {}
    video.add_new_points_or_box(state, 0, "ball", **CLICK)
    expected |= {number: logits for number, _, logits in video.propagate_in_video(state, 0, 9)}
    video.add_new_points_or_box(state, 9, "ball", points=[[45, 30]], labels=[0])
    video.add_new_points_or_box(state, 9, "sky", box=[5, 5, 40, 20])
    expected |= {number: logits for number, _, logits in video.propagate_in_video(state, 9)}

    frame_number, ids, logits = camera.add_new_prompt(frame_idx=0, obj_id="ball", **CLICK)
    assert (frame_number, ids, logits.shape) == (0, ["ball"], (1, 1, 60, 90))
    found = {0: logits}
    for number in range(1, FRAMES):
        ids, found[number] = camera.track(frame(number))
        if number == 9:
            camera.add_new_points(9, "ball", [[45, 30]], [0])
            _, _, found[number] = camera.add_new_points_or_box(9, "sky", box=[5, 5, 40, 20])
    assert ids == ["ball", "sky"]
    for number, logits in found.items():
        torch.testing.assert_close(logits, expected[number], rtol=1e-4, atol=1e-4, msg=f"frame {number}")


def test_memory_stays_the_same_however_long_the_camera_runs(camera: SAM2CameraPredictor) -> None:
    """With prompts and conditioning frames all the while."""
    camera.add_new_prompt(0, 1, **CLICK)
    camera.add_new_prompt(0, 2, bbox=[10, 10, 50, 50])
    sizes = []
    for number in range(1, 201):
        camera.track(frame(number % 40))
        if number % 10 == 0:
            camera.add_new_prompt_during_track(point=[[40, 30]], labels=[1], if_new_target=False)
            camera.add_conditioning_frame(frame(number % 40))
            if number >= 100 and number % 50 == 0:  # all that is remembered is there
                sizes.append(tensors(camera.condition_state))
    assert len(set(sizes)) == 1 and camera.frame_idx == 220
    state = camera.condition_state
    assert len(state["output_dict_per_obj"][1]["cond_frame_outputs"]) <= MAX_PROMPTED
    assert len(state["output_dict_per_obj"][0]["cond_frame_outputs"]) == 1, "the prompt of the first frame is kept"


def test_pictures_of_all_usual_kinds_are_the_same_frame(network: SAM2VideoPredictor) -> None:
    found = []
    for convert in (np.asarray, Image.fromarray, torch.from_numpy):
        camera = SAM2CameraPredictor(network)
        camera.load_first_frame(convert(frame(0)))
        camera.add_new_mask(0, 7, np.pad(np.ones((20, 20), bool), ((20, 20), (20, 50))))
        found.append(camera.track(convert(frame(1)))[1])
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


@pytest.mark.parametrize(
    "other", [frame(0)[:50], Image.fromarray(frame(0)), frame(0) / 255, frame(0)[..., 0], "picture.jpg"]
)
def test_a_frame_of_another_kind_is_refused_and_changes_nothing(camera: SAM2CameraPredictor, other: Any) -> None:
    camera.add_new_prompt(0, 1, **CLICK)
    with pytest.raises(MediaError, match="frame"):
        camera.track(other)
    with pytest.raises(MediaError, match="frame"):
        camera.add_conditioning_frame(other)
    assert camera.frame_idx == 0
    assert camera.track(frame(1))[0] == [1]


def test_what_is_missing_is_said(network: SAM2VideoPredictor, camera: SAM2CameraPredictor) -> None:
    with pytest.raises(MediaError, match="load_first_frame"):
        SAM2CameraPredictor(network).track(frame(0))
    with pytest.raises(RuntimeError, match="prompt"):
        camera.track(frame(1))
    assert camera.frame_idx == 0, "nothing was added"
    with pytest.raises(BadPrompt):
        camera.add_new_prompt_during_track(point=[[1, 1]], labels=[1], if_new_target=False)
    camera.add_new_prompt_during_track(point=[[1, 1]], labels=[1])
    for number in range(1, 4):
        camera.track(frame(number))
    camera.add_new_prompt(0, 5, **CLICK)  # a conditioning frame
    with pytest.raises(BadPrompt, match="newest one, 3"):
        camera.add_new_prompt(2, 1, **CLICK)
    assert camera.remove_object(1) == [5]
    camera.reset_state()
    camera.add_conditioning_frame(frame(4))
    camera.add_new_mask(camera.condition_state["num_frames"] - 1, 9, np.ones((60, 90), bool))
    assert camera.track(frame(5))[0] == [9]


def test_it_is_built_like_the_video_predictor(tmp_path: Path) -> None:
    assert sam2_core.build_sam2_camera_predictor is build_sam2_camera_predictor
    options = ["++model._target_=sam2.sam2_camera_predictor.SAM2CameraPredictor", "++model.fill_hole_area=0"]
    camera = build_sam2_camera_predictor("nano", device="cpu", hydra_overrides_extra=options)
    assert camera.predictor.fill_hole_area == 0 and not camera.training
    assert camera.predictor.add_all_frames_to_correct_as_cond
    camera.load_first_frame(frame(0))
    camera.add_new_prompt(0, 1, bbox=[[18, 18], [42, 42]])
    _, logits = camera.track(frame(1))
    assert logits.shape == (1, 1, 60, 90) and bool((logits > 0)[0, 0, 30, 30])
