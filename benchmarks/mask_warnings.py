"""How well the warnings about tracked masks find wrong ones, and what the words good, check and poor are worth.

    python -m benchmarks.mask_warnings ../shared/data/eval [--model nano] [--device cpu] [--clips 3] [--pictures 20]

Clips of a data set (see `sam2_core.training.datasets`) and the example clips with their true masks are tracked in a
session, each from its first annotated frame, once by a click (and more of them while its mask there has an IoU below
0.8, at most 5) and once by the true mask. Prompts whose mask has an IoU below 0.7 are left out: what the user meant is
unclear then. A frame is wrong if its mask has an IoU below 0.5. `alarms` is the share of the other frames with a
warning that is worth a look, and `alarms on good` that of the frames with an IoU of at least 0.75: masks in between are
neither good nor wrong.

`before` are the checks of the page that preceded these: object score, predicted IoU, and the area against the median of
three frames. Thresholds were chosen on every second clip, in the order of their names, and on the examples ("choose");
the other clips are reported apart.

Of pictures each object is prompted by one to three clicks and by a box. `good` should mean an IoU of at least 0.8 in 9
of 10 cases.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, islice
from pathlib import Path

import cv2
import numpy as np
import torch

from sam2_core.media.info import RgbArray
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.training.datasets.dataset import Dataset
from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.evaluate.clicks import first_click, next_click, tight_box
from sam2_core.training.evaluate.metrics import iou
from sam2_core.training.evaluate.protocol import evaluation_images
from sam2_core.types import RATINGS, WORTH_A_LOOK, BoolArray, Mask, ObjectMask, Point, Prompt
from sam2_core.weights import load_network

EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"
SCENES = ("crossing_fish", "returning_kite", "rolling_ball")
WRONG, GOOD, RATED_GOOD = 0.5, 0.75, 0.8  # IoU
MIN_PROMPTED_IOU, ENOUGH_IOU, MAX_CLICKS = 0.7, 0.8, 5
FEATURE_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class MaskedClip:
    """A clip with the true masks (H, W) of one object by frame."""

    name: str
    frames: Sequence[RgbArray]
    truths: Mapping[int, BoolArray]
    is_example: bool = False

    def frame(self, frame: int) -> RgbArray:
        """See `FrameSource`."""
        return self.frames[frame]


@dataclass(frozen=True, slots=True)
class CheckedFrame:
    """A tracked mask, its true IoU, and whether the former checks of the page warned of it."""

    found: ObjectMask
    iou: float
    warned_before: bool

    @property
    def is_warned(self) -> bool:
        """Whether a warning is worth a look."""
        return any(each.score >= WORTH_A_LOOK for each in self.found.warnings or ())


def dataset_clips(dataset: Dataset, limit: int | None) -> Iterator[MaskedClip]:
    """Each object that is seen on the first annotated frame of a clip."""
    for clip in sorted(dataset.clips, key=lambda clip: clip.name)[:limit]:
        frames = [np.ascontiguousarray(clip.frame(at)) for at in range(len(clip))]
        masks = {at: clip.masks(at) for at in clip.annotated}
        for number, mask in masks[clip.annotated[0]].items():
            nothing = np.zeros_like(mask)
            truths = {at: each.get(number, nothing) for at, each in masks.items()}
            yield MaskedClip(f"{clip.name} {number}", frames, truths)


def example_clips() -> Iterator[MaskedClip]:
    """Each object of the example clips."""
    sys.path.insert(0, str(EXAMPLES))
    true_masks = import_module("make_examples").true_masks
    for scene in SCENES:
        masks = list(true_masks(getattr(import_module(scene), f"{scene}_masks")()))
        frames = list(_decode(EXAMPLES / f"{scene}.mp4"))
        for number in range(len(masks[0])):
            truths = {at: each[number] for at, each in enumerate(masks)}
            yield MaskedClip(f"{scene} {number + 1}", frames, truths, is_example=True)


def _decode(path: Path) -> Iterator[RgbArray]:
    capture = cv2.VideoCapture(str(path))
    success, picture = capture.read()
    while success:
        yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        success, picture = capture.read()
    capture.release()


def track(clip: MaskedClip, segmenter: Segmenter, cache: FeatureCache) -> Iterator[list[CheckedFrame]]:
    """What was found after each kind of prompt, on the annotated frames after it."""
    height, width = clip.frames[0].shape[:2]
    start = min(at for at, mask in clip.truths.items() if mask.any())
    truth = clip.truths[start]
    for kind in ("click", "mask"):
        session = TrackingSession(clip.name, segmenter, clip, ClipSize(len(clip.frames), height, width), cache)
        prompts = [Prompt(mask=Mask.from_array(truth))] if kind == "mask" else None
        *_, found = prompted_masks(session, start, 1, truth, prompts)
        if iou(found.mask.to_array(), truth) >= MIN_PROMPTED_IOU:
            yield list(tracked_frames(session, clip, start))


def prompted_masks(
    session: TrackingSession, frame: int, object_id: int, truth: BoolArray, prompts: Sequence[Prompt] | None = None
) -> Iterator[ObjectMask]:
    """The masks of these prompts, or of more and more clicks until they are good enough."""
    for prompt in prompts or ():
        yield session.set_prompt(frame, object_id, prompt).objects[0]
    if prompts:
        return
    clicks: list[Point] = [first_click(truth)]
    while True:
        found = session.set_prompt(frame, object_id, Prompt(tuple(clicks))).objects[0]
        yield found
        mask = found.mask.to_array()
        if len(clicks) == MAX_CLICKS or iou(mask, truth) >= ENOUGH_IOU:
            return
        clicks.append(next_click(mask, truth))


def tracked_frames(session: TrackingSession, clip: MaskedClip, start: int) -> Iterator[CheckedFrame]:
    """The annotated frames after the prompted one."""
    areas: list[int] = []  # the nearest first
    for frame in range(start + 1, len(clip.frames)):
        found = session.track(range(frame, frame + 1), session.revision)[0].objects[0]
        if frame in clip.truths:
            true_iou = iou(found.mask.to_array(), clip.truths[frame])
            yield CheckedFrame(found, true_iou, warned_before(found, areas[:3]))
        areas.insert(0, found.mask.area)


def warned_before(found: ObjectMask, areas: Sequence[int]) -> bool:
    """The former rule of the page, by the areas on the frames before."""
    area, pixels = found.mask.area, found.mask.height * found.mask.width
    if not area:
        return True
    known = [each for each in areas if each]
    usual = (sorted(known)[1] if len(known) == 3 else known[0]) if known else area
    jump = abs(math.log((area + pixels / 5000) / (usual + pixels / 5000)))
    return (
        found.predicted_iou <= 0.6
        or found.object_score <= 0
        or jump >= (math.log(1.4) + math.log(3.2)) / 2
        or area / pixels >= 0.825
    )


def report_warnings(name: str, frames: Sequence[CheckedFrame]) -> None:
    """One row for the former checks and one for these."""
    wrong = [each for each in frames if each.iou < WRONG]
    others = [each for each in frames if each.iou >= WRONG]
    good = [each for each in frames if each.iou >= GOOD]
    rules: dict[str, Callable[[CheckedFrame], bool]] = {
        "before": lambda each: each.warned_before,
        "after": lambda each: each.is_warned,
    }
    for label, rule in rules.items():
        shares = "".join(f"{_share(map(rule, group)):>16}" for group in (wrong, others, good))
        print(f"{name:<22}{label:<8}{len(frames):>7}{len(wrong):>7}{shares}")


def _share(values: Iterable[bool]) -> str:
    known = list(values)
    return f"{100 * sum(known) / len(known):.1f} %" if known else "-"


def report_ratings(name: str, rated: Sequence[tuple[ObjectMask, float]]) -> None:
    """What the three words are worth: masks, those with an IoU of at least 0.8, and wrong ones."""
    for word in RATINGS:
        ious = [each for found, each in rated if found.rating == word]
        good, wrong = (_share(each >= RATED_GOOD for each in ious), _share(each < WRONG for each in ious))
        print(f"{name:<22}{word:<8}{len(ious):>7}{good:>16}{wrong:>16}")


def prompted_pictures(dataset: Dataset, segmenter: Segmenter, limit: int | None) -> Iterator[tuple[ObjectMask, float]]:
    """The masks of one to three clicks and of a box for each object of the pictures, with their IoUs."""
    for subject in evaluation_images(dataset.images[:limit], dataset.report):
        height, width = subject.image.shape[:2]
        picture = MaskedClip(subject.name, [subject.image], {})
        cache = FeatureCache(FEATURE_BYTES)
        session = TrackingSession(subject.name, segmenter, picture, ClipSize(1, height, width), cache)
        for number, truth in enumerate(subject.truths, start=1):
            clicked = islice(prompted_masks(session, 0, number, truth), 3)
            boxed = prompted_masks(session, 0, number, truth, [Prompt(boxes=(tight_box(truth),))])
            yield from ((found, iou(found.mask.to_array(), truth)) for found in chain(clicked, boxed))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="nano", help="a name, or a file of weights")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clips", type=int, help="of the data set; left out: all")
    parser.add_argument("--pictures", type=int, help="left out: all")
    arguments = parser.parse_args()
    network = load_network(arguments.model).requires_grad_(False).to(arguments.device).eval()
    segmenter, dataset = Segmenter(network), open_dataset(arguments.data)
    with torch.inference_mode():
        measure_clips(segmenter, dataset, arguments.clips)
        rated = list(prompted_pictures(dataset, segmenter, arguments.pictures))
        report_ratings("pictures", rated)


def measure_clips(segmenter: Segmenter, dataset: Dataset, limit: int | None) -> None:
    """Print the tables of the clips."""
    parts: dict[str, list[CheckedFrame]] = {"choose": [], "report": []}
    print(f"{'clip':<22}{'checks':<8}{'frames':>7}{'wrong':>7}{'recall':>16}{'alarms':>16}{'alarms on good':>16}")
    for place, clip in enumerate(chain(dataset_clips(dataset, limit), example_clips())):
        cache = FeatureCache(FEATURE_BYTES)
        frames = [each for run in track(clip, segmenter, cache) for each in run]
        report_warnings(clip.name, frames)
        parts["choose" if clip.is_example or place % 2 == 0 else "report"] += frames
    for name, frames in parts.items():
        report_warnings(name, frames)
    print(f"\n{'masks':<22}{'word':<8}{'number':>7}{'IoU >= 0.8':>16}{'IoU < 0.5':>16}")
    for name, frames in parts.items():
        report_ratings(f"tracked, {name}", [(each.found, each.iou) for each in frames if each.found.mask.area])


if __name__ == "__main__":
    main()
