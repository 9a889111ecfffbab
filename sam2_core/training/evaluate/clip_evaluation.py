"""Clips: the first frame's masks, or one click on each object there, followed by `SAM2VideoPredictor`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import frame_to_input
from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from sam2_core.predictors.video_state import VideoState
from sam2_core.tracking.memory_bank import MemoryRules
from sam2_core.training.datasets.dataset import BadSample, Clip, SkipReport
from sam2_core.training.datasets.files import SIZE_MISMATCH
from sam2_core.training.evaluate.clicks import first_click
from sam2_core.training.evaluate.metrics import Scores, TrackScore
from sam2_core.training.evaluate.protocol import ClipStart, clip_start, ground_truth
from sam2_core.types import BoolArray, Progress

MODES = ("mask", "click")
"""What is said on the first annotated frame."""

_FEATURE_CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """An annotated frame of a clip: what was predicted and what is true, by object; `number` counts the clips."""

    number: int
    clip: Clip
    mode: str
    frame: int
    start: ClipStart
    predicted: dict[int, BoolArray]
    truths: dict[int, BoolArray]


@dataclass(slots=True)
class ClipsResult:
    """Scores of each clip (0..1), and what was left out."""

    scores: Scores = field(default_factory=Scores)
    report: SkipReport = field(default_factory=SkipReport)


def evaluate_clips(
    network: SAM2,
    clips: Sequence[Clip],
    observe: Callable[[TrackedFrame], None] | None = None,
    progress: Progress | None = None,
) -> ClipsResult:
    """Prompt all objects of each clip on its first annotated frame and follow them to the last one.

    mask_J, mask_F, mask_J&F: after the true masks; click_J, click_F, click_J&F: after one click on each. A clip's
    score is the mean over its objects and other annotated frames. What is bad about the data stands in the result's
    report. `observe` gets every annotated frame from the first on.
    """
    result = ClipsResult()
    predictor = as_video_predictor(network)
    for number, clip in enumerate(clips):
        if progress is not None:
            progress(number / len(clips), clip.name)
        with _reporting(clip, result.report):
            start = clip_start(clip)
            values: dict[str, float] = {}
            for mode in MODES:
                values |= _evaluate_mode(predictor, number, clip, mode, start, observe).means(mode)
            result.scores.add(clip.source, values)
    if progress is not None and clips:
        progress(1.0, "")
    return result


@contextmanager
def _reporting(clip: Clip, report: SkipReport) -> Iterator[None]:
    try:
        yield
    except BadSample as error:
        report.skip(clip.name, str(error))


def as_video_predictor(network: SAM2) -> SAM2VideoPredictor:
    """The official video predictor around the weights of a network, which it shares, where they are."""
    with torch.device("meta"):
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
    """The masks (H, W) of all objects on each annotated frame, from the start to the last one."""
    frames = _ClipFrames(clip, start)
    rules = MemoryRules(predictor.config.memory_slots, predictor.config.max_pointers)
    state = VideoState(frames, rules, predictor.device, _FEATURE_CACHE_BYTES)
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
    """A clip of a data set as the video predictor reads frames. They must all have the size of the first masks."""

    def __init__(self, clip: Clip, start: ClipStart) -> None:
        self._clip = clip
        self.height, self.width = next(iter(start.objects.values())).shape

    def __len__(self) -> int:
        return len(self._clip)

    def read(self, index: int, size: int) -> Tensor:
        """Frame `index` as network input (3, size, size); raises `BadSample`."""
        pixels = self._clip.frame(index)
        if pixels.shape[:2] != (self.height, self.width):
            raise BadSample(SIZE_MISMATCH)
        return frame_to_input(Image.fromarray(pixels), size)
