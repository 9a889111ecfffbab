from __future__ import annotations

import numpy as np
import pytest

from sam2_core.training.datasets.dataset import BadSample, Labelled, Report
from sam2_core.training.evaluate.protocol import NO_GOAL, NO_START, TOO_SMALL, start_of, subjects, truths_on
from tests.training.datasets.tiny import skipped
from tests.training.evaluate.scenes import HEIGHT, WIDTH, Reel, Still, moving, rectangle

LARGE, MIDDLE, SMALL = rectangle(0, 0, 20, 20), rectangle(30, 30, 40, 40), rectangle(0, 40, 4, 44)
TINY = rectangle(20, 60, 23, 65)  # 15 of 3072 pixels are 0.49 %
NOTHING = np.zeros((HEIGHT, WIDTH), np.bool_)


def test_the_largest_objects_come_first_and_tiny_ones_never() -> None:
    [subject] = subjects([Still("x", (SMALL, TINY, LARGE, MIDDLE))], Report())
    assert [int(mask.sum()) for mask in subject.truths] == [400, 100, 16]


def test_the_number_of_objects_is_limited() -> None:
    many = tuple(rectangle(0, 5 * place, 5 + place, 5 * place + 5) for place in range(9))
    [subject] = subjects([Still("x", many)], Report())
    assert [int(mask.sum()) for mask in subject.truths] == [65, 60, 55, 50, 45, 40]
    [subject] = subjects([Still("x", many)], Report(), objects_per_picture=1)
    assert [int(mask.sum()) for mask in subject.truths] == [65]


def test_what_cannot_be_measured_on_is_reported() -> None:
    report, seen = Report(), []
    pictures = [Still("bare", ()), Still("specks", (TINY,)), Still("torn", (), fault="torn"), Still("good", (LARGE,))]
    found = list(subjects(pictures, report, progress=lambda done, text: seen.append((done, text))))
    assert [subject.name for subject in found] == ["good"]
    assert found[0].number == 3
    assert skipped(report) == {"picture without a mask": ["bare"], TOO_SMALL: ["specks"], "torn": ["torn"]}
    assert seen == [(0.0, "bare"), (0.25, "specks"), (0.5, "torn"), (0.75, "good"), (1.0, "")]


def test_a_clip_begins_where_an_object_is_seen_first() -> None:
    reel = moving(4)
    labels = {0: {1: NOTHING}, 1: {2: SMALL, 1: LARGE, 3: NOTHING}, 3: {1: LARGE}}
    start = start_of(Reel("x", reel.frames, labels))
    assert (start.frame, list(start.objects), start.goals) == (1, [1, 2], (3,))


@pytest.mark.parametrize(
    ("labels", "reason"), [({}, NO_START), ({0: {}, 2: {1: NOTHING}}, NO_START), ({2: {1: LARGE}}, NO_GOAL)]
)
def test_a_clip_without_beginning_or_end_is_refused(labels: dict[int, dict[int, np.ndarray]], reason: str) -> None:
    with pytest.raises(BadSample, match=reason):
        start_of(Reel("x", moving(4).frames, labels))


def test_objects_out_of_sight_have_empty_masks_and_new_ones_do_not_count() -> None:
    labels = {0: {1: LARGE, 2: SMALL}, 1: {2: MIDDLE, 3: LARGE}}
    reel = Reel("x", moving(2).frames, labels)
    truths = truths_on(reel, 1, start_of(reel))
    assert {number: int(mask.sum()) for number, mask in truths.items()} == {1: 0, 2: 100}


def test_masks_of_another_size_are_refused() -> None:
    reel = Reel("x", moving(2).frames, {0: {1: LARGE}, 1: {1: np.ones((4, 4), np.bool_)}})
    with pytest.raises(BadSample, match="different sizes"):
        truths_on(reel, 1, start_of(reel))


def test_a_picture_whose_masks_do_not_fit_is_reported() -> None:
    report = Report()

    class Misfit(Still):
        def read(self) -> Labelled:
            return Labelled(np.zeros((8, 9, 3), np.uint8), (np.ones((9, 8), np.bool_),), ("",))

    assert not list(subjects([Misfit("x", ())], report))
    assert skipped(report) == {"picture and labels of different sizes": ["x"]}
