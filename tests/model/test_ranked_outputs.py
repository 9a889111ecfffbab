"""Networks with `rank_outputs`: of all four outputs the one with the best predicted IoU answers clicks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction
from sam2_core.model.network import SAM2
from sam2_core.model.ranked_outputs import best_of_all, candidates_and_single
from sam2_core.networks import NETWORKS, network_config
from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.tracking.memory_bank import MemorySelection
from sam2_core.tracking.segmenter import FrameOutput, Segmenter
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


def answer(network: SAM2, labels: list[int], choice: int | None = None) -> FrameOutput:
    with torch.no_grad():
        return segmenter_of(network).from_prompt(network.encode_image(image()), points_of(labels), None, None, choice)


def segmenter_of(network: SAM2) -> Segmenter:
    return Segmenter(network, hide_absent=False)


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
    everything, answered = predict(network, labels, None), answer(network, labels)
    best = int(everything.predicted_iou.argmax())
    assert torch.equal(answered.logits[:, 0], everything.logits[:, best])
    assert torch.equal(answered.predicted_iou[:, 0], everything.predicted_iou[:, best])
    expected = network.object_pointer(everything.tokens[:, best], everything.object_score > 0)
    assert torch.equal(answered.pointer, expected)


def test_each_object_of_a_batch_gets_its_own_best() -> None:
    ious = torch.tensor([[0.1, 0.2, 0.9, 0.3], [0.5, 0.2, 0.1, 0.4]])
    logits = torch.arange(8.0).view(2, 4, 1, 1).expand(2, 4, 3, 3)
    best = best_of_all(MaskPrediction(logits, ious, logits[..., 0], torch.ones(2, 1)))
    assert best.logits[:, 0, 0, 0].tolist() == [2.0, 4.0]
    assert best.predicted_iou[:, 0].tolist() == pytest.approx([0.9, 0.5])
    assert best.tokens[:, 0, 0].tolist() == [2.0, 4.0]


@pytest.mark.parametrize("labels", [[-1], [2, 3]])
def test_boxes_and_mask_prompts_are_not_affected(network: SAM2, labels: list[int]) -> None:
    assert torch.equal(answer(network, labels).logits, answer(without_ranking(network), labels).logits)


def test_training_is_not_affected(network: SAM2) -> None:
    plain = without_ranking(network.train())
    for labels in ([1], [1, 0]):
        assert torch.equal(answer(network, labels).logits, answer(plain, labels).logits)


@pytest.mark.parametrize("choice", [0, 3])
def test_a_candidate_can_be_chosen(network: SAM2, choice: int) -> None:
    output = answer(network, [1], choice)
    assert output.candidates is not None and output.candidates.shape[1] == 4
    assert torch.equal(output.logits[:, 0], output.candidates[:, choice])


@pytest.mark.parametrize("labels", [[1], [1, 0]])
def test_on_a_frame_with_memory_outputs_are_not_ranked(network: SAM2, labels: list[int]) -> None:
    outputs = []
    for each in (network, without_ranking(network)):
        features = each.encode_image(image())
        first = segmenter_of(each).from_prompt(features, points_of([1]), None, None, choice=0)
        memory = segmenter_of(each).encode_memory(features, first, prompted=True)
        selection = MemorySelection(memories=((0, memory),), pointers=((0.0, memory),))
        outputs.append(segmenter_of(each).from_prompt(features, points_of(labels), None, selection))
    assert torch.equal(outputs[0].logits, outputs[1].logits)
    assert outputs[0].candidates is None or outputs[0].candidates.shape[1] == 3


def test_a_choice_that_a_network_does_not_have_is_left_to_it(network: SAM2) -> None:
    plain = without_ranking(network)
    assert torch.equal(answer(plain, [1], choice=3).logits, answer(plain, [1]).logits)


def test_a_predictor_returns_three_candidates_or_the_best_of_all(network: SAM2) -> None:
    predictor, plain = SAM2ImagePredictor(network), SAM2ImagePredictor(without_ranking(network))
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    click = np.array([[20.0, 30.0]]), np.array([1])
    for each in (predictor, plain):
        each.set_image(picture)
    masks, ious, _ = predictor.predict(*click, multimask_output=True)
    assert np.array_equal(masks, plain.predict(*click, multimask_output=True)[0])
    _, [best], _ = predictor.predict(*click, multimask_output=False)
    assert best >= ious.max()
