"""Evaluation on clips: objects are prompted on the first frame by mask or click and tracked by `SAM2VideoPredictor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from torch import Tensor

from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import frame_to_input
from sam2_core.predictors.clip_images import ClipImages
from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from sam2_core.predictors.video_state import VideoState
from sam2_core.training.datasets.dataset import BadSample, Clip, SkipReport
from sam2_core.training.datasets.files import SIZE_MISMATCH
from sam2_core.training.evaluate.clicks import first_click
from sam2_core.training.evaluate.metrics import Scores, TrackScore
from sam2_core.training.evaluate.protocol import ClipStart, clip_start, ground_truth, with_progress
from sam2_core.types import BoolArray, Progress
from sam2_core.weights import without_values

MODES = ("mask", "click")
"""The prompt on the first annotated frame."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """An annotated frame of a clip: predicted and true masks by object; `number` is the clip's place among all."""

    number: int
    clip: Clip
    mode: str
    frame: int
    start: ClipStart
    predicted: dict[int, BoolArray]
    truths: dict[int, BoolArray]


@dataclass(slots=True)
class ClipsResult:
    """Scores of each clip (0..1), and what was skipped."""

    scores: Scores = field(default_factory=Scores)
    report: SkipReport = field(default_factory=SkipReport)


def evaluate_clips(
    network: SAM2,
    clips: Sequence[Clip],
    observe: Callable[[TrackedFrame], None] | None = None,
    progress: Progress | None = None,
) -> ClipsResult:
    """Prompt all objects of each clip on its first annotated frame and track them to the last one.

    mask_J, mask_F, mask_J&F: from their true masks; click_J, click_F, click_J&F: from one click on each. The score of
    a clip is the mean over objects and later annotated frames. What cannot be read is in the report of the result.
    `observe` is called with every annotated frame, beginning with the prompted one.
    """
    result = ClipsResult()
    predictor = as_video_predictor(network)
    for number, clip in with_progress(clips, progress):
        with result.report.skipping(clip.name):
            start = clip_start(clip)
            values: dict[str, float] = {}
            for mode in MODES:
                values |= _evaluate_mode(predictor, number, clip, mode, start, observe).means(mode)
            result.scores.add(clip.source, values)
    return result


def as_video_predictor(network: SAM2) -> SAM2VideoPredictor:
    """The official video predictor with the weights of a network, which are shared, on the device of that network."""
    with without_values():
        predictor = SAM2VideoPredictor(network.config)
    predictor.load_state_dict(network.state_dict(), assign=True)
    predictor.sam_mask_decoder.stability_fallback = network.sam_mask_decoder.stability_fallback
    return predictor.to(network.device).eval()


def _evaluate_mode(
    predictor: SAM2VideoPredictor,
    number: int,
    clip: Clip,
    mode: str,
    start: ClipStart,
    observe: Callable[[TrackedFrame], None] | None,
) -> TrackScore:
    score = TrackScore()
    for frame, predicted in _propagate(predictor, clip, mode, start):
        truths = ground_truth(clip, frame, start)
        if frame != start.frame:
            for each, truth in truths.items():
                score.add(predicted[each], truth)
        if observe is not None:
            observe(TrackedFrame(number, clip, mode, frame, start, predicted, truths))
    return score


def _propagate(
    predictor: SAM2VideoPredictor, clip: Clip, mode: str, start: ClipStart
) -> Iterator[tuple[int, dict[int, BoolArray]]]:
    """(frame, masks (H, W) by object) of each annotated frame, beginning with the prompted one."""
    frames = _ClipFrames(clip, start)
    images = ClipImages.of(frames, predictor.image_size, predictor.device)
    state = VideoState.of(images, frames.height, frames.width, predictor.device)
    for each, truth in start.objects.items():
        if mode == "mask":
            predictor.add_new_mask(state, start.frame, each, truth)
        else:
            click = first_click(truth)
            place, label = np.array([(click.x, click.y)], np.float32), np.array([1], np.int32)
            predictor.add_new_points_or_box(state, start.frame, each, points=place, labels=label)
    wanted = {start.frame, *start.later_frames}
    reach = max(wanted) - start.frame
    for frame, numbers, logits in predictor.propagate_in_video(state, max_frame_num_to_track=reach):
        if frame in wanted:
            masks = (logits[:, 0] > 0).cpu().numpy()
            yield frame, dict(zip(numbers, masks, strict=True))


class _ClipFrames:
    """Frames of a clip for the video predictor. They must all have the size of the first masks."""

    def __init__(self, clip: Clip, start: ClipStart) -> None:
        self._clip = clip
        self.height, self.width = next(iter(start.objects.values())).shape

    def __len__(self) -> int:
        return len(self._clip)

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size). Raises `BadSample`."""
        pixels = self._clip.frame(index)
        if pixels.shape[:2] != (self.height, self.width):
            raise BadSample(SIZE_MISMATCH)
        return frame_to_input(Image.fromarray(pixels), size)
