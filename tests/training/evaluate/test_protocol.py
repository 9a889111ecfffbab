from __future__ import annotations

import numpy as np
import pytest

from sam2_core.training.datasets.dataset import BadSample, LabeledImage, SkipReport
from sam2_core.training.evaluate.protocol import (
    NO_LATER_FRAME,
    NO_START,
    TOO_SMALL,
    clip_start,
    evaluation_images,
    ground_truth,
    named_part,
)
from tests.training.datasets.tiny import skipped
from tests.training.evaluate.scenes import HEIGHT, WIDTH, MemoryClip, MemoryImage, moving, rectangle

LARGE, MIDDLE, SMALL = rectangle(0, 0, 20, 20), rectangle(30, 30, 40, 40), rectangle(0, 40, 4, 44)
TINY = rectangle(20, 60, 23, 65)  # 15 of 3072 pixels are 0.49 %
NOTHING = np.zeros((HEIGHT, WIDTH), np.bool_)


def test_the_largest_objects_come_first_and_tiny_ones_never() -> None:
    [subject] = evaluation_images([MemoryImage("x", (SMALL, TINY, LARGE, MIDDLE))], SkipReport())
    assert [int(mask.sum()) for mask in subject.truths] == [400, 100, 16]


def test_the_number_of_objects_is_limited() -> None:
    many = tuple(rectangle(0, 5 * place, 5 + place, 5 * place + 5) for place in range(9))
    [subject] = evaluation_images([MemoryImage("x", many)], SkipReport())
    assert [int(mask.sum()) for mask in subject.truths] == [65, 60, 55, 50, 45, 40]
    [subject] = evaluation_images([MemoryImage("x", many)], SkipReport(), max_objects=1)
    assert [int(mask.sum()) for mask in subject.truths] == [65]


def test_what_cannot_be_measured_on_is_reported() -> None:
    report, seen = SkipReport(), []
    images = [
        MemoryImage("bare", ()),
        MemoryImage("specks", (TINY,)),
        MemoryImage("torn", (), fault="torn"),
        MemoryImage("good", (LARGE,)),
    ]
    found = list(evaluation_images(images, report, progress=lambda done, text: seen.append((done, text))))
    assert [subject.name for subject in found] == ["good"]
    assert found[0].number == 3
    assert skipped(report) == {"picture without a mask": ["bare"], TOO_SMALL: ["specks"], "torn": ["torn"]}
    assert seen == [(0.0, "bare"), (0.25, "specks"), (0.5, "torn"), (0.75, "good"), (1.0, "")]


def test_a_clip_begins_where_an_object_is_seen_first() -> None:
    clip = moving(4)
    labels = {0: {1: NOTHING}, 1: {2: SMALL, 1: LARGE, 3: NOTHING}, 3: {1: LARGE}}
    start = clip_start(MemoryClip("x", clip.frames, labels))
    assert (start.frame, list(start.objects), start.later_frames) == (1, [1, 2], (3,))


@pytest.mark.parametrize(
    ("labels", "reason"), [({}, NO_START), ({0: {}, 2: {1: NOTHING}}, NO_START), ({2: {1: LARGE}}, NO_LATER_FRAME)]
)
def test_a_clip_without_beginning_or_end_is_refused(labels: dict[int, dict[int, np.ndarray]], reason: str) -> None:
    with pytest.raises(BadSample, match=reason):
        clip_start(MemoryClip("x", moving(4).frames, labels))


def test_objects_out_of_sight_have_empty_masks_and_new_ones_do_not_count() -> None:
    labels = {0: {1: LARGE, 2: SMALL}, 1: {2: MIDDLE, 3: LARGE}}
    clip = MemoryClip("x", moving(2).frames, labels)
    truths = ground_truth(clip, 1, clip_start(clip))
    assert {number: int(mask.sum()) for number, mask in truths.items()} == {1: 0, 2: 100}


def test_masks_of_another_size_are_refused() -> None:
    clip = MemoryClip("x", moving(2).frames, {0: {1: LARGE}, 1: {1: np.ones((4, 4), np.bool_)}})
    with pytest.raises(BadSample, match="different sizes"):
        ground_truth(clip, 1, clip_start(clip))


def test_a_image_whose_masks_do_not_fit_is_reported() -> None:
    report = SkipReport()

    class Misfit(MemoryImage):
        def read(self) -> LabeledImage:
            return LabeledImage(np.zeros((8, 9, 3), np.uint8), (np.ones((9, 8), np.bool_),), ("",))

    assert not list(evaluation_images([Misfit("x", ())], report))
    assert skipped(report) == {"picture and labels of different sizes": ["x"]}


def test_what_is_chosen_by_is_never_reported() -> None:
    images = [MemoryImage(f"picture {number}", (LARGE,)) for number in range(12)]
    choice = named_part(images, "choice", 4)
    report = named_part(images, "report", 4)
    assert [picture for picture in images if picture not in choice] == report
    assert len(choice) == 4
    assert {picture.name for picture in named_part(images[::-1], "choice", 4)} == {each.name for each in choice}
    assert (named_part(images, "choice", 20), named_part(images, "report", 20)) == (images, [])
