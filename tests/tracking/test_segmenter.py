"""Several objects at once get the answers that each gets alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sam2_core.model.network import ImageFeatures
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.segmenter import Segmenter, Trace
from tests.networks import tiny_network

SEGMENTER = Segmenter(tiny_network())
GENERATOR = torch.Generator().manual_seed(2)
FRAMES = torch.randn(2, 2, 3, 64, 64, generator=GENERATOR)  # frame, object: each object in a picture of its own
POINTS = torch.tensor([[[20.0, 30.0]], [[40.0, 12.0]]]), torch.ones(2, 1, dtype=torch.int32)
BOXES = torch.tensor([[[5.0, 8.0], [30.0, 40.0]], [[20.0, 3.0], [60.0, 33.0]]]), torch.tensor([[2, 3]] * 2)
MASKS = torch.zeros(2, 1, 64, 64)
MASKS[0, 0, 10:40, 5:30] = 1  # and nothing for the second object

Answer = Callable[[ImageFeatures, slice], Trace]


def by_points(features: ImageFeatures, which: slice) -> Trace:
    return SEGMENTER.from_prompt(features, (POINTS[0][which], POINTS[1][which]), None, None)


def by_box(features: ImageFeatures, which: slice) -> Trace:
    return SEGMENTER.from_prompt(features, (BOXES[0][which], BOXES[1][which]), None, None)


def by_mask(features: ImageFeatures, which: slice) -> Trace:
    return SEGMENTER.from_mask(features, MASKS[which])


def features_of(frame: int, which: slice) -> ImageFeatures:
    return tiny_network().encode_image(FRAMES[frame, which])


def run(answer: Answer, which: slice) -> list[Trace]:
    """Prompt on the first frame, track onto the second, correct there."""
    first = features_of(0, which)
    prompted = SEGMENTER.memorise(first, answer(first, which), prompted=True)
    bank = MemoryBank(MemoryRules(), {0: prompted})
    recall = bank.recall(1, reverse=False, frames=2)
    second = features_of(1, which)
    tracked = SEGMENTER.track(second, recall)
    points = POINTS[0][which], POINTS[1][which]
    return [prompted, tracked, SEGMENTER.from_prompt(second, points, tracked.logits, recall)]


@pytest.mark.parametrize("answer", [by_points, by_box, by_mask])
def test_a_batch_of_two_is_the_same_as_one_by_one(answer: Answer) -> None:
    with torch.inference_mode():
        together = run(answer, slice(0, 2))
        alone = [run(answer, slice(at, at + 1)) for at in range(2)]
    for at, trace in enumerate(together):
        for name in (
            "logits",
            "pointer",
            "object_score",
            "predicted_iou",
            "memory",
            "candidates",
            "candidate_predicted_iou",
        ):
            both = getattr(trace, name)
            singles = [getattr(traces[at], name) for traces in alone]
            if both is None:
                assert singles == [None, None]
                continue
            expected = torch.cat(singles)
            assert both.shape == expected.shape
            tolerance = 0.05 if name == "memory" or at else 1e-4  # memories are rounded to bfloat16
            assert torch.allclose(both.float(), expected.float(), atol=tolerance, rtol=tolerance), (at, name)


def test_the_objects_of_a_batch_differ() -> None:
    with torch.inference_mode():
        for trace in run(by_points, slice(0, 2)):
            assert not torch.allclose(trace.logits[0], trace.logits[1], atol=0.1)


def test_an_empty_mask_among_others_is_an_absent_object() -> None:
    with torch.inference_mode():
        trace = by_mask(features_of(0, slice(0, 2)), slice(0, 2))
    assert trace.object_score.flatten().tolist() == [10, -10]
    assert torch.equal(trace.pointer[1], tiny_network().no_obj_ptr[0])
    assert (trace.logits[0] > 0).any()
    assert not (trace.logits[1] > 0).any()


def test_masks_of_absent_objects_vanish_unless_they_are_still_learned() -> None:
    network = tiny_network()
    score = network.sam_mask_decoder.pred_obj_score_head.layers[-1].bias
    before = score.clone()
    score.fill_(-50.0)
    try:
        with torch.inference_mode():
            features = features_of(0, slice(0, 2))
            points = POINTS
            hidden = Segmenter(network).from_prompt(features, points, None, None)
            shown = Segmenter(network, hide_absent=False).from_prompt(features, points, None, None)
    finally:
        score.copy_(before)
    assert (hidden.object_score < 0).all()
    assert (hidden.logits == -1024).all()
    assert (shown.logits > -1024).all()
