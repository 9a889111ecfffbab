"""Networks with `strict_boxes`: the mean of all outputs, clipped to the box."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.mask_decoder import MaskPrediction
from sam2_core.model.network import SAM2
from sam2_core.model.strict_boxes import merge_within_boxes
from sam2_core.networks import NETWORKS, network_config
from tests.networks import TINY

BOX = torch.tensor([[[9.0, 6.0], [41.0, 50.0]]])  # in pixels of the input
LABELS = torch.tensor([[2, 3]])


@pytest.fixture
def network() -> SAM2:
    torch.manual_seed(0)
    return SAM2(replace(TINY, strict_boxes=True)).eval()


def predict(network: SAM2, points: tuple[Tensor, Tensor], multimask: bool | None) -> MaskPrediction:
    torch.manual_seed(1)
    with torch.no_grad():
        features = network.encode_image(torch.randn(1, 3, network.image_size, network.image_size))
        embedding = network.without_memory(features.embedding)
        return network.predict_masks(embedding, features.high_res, points, None, multimask)


def test_only_the_bundled_network_has_strict_boxes() -> None:
    assert [name for name in NETWORKS if getattr(network_config(name), "strict_boxes", False)] == ["nano"]


def test_a_mask_ends_where_its_box_ends_to_the_pixel() -> None:
    everywhere = MaskPrediction(
        torch.full((1, 4, 16, 16), 5.0), torch.rand(1, 4), torch.rand(1, 4, 8), torch.ones(1, 1)
    )
    merged = merge_within_boxes(everywhere, BOX, image_size=64)
    mask = F.interpolate(merged.logits, size=(640, 640), mode="bilinear", align_corners=False)[0, 0] > 0
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert [float(edge) for edge in edges] == pytest.approx([90, 60, 410, 500], abs=2)
    assert mask[60:500, 90:410].float().mean() > 0.98  # corners are slightly rounded


def test_the_mask_is_the_mean_of_all_outputs_with_the_iou_of_the_single_one(network: SAM2) -> None:
    all_masks, merged = predict(network, (BOX, LABELS), None), predict(network, (BOX, LABELS), False)
    assert merged.logits.shape[1] == 1
    middle = slice(4, 9)  # far from the edges of the box
    mean = all_masks.logits.mean(dim=1)[..., middle, middle]
    assert torch.allclose(merged.logits[:, 0, middle, middle], mean.clamp(max=16), atol=1e-5)
    assert torch.equal(merged.predicted_iou, all_masks.predicted_iou[:, :1])
    assert torch.equal(merged.tokens, all_masks.tokens[:, :1])


@pytest.mark.parametrize(("labels", "multimask"), [([2, 3, 1], False), ([1, 1], False), ([2, 3], True), ([2, 3], None)])
def test_other_prompts_are_not_affected(network: SAM2, labels: list[int], multimask: bool | None) -> None:
    coords = torch.cat([BOX, torch.tensor([[[60.0, 60.0]]])], dim=1)[:, : len(labels)]
    points = coords, torch.tensor([labels])
    plain = SAM2(TINY).eval()
    plain.load_state_dict(network.state_dict())
    assert torch.equal(predict(network, points, multimask).logits, predict(plain, points, multimask).logits)


def test_training_is_not_affected(network: SAM2) -> None:
    plain = SAM2(TINY).train()
    plain.load_state_dict(network.state_dict())
    strict = predict(network.train(), (BOX, LABELS), False)
    assert torch.equal(strict.logits, predict(plain, (BOX, LABELS), False).logits)


def test_each_box_of_a_batch_clips_its_own_mask(network: SAM2) -> None:
    both = torch.cat([BOX, BOX.flip(1) + 12]), LABELS.expand(2, 2)  # the corners of the second are swapped
    together = predict(network, both, False)
    for row in range(2):
        alone = predict(network, (both[0][row : row + 1], LABELS), False)
        assert torch.allclose(together.logits[row], alone.logits[0], atol=1e-4)
