"""A correction improves neighboring frames: the bundled network tracks a disc behind a static one of the same color,
confuses the two, and gets one correcting click."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch

from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.types import Box, Point, Prompt
from sam2_core.weights import load_network

HEIGHT, WIDTH, FRAMES = 120, 160, 18
RADIUS, OTHER = 17, (70, 68)
CORRECTED, BEFORE, AFTER = 13, range(11, 13), range(14, 18)
ORANGE = (230, 150, 40)


class PassingDisc:
    """A disc moves from left to right behind a static one."""

    def __init__(self) -> None:
        noise = np.random.default_rng(3).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), 6)
        self.background = (cv2.normalize(smooth, None, 40, 150, cv2.NORM_MINMAX)).astype(np.uint8)

    @staticmethod
    def center(frame: int) -> tuple[int, int]:
        return 20 + frame * (WIDTH - 40) // (FRAMES - 1), 52

    def frame(self, frame: int) -> npt.NDArray[np.uint8]:
        pixels = self.background.copy()
        for center in (self.center(frame), OTHER):
            cv2.circle(pixels, center, RADIUS, ORANGE, -1, cv2.LINE_AA)
        return pixels

    def truth(self, frame: int) -> npt.NDArray[np.bool_]:
        disc = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.circle(disc, self.center(frame), RADIUS, 1, -1)
        cv2.circle(disc, OTHER, RADIUS, 0, -1)
        return disc > 0


def mean_iou(session: TrackingSession, clip: PassingDisc, frames: range) -> float:
    found = ((masks.frame, masks.objects[0].mask.to_array()) for masks in session.get_masks(frames))
    return float(np.mean([(m & clip.truth(at)).sum() / (m | clip.truth(at)).sum() for at, m in found]))


@torch.inference_mode()
def test_one_correcting_click_improves_the_frames_around_it() -> None:
    network, clip = load_network("nano").requires_grad_(False), PassingDisc()
    size = ClipSize(FRAMES, HEIGHT, WIDTH)
    session = TrackingSession("s", Segmenter(network), clip, size, FeatureCache(2**29))
    (x, y), corner = clip.center(0), RADIUS + 1
    session.set_prompt(0, 1, Prompt(boxes=(Box(x - corner, y - corner, x + corner, y + corner),)))
    session.track(range(FRAMES), session.revision)
    first = mean_iou(session, clip, BEFORE), mean_iou(session, clip, AFTER)
    assert max(first) < 0.4, "the network tracks this clip without errors: make the discs more alike, or nearer"
    session.set_prompt(CORRECTED, 1, Prompt((Point(*clip.center(CORRECTED)),)))
    for span in session.stale_frames(range(FRAMES)):
        session.track(span.frames, session.revision, span.objects)
    assert mean_iou(session, clip, BEFORE) > first[0] + 0.25
    assert mean_iou(session, clip, AFTER) > first[1] + 0.4
