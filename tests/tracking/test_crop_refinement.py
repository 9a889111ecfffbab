"""Crop refinement: accuracy of the bundled network on a small object, and invariants with random weights."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import torch

from sam2_core.errors import BadPrompt
from sam2_core.tracking.crop_refinement import MIN_SIDE, Window, crop_pixels, cut_off_parts
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.types import BoolArray, Box, FrameMasks, Mask, Point, Prompt
from sam2_core.weights import load_network
from tests.networks import tiny_network

HEIGHT, WIDTH = 480, 640
MIDDLE = (400, 250)
CROP = Box(350, 210, 450, 290)


class StaticClip:
    """The same pixels on every frame; `reads` counts the frames that were read."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.reads = pixels, 0

    def frame(self, frame: int) -> np.ndarray:
        self.reads += 1
        return self.pixels


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


def star(rays: int, outer: float, inner: float) -> BoolArray:
    angles = np.arange(2 * rays) * np.pi / rays
    radii = np.where(np.arange(2 * rays) % 2, inner, outer)
    corners = np.stack([MIDDLE[0] + radii * np.cos(angles), MIDDLE[1] + radii * np.sin(angles)], axis=1)
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(pixels, [np.rint(corners).astype(np.int32)], 1)
    return pixels > 0


def image_of(object_pixels: BoolArray) -> np.ndarray:
    rng = np.random.default_rng(0)
    background = cv2.resize(rng.normal(0, 12, (16, 20, 3)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    pixels = background + np.array([70, 100, 80])
    pixels[object_pixels] = (225, 130, 50)
    return (pixels + rng.normal(0, 5, pixels.shape)).clip(0, 255).astype(np.uint8)


def new_session(pixels: np.ndarray, network: torch.nn.Module | None = None, frames: int = 12) -> TrackingSession:
    size = ClipSize(frames, HEIGHT, WIDTH)
    segmenter = Segmenter(network or tiny_network())
    return TrackingSession("s", segmenter, StaticClip(pixels), size, FeatureCache(2**28))


def mask_of(masks: FrameMasks) -> BoolArray:
    return masks.objects[0].mask.to_array()


def iou(mask: BoolArray, truth: BoolArray) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


@pytest.mark.parametrize(
    "prompt", [Prompt((Point(*MIDDLE),)), Prompt(boxes=(Box(365, 215, 435, 285),))], ids=["click", "box"]
)
def test_a_small_object_is_segmented_more_accurately(prompt: Prompt) -> None:
    truth = star(rays=8, outer=34, inner=15)
    session = new_session(image_of(truth), load_network("nano", None))
    coarse = mask_of(session.set_prompt(0, 1, prompt))
    fine = mask_of(session.set_prompt(0, 1, Prompt(prompt.points, prompt.boxes, crop=CROP)))
    assert iou(fine, truth) > 0.93
    assert iou(fine, truth) > iou(coarse, truth) + 0.1


def star_session() -> TrackingSession:
    return new_session(image_of(star(rays=8, outer=34, inner=15)))


CLICK, REFINED = Prompt((Point(*MIDDLE),)), Prompt((Point(*MIDDLE),), crop=CROP)
INSIDE = Window.of(CROP, HEIGHT, WIDTH).slices


def test_pixels_outside_of_the_crop_do_not_change() -> None:
    session = star_session()
    before, after = mask_of(session.set_prompt(0, 1, CLICK)), mask_of(session.set_prompt(0, 1, REFINED))
    assert (before[INSIDE] != after[INSIDE]).any()
    before[INSIDE] = after[INSIDE] = False
    assert (before == after).all()


def test_what_ends_at_the_edge_of_the_crop_is_cut_off() -> None:
    coarse, finer = np.zeros((2, 40, 60), bool)
    coarse[10:30, 5:55] = True  # through the crop
    coarse[2:4, 2:4] = True  # far from it
    crop = Window(20, 5, 40, 35)
    finer[15:20, 25:30] = True  # within the crop only
    cut_off = cut_off_parts(coarse, finer, crop)
    assert cut_off[10:30, 5:20].all() and cut_off[10:30, 40:55].all()
    assert cut_off.sum() == 20 * 30, "nothing in the crop, and not what lies elsewhere"
    finer[10:30, 20:30] = True  # goes on to the left
    cut_off = cut_off_parts(coarse, finer, crop)
    assert not cut_off[10:30, 5:20].any() and cut_off[10:30, 40:55].all()
    finer[12:30, 20:40] = True
    assert not cut_off_parts(coarse, finer, Window(0, 0, 60, 40)).any()
    assert not cut_off_parts(coarse, finer, crop).any()


def test_the_result_depends_on_the_prompt_alone() -> None:
    session, fresh = star_session(), star_session()
    plain = session.set_prompt(0, 1, CLICK).objects
    refined = session.set_prompt(0, 1, REFINED).objects
    assert fresh.set_prompt(0, 1, REFINED).objects == refined == session.set_prompt(0, 1, REFINED).objects
    assert session.set_prompt(0, 1, CLICK).objects == plain
    assert refined[0].candidates == ()


def test_a_crop_is_encoded_once() -> None:
    session = star_session()
    session.set_prompt(0, 1, REFINED)
    source = session._source
    assert isinstance(source, StaticClip)
    assert source.reads == 2  # the frame as a whole, and the crop
    session.set_prompt(0, 1, Prompt((*REFINED.points, Point(380, 240, positive=False)), crop=CROP))
    session.preview(0, 1, Prompt((*REFINED.points, Point(420, 260)), crop=CROP))
    assert source.reads == 2


def test_points_within_the_crop_refine_it() -> None:
    session = star_session()
    further = (Point(372, 228), Point(430, 270, positive=False))
    plain = mask_of(session.set_prompt(0, 1, Prompt((*CLICK.points, *further))))
    one, both = (mask_of(session.set_prompt(0, 1, Prompt((*CLICK.points, *further[:n]), crop=CROP))) for n in (1, 2))
    assert (one[INSIDE] != both[INSIDE]).any()
    plain[INSIDE] = both[INSIDE] = False
    assert (plain == both).all()


def test_tracking_starts_from_the_refined_mask() -> None:
    plain, refined = star_session(), star_session()
    for session, prompt in ((plain, CLICK), (refined, REFINED)):
        session.set_prompt(0, 1, prompt)
        session.track(range(2), session.revision)
    logits = [session.objects[1].bank.prompted[0].logits for session in (plain, refined)]
    assert not torch.equal(*logits)
    assert torch.equal(logits[0][..., :4, :4], logits[1][..., :4, :4]), "unchanged far from the crop"
    memories = [session.objects[1].bank.prompted[0].memory for session in (plain, refined)]
    assert memories[0] is not None and memories[1] is not None
    assert not torch.equal(memories[0], memories[1])


def test_a_tracked_frame_is_refined_without_a_point() -> None:
    session = star_session()
    session.set_prompt(0, 1, CLICK)
    tracked = mask_of(session.track(range(6), session.revision)[5])
    refined = mask_of(session.set_prompt(5, 1, Prompt(crop=CROP)))
    assert (tracked[INSIDE] != refined[INSIDE]).any()
    tracked[INSIDE] = refined[INSIDE] = False
    assert (tracked == refined).all()
    assert mask_of(session.track(range(4, 7), session.revision)[1])[INSIDE].any()
    uncovered = session.set_prompt(5, 1, Prompt()).objects[0]
    below = session.objects[1].history.latest(5)
    assert below is not None
    assert uncovered == below.unpack(1)


def test_a_crop_without_a_mask_is_refused() -> None:
    session = star_session()
    with pytest.raises(BadPrompt, match="Click on the thing first"):
        session.set_prompt(0, 1, Prompt(crop=CROP))
    assert session.objects == {}


def test_a_crop_without_the_object_changes_nothing() -> None:
    corner = np.zeros((HEIGHT, WIDTH), bool)
    corner[:40, :40] = True
    given, far = Mask.from_array(corner), Box(500, 400, 600, 470)
    session = star_session()
    plain = session.set_prompt(0, 1, Prompt(mask=given)).objects
    assert session.set_prompt(0, 1, Prompt(mask=given, crop=far)).objects == plain


@pytest.mark.parametrize(
    "crop", [Box(5, 5, 5, 9), Box(9, 5, 5, 9), Box(-1, 0, 9, 9), Box(0, 0, WIDTH + 1, 9), Box(0, 0, float("nan"), 9)]
)
def test_a_crop_outside_of_the_frame_is_refused(crop: Box) -> None:
    with pytest.raises(BadPrompt):
        star_session().set_prompt(0, 1, Prompt(CLICK.points, crop=crop))


def test_a_window_has_whole_pixels_and_a_margin() -> None:
    part = Window.of(Box(100.4, 50.6, 180.2, 90.5), HEIGHT, WIDTH)
    assert part == Window(100, 51, 180, 90)
    assert part.with_margin(HEIGHT, WIDTH) == Window(90, 46, 190, 95)
    assert Window.of(Box(639.8, 479.9, 640, 480), HEIGHT, WIDTH).size == (1, 1)
    assert min(Window(300, 200, 302, 203).with_margin(HEIGHT, WIDTH).size) >= MIN_SIDE
    assert Window(0, 0, WIDTH, HEIGHT).with_margin(HEIGHT, WIDTH) == Window(0, 0, WIDTH, HEIGHT)


def test_a_smaller_stored_frame_is_cropped_at_the_same_position() -> None:
    stored = np.zeros((HEIGHT // 2, WIDTH // 2, 3), np.uint8)
    stored[100:120, 150:200] = 255
    assert crop_pixels(stored, Window(300, 200, 400, 240), HEIGHT, WIDTH).shape == (20, 50, 3)
    assert (crop_pixels(stored, Window(300, 200, 400, 240), HEIGHT, WIDTH) == 255).all()


def test_in_an_album_the_margin_ends_with_the_image() -> None:
    size, pixels = ClipSize(2, HEIGHT, WIDTH, ((HEIGHT, WIDTH), (200, 300))), image_of(star(8, 34, 15))
    session = TrackingSession("s", Segmenter(tiny_network()), StaticClip(pixels), size, FeatureCache(2**28))
    (found,) = session.set_prompt(1, 1, Prompt((Point(270, 170),), crop=Box(240, 140, 300, 200))).objects
    assert (found.mask.height, found.mask.width) == (200, 300)
    assert ("s", 1, Window(232, 132, 300, 200)) in session._cache
