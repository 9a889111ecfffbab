"""A session on a network of SAM 1: images and albums, whose input is padded; compared with `SamPredictor`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from sam2_core.errors import BadPrompt
from sam2_core.model.input_geometry import InputGeometry, frame_input
from sam2_core.predictors.sam_predictor import SamPredictor
from sam2_core.tracking import masks
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.masks import full_mask, low_resolution_logits
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.types import Box, Mask, ObjectMask, Point, Prompt
from tests.predictors.golden_inputs import picture, small_sam

SIZES = ((90, 130), (130, 60), (64, 64))
CLICK, OTHER = Point(36, 40), Point(20, 10, positive=False)


class Album:
    def frame(self, frame: int) -> np.ndarray:
        return picture(0, *SIZES[frame])


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> TrackingSession:
    monkeypatch.setattr(masks, "MAX_SPECK_AREA", 0)  # the official code keeps specks
    size = ClipSize(len(SIZES), 130, 130, SIZES)
    return TrackingSession("s", Segmenter(small_sam()), Album(), size, FeatureCache(2**26))


def segment(session: TrackingSession, prompt: Prompt, frame: int = 0) -> ObjectMask:
    (found,) = session.set_prompt(frame, 1, prompt).objects
    assert (found.mask.height, found.mask.width) == SIZES[frame]
    return found


@pytest.fixture(params=range(len(SIZES)))
def frame(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def predict(frame: int, **prompt: object) -> tuple[np.ndarray, np.ndarray]:
    """Logits (M, height, width) at the size of the frame, and predicted IoUs (M,)."""
    predictor = SamPredictor(small_sam())
    predictor.set_image(picture(0, *SIZES[frame]))
    logits, ious, _ = predictor.predict(**prompt, return_logits=True)  # type: ignore[arg-type]
    return logits, ious


def assert_same(mask: Mask, logits: np.ndarray) -> None:
    """Equal but for a few pixels on the edge, where rounding decides."""
    wrong = mask.to_array() != (logits > 0)
    assert wrong.mean() < 0.01
    assert abs(logits[wrong]).max(initial=0) < 0.05


def test_a_click_gives_the_official_candidates(session: TrackingSession, frame: int) -> None:
    found = segment(session, Prompt((CLICK,)), frame)
    logits, ious = predict(frame, point_coords=[[CLICK.x, CLICK.y]], point_labels=[1])
    assert len(found.candidates) == 3
    for candidate, expected, iou in zip(found.candidates, logits, ious, strict=True):
        assert candidate.predicted_iou == pytest.approx(min(max(iou, 0), 1), abs=0.02)
        assert_same(candidate.mask, expected)
    assert found.mask == found.candidates[int(ious.argmax())].mask
    assert found.is_present
    picked = segment(session, Prompt((CLICK,), choice=0), frame)
    assert picked.mask == found.candidates[0].mask


def test_a_box_gives_the_official_mask(session: TrackingSession, frame: int) -> None:
    found = segment(session, Prompt(boxes=(Box(10, 15, 55, 60),)), frame)
    logits, _ = predict(frame, box=[10, 15, 55, 60], multimask_output=False)
    assert found.candidates == ()
    assert_same(found.mask, logits[0])


def test_a_box_with_points_gives_the_official_mask(session: TrackingSession) -> None:
    coords, labels = torch.tensor([[[10.0, 15], [55, 60], [36, 40], [20, 10]]]), torch.tensor([[2, 3, 1, 0]])
    network = small_sam()
    features = network.encode_image(frame_input(picture(), network.geometry(90, 130))[None])
    scaled = network.geometry(90, 130).to_input(coords)
    found = network.predict_masks(features.embedding, (), (scaled, labels), None, False)
    logits, ious = predict(
        0, box=[10, 15, 55, 60], point_coords=[[36, 40], [20, 10]], point_labels=[1, 0], multimask_output=False
    )
    assert float(found.predicted_iou) == pytest.approx(float(ious[0]), abs=0.02)
    assert_same(full_mask(found.logits[0, 0], network.geometry(90, 130)), logits[0])


def test_further_points_and_masks_refine(session: TrackingSession, frame: int) -> None:
    first = segment(session, Prompt((CLICK,)), frame)
    second = segment(session, Prompt((CLICK, OTHER)), frame)
    assert second.candidates == ()
    assert segment(session, Prompt((CLICK,)), frame) == first
    given = Mask.from_array(np.pad(np.ones((20, 30), bool), ((10, SIZES[frame][0] - 30), (5, SIZES[frame][1] - 35))))
    assert segment(session, Prompt(mask=given), frame).mask == given
    assert segment(session, Prompt((CLICK,), mask=given), frame).mask != first.mask
    both = Prompt(boxes=(Box(10, 15, 30, 30), Box(30, 30, 55, 60)))
    assert segment(session, both, frame).predicted_iou <= 1


def test_a_preview_is_what_the_prompt_gives(session: TrackingSession) -> None:
    prompt = Prompt((CLICK, OTHER))
    (shown,) = session.preview(1, 1, prompt).objects
    assert shown.mask == segment(session, prompt, 1).mask


def test_a_crop_is_refined_within_its_edges(session: TrackingSession, frame: int) -> None:
    whole = segment(session, Prompt((CLICK,)), frame).mask.to_array()
    crop = Box(20, 25, 56, 57)
    refined = segment(session, Prompt((CLICK,), crop=crop), frame).mask.to_array()
    outside = np.ones(SIZES[frame], bool)
    outside[25:57, 20:56] = False
    assert np.array_equal(whole[outside], refined[outside])


def test_tracking_says_that_sam_1_cannot() -> None:
    session = TrackingSession("s", Segmenter(small_sam()), Album(), ClipSize(3, *SIZES[0]), FeatureCache(2**26))
    session.set_prompt(0, 1, Prompt((CLICK,)))
    session.set_prompt(2, 1, Prompt((CLICK,)))
    for ask in (lambda: session.track(range(3), session.revision), lambda: session.plan_tracking(range(3))):
        with pytest.raises(
            BadPrompt, match="SAM 1 segments pictures and cannot track through a clip: choose a SAM 2 model"
        ):
            ask()
    assert session.stale_frames(range(3)) == ()
    assert [len(found.objects) for found in session.get_masks(range(3))] == [1, 0, 1]


# --- geometry --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(90, 130), (130, 60), (64, 64), (3, 700), (700, 8)])
def test_a_mask_survives_its_way_through_the_padded_input(size: tuple[int, int]) -> None:
    geometry = InputGeometry.padded(256, size)
    rows, columns = np.mgrid[: size[0], : size[1]]
    is_thin = min(size) < 10  # then the mask fills it across
    mask = abs((rows / size[0] if size[0] > 10 else columns / size[1]) - 0.5) < 0.3
    if not is_thin:
        mask &= (rows - size[0] / 2) ** 2 + (columns - size[1] / 2) ** 2 < (0.4 * min(size)) ** 2
    again = full_mask(low_resolution_logits(mask, geometry)[0, 0], geometry).to_array()
    assert again.shape == size
    assert (mask & again).sum() / (mask | again).sum() > 0.95


def test_the_input_is_padded_with_zeros_after_normalizing() -> None:
    geometry = InputGeometry.padded(64, (90, 130))
    image = frame_input(picture(), geometry)
    assert (image.shape, geometry.inner) == ((3, 64, 64), (44, 64))
    assert image[:, 44:].eq(0).all()
    assert image[:, :44].ne(0).any(dim=0).all()
    stored_smaller = frame_input(picture()[::2, ::2], geometry)
    assert stored_smaller[:, 44:].eq(0).all()
    assert geometry.extent == pytest.approx((90 * 64 / 44, 130))
