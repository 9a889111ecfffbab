"""Networks with `rank_outputs`: of all four outputs the one with the best predicted IoU answers clicks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction
from sam2_core.model.network import SAM2
from sam2_core.model.ranked_outputs import best_of_all, candidates_and_single
from sam2_core.networks import NETWORKS, network_config
from sam2_core.tracking.memory_bank import MemorySelection
from sam2_core.tracking.segmenter import Segmenter
from tests.networks import TINY

CLICKS = torch.tensor([[[20.0, 30.0], [41.0, 50.0], [50.0, 9.0]]])  # in pixels of the input


@pytest.fixture
def network() -> SAM2:
    torch.manual_seed(0)
    return SAM2(replace(TINY, rank_outputs=True)).eval()


def without_ranking(network: SAM2) -> SAM2:
    plain = SAM2(TINY).train(network.training)
    plain.load_state_dict(network.state_dict())
    return plain


def points_of(labels: list[int]) -> tuple[Tensor, Tensor]:
    return CLICKS[:, : len(labels)], torch.tensor([labels])


def image() -> Tensor:
    return torch.randn(1, 3, TINY.image_size, TINY.image_size, generator=torch.Generator().manual_seed(1))


def predict(network: SAM2, labels: list[int], multimask: bool | None) -> MaskPrediction:
    with torch.no_grad():
        features = network.encode_image(image())
        embedding = network.without_memory(features.embedding)
        return network.predict_masks(embedding, features.high_res, points_of(labels), None, multimask)


def test_only_the_bundled_network_ranks_its_outputs() -> None:
    assert [name for name in NETWORKS if getattr(network_config(name), "rank_outputs", False)] == ["nano"]


def test_the_single_mask_stands_behind_the_candidates(network: SAM2) -> None:
    everything = predict(network, [1], None)
    ordered = candidates_and_single(everything)
    for name in ("logits", "predicted_iou", "tokens"):
        expected = torch.cat([getattr(everything, name)[:, 1:], getattr(everything, name)[:, :1]], dim=1)
        assert torch.equal(getattr(ordered, name), expected), "the choice of a project keeps its meaning"


@pytest.mark.parametrize("labels", [[1], [1, 1, 0], [2, 3, 0]])
def test_clicks_are_answered_by_the_best_of_all(network: SAM2, labels: list[int]) -> None:
    everything, answer = predict(network, labels, None), predict(network, labels, False)
    best = int(everything.predicted_iou.argmax())
    for name in ("logits", "predicted_iou", "tokens"):
        assert torch.equal(getattr(answer, name), getattr(everything, name)[:, best : best + 1])


def test_each_object_of_a_batch_gets_its_own_best() -> None:
    ious = torch.tensor([[0.1, 0.2, 0.9, 0.3], [0.5, 0.2, 0.1, 0.4]])
    logits = torch.arange(8.0).view(2, 4, 1, 1).expand(2, 4, 3, 3)
    best = best_of_all(MaskPrediction(logits, ious, logits[..., 0], torch.ones(2, 1)))
    assert best.logits[:, 0, 0, 0].tolist() == [2.0, 4.0]
    assert best.predicted_iou[:, 0].tolist() == pytest.approx([0.9, 0.5])
    assert best.tokens[:, 0, 0].tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("labels", "multimask"), [([-1], False), ([-1], True), ([2, 3], False), ([1], None), ([1], True)]
)
def test_boxes_tracking_mask_prompts_and_candidates_are_not_affected(
    network: SAM2, labels: list[int], multimask: bool | None
) -> None:
    expected = predict(without_ranking(network), labels, multimask)
    assert torch.equal(predict(network, labels, multimask).logits, expected.logits)


def test_training_is_not_affected(network: SAM2) -> None:
    plain = without_ranking(network.train())
    for labels in ([1], [1, 0]):
        assert torch.equal(predict(network, labels, False).logits, predict(plain, labels, False).logits)


@pytest.mark.parametrize("choice", [0, 3])
def test_a_candidate_can_be_chosen(network: SAM2, choice: int) -> None:
    features = network.encode_image(image())
    output = Segmenter(network, hide_absent=False).from_prompt(features, points_of([1]), None, None, choice)
    assert output.candidates is not None and output.candidates.shape[1] == 4
    assert torch.equal(output.logits[:, 0], output.candidates[:, choice])


def test_a_session_shows_what_a_predictor_returns_as_a_single_mask(network: SAM2) -> None:
    shown = Segmenter(network, hide_absent=False).from_prompt(network.encode_image(image()), points_of([1]), None, None)
    assert torch.equal(shown.logits, predict(network, [1], False).logits)


def test_on_a_tracked_frame_there_are_three_candidates(network: SAM2) -> None:
    segmenter = Segmenter(network, hide_absent=False)
    features = network.encode_image(image())
    first = segmenter.from_prompt(features, points_of([1]), None, None)
    memory = segmenter.encode_memory(features, first, prompted=True)
    selection = MemorySelection(memories=((0, memory),), pointers=((0.0, memory),))
    corrected = segmenter.from_prompt(features, points_of([1]), None, selection)
    assert corrected.candidates is not None and corrected.candidates.shape[1] == 3


def test_a_choice_that_a_network_does_not_have_is_left_to_it(network: SAM2) -> None:
    plain = Segmenter(without_ranking(network), hide_absent=False)
    features = plain.network.encode_image(image())
    chosen, own = (plain.from_prompt(features, points_of([1]), None, None, choice) for choice in (3, None))
    assert torch.equal(chosen.logits, own.logits)
