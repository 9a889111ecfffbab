"""SAM's vision transformer and decoder, against plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam2_core.model.config import ViTConfig
from sam2_core.model.input_geometry import InputGeometry, logits_of_frame
from sam2_core.model.sam import Sam
from sam2_core.model.vit import Block, RelativeAttention

TINY = ViTConfig(
    name="tiny", image_size=64, embed_dim=12, depth=2, num_heads=2, global_attention_blocks=(1,), window_size=3,
    width=32, mask_prompt_channels=4, decoder_heads=2, decoder_mlp=32, iou_head_width=32,
)  # fmt: skip


def random_(module: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3


def tiny_sam() -> Sam:
    network = Sam(TINY).eval().requires_grad_(False)
    random_(network)
    return network


@torch.no_grad()
@pytest.mark.parametrize("queries", [4, 512])
def test_attention_adds_the_biases_of_rows_and_columns(queries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sam2_core.model.vit._QUERIES_PER_STEP", queries)
    attention, side, width = RelativeAttention(12, 2, 4), 4, 6
    random_(attention)
    x = torch.randn(2, side, side, 12, generator=torch.Generator().manual_seed(1))
    q, k, v = attention.qkv(x).reshape(2, 16, 3, 2, width).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) / width**0.5
    for one in range(16):
        for other in range(16):
            rows, columns = one // 4 - other // 4 + 3, one % 4 - other % 4 + 3
            scores[:, :, one, other] += q[:, :, one] @ (attention.rel_pos_h[rows] + attention.rel_pos_w[columns])
    expected = attention.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(2, 4, 4, 12))
    torch.testing.assert_close(attention(x), expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_windows_see_only_themselves_and_their_padding() -> None:
    block = Block(TINY, window=3)
    random_(block)
    x = torch.randn(1, 4, 4, 12, generator=torch.Generator().manual_seed(1))
    changed = x.clone()
    changed[:, :3, :3] += 1
    difference = (block(x) - block(changed)).abs().sum(-1)[0]
    assert (difference[:3, :3] > 0).all()
    assert difference[3].max() == difference[:, 3].max() == 0
    corner = torch.zeros(1, 3, 3, 12)
    corner[:, :1, :1] = block.norm1(x)[:, 3:, 3:]
    residual = x[:, 3:, 3:] + block.attn(corner)[:, :1, :1]
    expected = residual + block.mlp(block.norm2(residual))
    torch.testing.assert_close(block(x)[:, 3:, 3:], expected, rtol=1e-4, atol=1e-5)


def test_the_longer_side_fills_the_input_and_the_rest_is_padding() -> None:
    geometry = InputGeometry.padded(64, (20, 40))
    assert geometry.inner == (32, 64)
    assert geometry.to_input(torch.tensor([[40.0, 20.0], [10.0, 5.0]])).tolist() == [[64, 32], [16, 8]]
    assert InputGeometry.stretched(64, (20, 40)).scale == (1.6, 3.2)
    logits = torch.zeros(1, 1, 16, 16)
    logits[..., :8, :] = 5
    assert (logits_of_frame(logits, geometry)[..., :15, :] > 0).all()
    assert logits_of_frame(logits, geometry).shape == (1, 1, 20, 40)


@torch.no_grad()
def test_a_batch_is_answered_like_each_image_alone() -> None:
    network, generator = tiny_sam(), np.random.default_rng(0)
    inputs = [
        {"image": torch.tensor(generator.integers(0, 255, (3, 64, 32)).astype(np.float32)), "original_size": (100, 50),
         "point_coords": torch.tensor([[[10.0, 20.0]]]), "point_labels": torch.ones(1, 1)},
        {"image": torch.tensor(generator.integers(0, 255, (3, 48, 64)).astype(np.float32)), "original_size": (24, 32),
         "boxes": torch.tensor([[4.0, 4.0, 30.0, 40.0], [0.0, 0.0, 9.0, 9.0]])},
    ]  # fmt: skip
    together, alone = network(inputs, True), [network([each], True)[0] for each in inputs]
    assert [tuple(each["masks"].shape) for each in together] == [(1, 3, 100, 50), (2, 3, 24, 32)]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one["low_res_logits"], other["low_res_logits"], rtol=1e-4, atol=1e-4)
