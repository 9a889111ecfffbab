"""Each building block against an independent small computation."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.attention import RotaryAttention
from sam2_core.model.hiera import Hiera, join_windows, partition_windows
from sam2_core.model.image_encoder import FpnNeck
from sam2_core.model.layers import LayerNorm2d
from sam2_core.model.mask_decoder import MaskDecoder, MaskPrediction, stability
from sam2_core.model.position_encoding import (
    PositionEmbeddingRandom,
    apply_rotary,
    axial_rotary,
    rotate_into,
    sine_map,
    sine_of_time,
)
from sam2_core.model.prompt_encoder import PromptEncoder
from tests.networks import TINY

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_rotary_pairs_rotate_like_complex_numbers() -> None:
    side, channels = 3, 8
    x = torch.randn(2, side * side, channels)
    cos, sin = axial_rotary(channels, side, CPU, torch.float32)
    rotated = torch.complex(*apply_rotary(x, cos, sin).chunk(2, dim=-1))
    before = torch.complex(*x.chunk(2, dim=-1))
    for position in range(side * side):
        column, row = position % side, position // side
        for pair in range(4):
            coordinate, frequency = (column, pair) if pair < 2 else (row, pair - 2)
            angle = coordinate * 10_000 ** (-4 * frequency / channels)
            expected = before[:, position, pair] * complex(math.cos(angle), math.sin(angle))
            torch.testing.assert_close(rotated[:, position, pair], expected)


def test_rotary_scores_depend_on_relative_positions() -> None:
    q, k = torch.randn(1, 16, 8), torch.randn(1, 16, 8)
    cos, sin = axial_rotary(8, 4, CPU, torch.float32)
    scores = apply_rotary(q[:, :1].expand(-1, 16, -1), cos, sin) @ apply_rotary(
        k[:, :1].expand(-1, 16, -1), cos, sin
    ).transpose(1, 2)
    torch.testing.assert_close(scores[0, 0, 5], scores[0, 10, 15])  # one right and one down, twice


def test_rotation_into_a_buffer_is_the_same_rotation() -> None:
    x, target = torch.randn(2, 16, 8), torch.zeros(2, 16, 12)
    cos, sin = axial_rotary(8, 4, CPU, torch.float32)
    rotate_into(target[..., :8], x, cos, sin)
    torch.testing.assert_close(target[..., :8], apply_rotary(x, cos, sin))
    assert not target[..., 8:].any()


def test_rotary_attention_does_not_rotate_pointers() -> None:
    attention = RotaryAttention(8, key_width=4)
    q, k, v = torch.randn(1, 4, 8), torch.randn(1, 11, 4), torch.randn(1, 11, 4)
    swapped = torch.cat([torch.arange(8), torch.tensor([10, 8, 9])])
    torch.testing.assert_close(attention(q, k, v, unrotated=3), attention(q, k[:, swapped], v[:, swapped], unrotated=3))
    both_maps = torch.cat([torch.arange(4, 8), torch.arange(4), torch.arange(8, 11)])  # each map keeps its own pixels
    torch.testing.assert_close(
        attention(q, k, v, unrotated=3), attention(q, k[:, both_maps], v[:, both_maps], unrotated=3)
    )
    inside = torch.tensor([1, 0, *range(2, 11)])
    assert not torch.allclose(attention(q, k, v, 3), attention(q, k[:, inside], v[:, inside], 3))


def test_the_sine_map_encodes_y_and_then_x() -> None:
    height, width, channels = 3, 5, 8
    found = sine_map(channels, height, width, CPU)
    assert found.shape == (1, channels, height, width)
    for axis, length in ((0, height), (1, width)):
        for position in range(length):
            at = found[0, :, position, 0] if axis == 0 else found[0, :, 0, position]
            for index in range(4):
                phase = (position + 1) / length * 2 * math.pi / 10_000 ** (2 * (index // 2) / 4)
                expected = math.cos(phase) if index % 2 else math.sin(phase)
                assert at[axis * 4 + index].item() == pytest.approx(expected, abs=1e-5)


def test_times_are_sines_and_then_cosines() -> None:
    found = sine_of_time(torch.tensor([0.0, 0.4]), 8)
    assert found[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    phases = [0.4 / 10_000 ** (2 * (index // 2) / 4) for index in range(4)]
    expected = [math.sin(phase) for phase in phases] + [math.cos(phase) for phase in phases]
    assert found[1].tolist() == pytest.approx(expected)


def test_the_grid_encodes_pixel_centers() -> None:
    encoding = PositionEmbeddingRandom(8)
    torch.testing.assert_close(encoding.grid(4)[0, :, 1, 2], encoding(torch.tensor([2.5 / 4, 1.5 / 4])))


@pytest.mark.parametrize(("size", "window"), [((8, 8), 4), ((7, 9), 4), ((3, 3), 14)])
def test_windows_are_partitioned_and_joined(size: tuple[int, int], window: int) -> None:
    x = torch.randn(2, *size, 3)
    windows, grid = partition_windows(x, window)
    assert windows.shape == (2 * grid[0] * grid[1], window, window, 3)
    assert torch.equal(windows[0, : size[0], : size[1]], x[0, :window, :window])
    assert torch.equal(join_windows(windows, grid, size), x)


def test_a_folded_projection_equals_two_convolutions() -> None:
    neck = FpnNeck(TINY)
    projection = torch.nn.Conv2d(TINY.width, 4, kernel_size=1)
    stage = torch.randn(2, TINY.channels[1], 6, 6)
    lateral = neck.convs[2]["conv"]
    torch.testing.assert_close(neck.projected(1, stage, projection), projection(lateral(stage)), rtol=1e-4, atol=1e-5)


def test_the_neck_adds_the_coarsest_level_to_the_next() -> None:
    neck = FpnNeck(TINY)
    coarse, coarsest = torch.randn(1, TINY.channels[2], 4, 4), torch.randn(1, TINY.channels[3], 2, 2)
    below = neck.convs[0]["conv"](coarsest).repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(neck.embedding(coarse, coarsest), neck.convs[1]["conv"](coarse) + below)


def test_layer_norm_is_over_channels() -> None:
    norm, x = LayerNorm2d(5), torch.randn(2, 5, 3, 4)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    centered = x - x.mean(1, keepdim=True)
    expected = centered / (centered.pow(2).mean(1, keepdim=True) + 1e-6).sqrt()
    expected = expected * norm.weight[:, None, None] + norm.bias[:, None, None]
    torch.testing.assert_close(norm(x), expected)


def test_prompt_tokens_by_label() -> None:
    encoder = PromptEncoder(TINY)
    point, labels = torch.tensor([10.0, 20.0]), torch.tensor([[0, 1, 2, 3, -1]])
    tokens = encoder.embed_points(point.expand(1, 5, 2), labels)
    assert tokens.shape == (1, 6, TINY.width)
    position = encoder.pe_layer((point + 0.5) / TINY.image_size)
    for label in range(4):
        torch.testing.assert_close(tokens[0, label], position + encoder.point_embeddings[label].weight[0])
    for index in (4, 5):  # label -1, and the last token
        assert torch.equal(tokens[0, index], encoder.not_a_point_embed.weight[0])


def test_no_mask_is_one_learned_vector_everywhere() -> None:
    encoder = PromptEncoder(TINY)
    dense = encoder.embed_mask(None, batch=2)
    assert dense.shape == (2, TINY.width, TINY.embedding_size, TINY.embedding_size)
    assert torch.equal(dense[1, :, 2, 3], encoder.no_mask_embed.weight[0])
    logits = torch.randn(2, 1, TINY.mask_size, TINY.mask_size)
    assert encoder.embed_mask(logits, batch=2).shape == dense.shape


def test_stability_is_the_iou_of_two_thresholds() -> None:
    logits = torch.tensor([[[1.0, 0.02, -0.02, -1.0]], [[-1.0, -1.0, -1.0, -1.0]]])
    assert stability(logits, 0.05).tolist() == [pytest.approx(1 / 3), 1.0]


def prediction(single: Tensor) -> MaskPrediction:
    candidates = torch.stack([torch.full_like(single, value) for value in (1.0, 2.0, 3.0)])
    return MaskPrediction(
        torch.cat([single[None], candidates])[None],
        torch.tensor([[0.5, 0.1, 0.9, 0.3]]),
        torch.arange(4.0)[None, :, None],
        torch.ones(1, 1),
    )


def decode(decoder: MaskDecoder, multimask: bool) -> MaskPrediction:
    """Call a decoder whose `predict_masks` is replaced."""
    empty = torch.zeros(0)
    return decoder(empty, empty, empty, empty, multimask, False, (empty, empty))


@pytest.mark.parametrize(("single", "fallback", "logit", "predicted_iou"), [
    (5.0, True, 5.0, 0.5),  # stable
    (0.01, True, 2.0, 0.9),  # unstable: the candidate of the highest predicted IoU
    (0.01, False, pytest.approx(0.01), 0.5),
])  # fmt: skip
def test_an_unstable_single_mask_is_replaced(
    monkeypatch: pytest.MonkeyPatch, single: float, fallback: bool, logit: float, predicted_iou: float
) -> None:
    decoder = MaskDecoder(TINY).eval()
    decoder.stability_fallback = fallback
    all_masks = prediction(torch.full((4, 4), single))
    monkeypatch.setattr(decoder, "predict_masks", lambda *_: all_masks)
    output = decode(decoder, multimask=False)
    assert output.logits.shape == (1, 1, 4, 4)
    assert output.logits[0, 0, 0, 0].item() == logit
    assert output.predicted_iou.item() == pytest.approx(predicted_iou)
    assert output.tokens.item() == 0.0  # the token stays that of the single mask
    assert decode(decoder, multimask=True).tokens.flatten().tolist() == [1, 2, 3]


def test_training_never_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = MaskDecoder(TINY).train()
    all_masks = prediction(torch.full((4, 4), 0.01))
    monkeypatch.setattr(decoder, "predict_masks", lambda *_: all_masks)
    assert decode(decoder, multimask=False).predicted_iou.item() == 0.5


def test_background_and_window_positions_are_added_up() -> None:
    trunk = Hiera(TINY)
    torch.nn.init.normal_(trunk.pos_embed)
    torch.nn.init.normal_(trunk.pos_embed_window)
    found = trunk._position(8, 8, torch.float32)[0].permute(2, 0, 1)
    background = F.interpolate(trunk.pos_embed, (8, 8), mode="bicubic")[0]
    torch.testing.assert_close(found[:, 5, 6], background[:, 5, 6] + trunk.pos_embed_window[0, :, 1, 2])


def test_the_first_block_of_a_stage_pools() -> None:
    maps = Hiera(TINY)(torch.randn(1, 3, 64, 64))
    assert [tuple(level.shape) for level in maps] == [(1, 8 * 2**s, 16 // 2**s, 16 // 2**s) for s in range(4)]
