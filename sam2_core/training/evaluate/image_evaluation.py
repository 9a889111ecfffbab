"""Evaluation on images: one click, correction clicks, and a box, with the official predictors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sam2_core.model.network import SAM2
from sam2_core.model.sam import Network, Sam
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.predictors.sam_predictor import SamPredictor
from sam2_core.training.datasets.dataset import DatasetImage, SkipReport
from sam2_core.training.evaluate.clicks import first_click, next_click, tight_box
from sam2_core.training.evaluate.metrics import Calibration, Scores, iou, outline_f
from sam2_core.training.evaluate.protocol import MAX_OBJECTS, EvaluationImage, evaluation_images
from sam2_core.types import BoolArray, Box, Point, Progress

OWN_PICK, BEST_OF_3, BOX = "click1", "click1_oracle", "box"
IOU_ERROR = "iou_error"
OUTLINES = {"click3_F1": 1, "click3_F2": 2}
"""Scores of the outline after three clicks, by their tolerance in pixels."""

_KEPT_CLICKS = (3, 5)

Logits: TypeAlias = npt.NDArray[Any]
ImagePredictor: TypeAlias = SAM2ImagePredictor | SamPredictor


@dataclass(frozen=True, slots=True)
class ScoredMask:
    """A mask (H, W), its predicted and its true IoU."""

    mask: BoolArray
    predicted: float
    true: float


@dataclass(frozen=True, slots=True, eq=False)
class ObjectResult:
    """The prompts for one object, and the masks after click1, click1_oracle, click3, click5 and box."""

    subject: EvaluationImage
    truth: BoolArray
    clicks: tuple[Point, ...]
    box: Box
    predictions: dict[str, ScoredMask]

    def scores(self) -> dict[str, float]:
        """The true IoU of each mask, the boundary F after three clicks, and the mean error of the predicted IoU over
        the masks that a user would see."""
        errors = [abs(prediction.predicted - prediction.true) for prediction in self.shown().values()]
        outlined = self.predictions["click3"].mask
        return {
            **{name: prediction.true for name, prediction in self.predictions.items()},
            **{name: outline_f(outlined, self.truth, pixels) for name, pixels in OUTLINES.items()},
            IOU_ERROR: float(np.mean(errors)),
        }

    def shown(self) -> dict[str, ScoredMask]:
        """The masks that a user would see: all but the best of three, which depends on the ground truth."""
        return {name: prediction for name, prediction in self.predictions.items() if name != BEST_OF_3}


@dataclass(slots=True)
class ImagesResult:
    """Scores of each object (0..1), calibration of the predicted IoU, and what was skipped."""

    scores: Scores = field(default_factory=Scores)
    calibration: Calibration = field(default_factory=Calibration)
    report: SkipReport = field(default_factory=SkipReport)


def evaluate_images(
    network: Network,
    images: Sequence[DatasetImage],
    max_objects: int = MAX_OBJECTS,
    observe: Callable[[ObjectResult], None] | None = None,
    progress: Progress | None = None,
) -> ImagesResult:
    """Prompt up to `max_objects` objects of each image, the largest first.

    click1: the mask that one click at the center is answered with; click1_oracle: the best of the three candidates,
    without the single mask, which may be a fourth one (see `model.ranked_outputs`); click3, click5: after
    more clicks, each at the center of the largest error; box: the tight box; click3_F1 and click3_F2: boundary F after
    three clicks, within 1 and 2 pixels at a width of 640. What cannot be read is in the report of the result. `observe`
    is called with every result. The network's mode is restored; it runs on its device, in fp32 unless the caller uses
    autocast.
    """
    result = ImagesResult()
    with _evaluation_mode(network):
        predictor: ImagePredictor = SamPredictor(network) if isinstance(network, Sam) else SAM2ImagePredictor(network)
        for subject in evaluation_images(images, result.report, max_objects, progress):
            predictor.set_image(subject.image)
            for truth in subject.truths:
                object_result = _evaluate_object(predictor, subject, truth)
                result.scores.add(subject.source, object_result.scores())
                for prediction in object_result.shown().values():
                    result.calibration.add(prediction.predicted, prediction.true)
                if observe is not None:
                    observe(object_result)
    return result


@contextmanager
def _evaluation_mode(network: Network) -> Iterator[None]:
    """Switch to evaluation mode in this context."""
    before = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(before)


def _evaluate_object(predictor: ImagePredictor, subject: EvaluationImage, truth: BoolArray) -> ObjectResult:
    clicks = [first_click(truth)]
    candidates, logits = _predict(predictor, truth, clicks, multimask=True)
    pick = int(np.argmax([candidate.predicted for candidate in candidates]))
    prediction, previous = candidates[pick], logits[pick : pick + 1]
    if isinstance(predictor.model, SAM2) and predictor.model.config.rank_outputs:
        [prediction], previous = _predict(predictor, truth, clicks)
    best = int(np.argmax([candidate.true for candidate in candidates]))
    predictions = {OWN_PICK: prediction, BEST_OF_3: candidates[best]}
    while len(clicks) < max(_KEPT_CLICKS):
        clicks.append(next_click(prediction.mask, truth))
        [prediction], previous = _predict(predictor, truth, clicks, previous)
        if len(clicks) in _KEPT_CLICKS:
            predictions[f"click{len(clicks)}"] = prediction
    box = tight_box(truth)
    [predictions[BOX]], _ = _predict(predictor, truth, box=box)
    return ObjectResult(subject, truth, tuple(clicks), box, predictions)


def _predict(
    predictor: ImagePredictor,
    truth: BoolArray,
    clicks: Sequence[Point] = (),
    previous: Logits | None = None,
    box: Box | None = None,
    multimask: bool = False,
) -> tuple[list[ScoredMask], Logits]:
    """Three candidates with `multimask`, else one mask; and their low-resolution logits (M, 4H, 4W)."""
    masks, qualities, logits = predictor.predict(
        point_coords=np.array([(click.x, click.y) for click in clicks], np.float32) if clicks else None,
        point_labels=np.array([int(click.positive) for click in clicks]) if clicks else None,
        box=None if box is None else np.array([box.left, box.top, box.right, box.bottom], np.float32),
        mask_input=previous,
        multimask_output=multimask,
    )
    predictions = [
        ScoredMask(mask > 0, float(quality), iou(mask > 0, truth))
        for mask, quality in zip(masks, qualities, strict=True)
    ]
    return predictions, logits
