"""Multi-head attention of the mask decoder and the memory attention."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.derived import derived, is_cpu_inference
from sam2_core.model.layers import Linear, cpu_autocast, fused_linear, is_plain, linear
from sam2_core.model.position_encoding import apply_rotary, axial_rotary, rotate_into
from sam2_core.model.tiled_attention import key_buffer, tiled_attention

_SMALL = 2**22
"""Problems with fewer scores are left to PyTorch."""

_FEW_KEYS = 16
"""Tokens of a click or two, to which all of the image attends in the mask decoder."""


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v: (B, heads, Nq, d), (B, heads, Nk, d), (B, heads, Nk, e) -> (B, heads, Nq, e)."""
    if not is_tiled(q, k, v.shape[-1]):
        few = k.shape[-2] <= _FEW_KEYS < q.shape[-2] and is_cpu_inference(q)
        return _attention_to_few(q, k, v) if few else F.scaled_dot_product_attention(q, k, v)
    heads = []
    for queries, keys, values in zip(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), strict=True):
        buffer = key_buffer(keys, len(keys))
        buffer[:, : keys.shape[1]] = keys
        heads.append(tiled_attention(queries, buffer, values))
    return torch.stack(heads).unflatten(0, q.shape[:2])


def is_tiled(q: Tensor, k: Tensor, value_width: int) -> bool:
    """Whether attention with values of this width is computed in tiles of scores, because that is faster."""
    if not is_cpu_inference(q) or q.shape[-2] * k.shape[-2] < _SMALL:
        return False
    if q.dtype not in (torch.float32, torch.bfloat16) or (q.dtype == torch.bfloat16 and fused_linear is None):
        return False
    # PyTorch's own kernel is the faster one where it has matrix units for bfloat16.
    return value_width < q.shape[-1] or (q.dtype == torch.bfloat16 and not _has_matrix_units())


def _attention_to_few(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """As `attention`. With the queries along the last axis all steps work on long rows."""
    scores = k @ (q * q.shape[-1] ** -0.5).transpose(-1, -2)  # (B, heads, Nk, Nq)
    return scores.softmax(dim=-2).transpose(-1, -2) @ v


@lru_cache
def _has_matrix_units() -> bool:
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: True)())


class Attention(nn.Module):
    """Multi-head attention whose inner width and key width may differ from the outer width."""

    def __init__(self, width: int, heads: int, inner_width: int | None = None, key_width: int | None = None) -> None:
        super().__init__()
        inner = inner_width or width
        self.heads = heads
        self.q_proj = Linear(width, inner)
        self.k_proj = Linear(key_width or width, inner)
        self.v_proj = Linear(key_width or width, inner)
        self.out_proj = Linear(inner, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(B, Nq, C), (B, Nk, Ck), (B, Nk, Ck) -> (B, Nq, C); what is the same for all of a batch has a batch of 1."""
        projected = self.q_proj(q), self.k_proj(k), self.v_proj(v)
        batch = max(len(each) for each in projected)
        return self._attend(*(self._split(each).expand(batch, -1, -1, -1) for each in projected))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mixed = attention(q, k, v)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # (B, Nq, C)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, C / heads)


class RotaryAttention(Attention):
    """Attention with axial rotary position encoding of queries and keys (Su et al. 2021; Heo et al. 2024).

    Keys may be several concatenated maps (one per memory frame), each of which gets the same rotations. The last
    `unrotated` keys (object pointers) have no position in the frame and are not rotated.
    """

    def __init__(self, width: int, key_width: int | None = None) -> None:
        super().__init__(width, heads=1, key_width=key_width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, unrotated: int = 0) -> Tensor:
        """As `Attention.forward`; Nq must be a square number and (Nk - unrotated) a multiple of it."""
        queries, keys = _by_halves(self.q_proj, q), _by_halves(self.k_proj, k)
        side = round(q.shape[-2] ** 0.5)
        cos, sin = axial_rotary(queries.shape[-1], side, q.device, queries.dtype)  # (Nq, C / 2)
        rotated = k.shape[1] - unrotated
        maps = keys[:, :rotated].unflatten(1, (-1, side * side))
        queries = apply_rotary(queries, cos, sin)
        if not is_tiled(queries, keys, v.shape[-1]):
            keys = torch.cat([apply_rotary(maps, cos, sin).flatten(1, 2), keys[:, rotated:]], dim=1)
            return self._attend(queries[:, None], keys[:, None], self._split(self.v_proj(v)))
        # The weights of a query sum to one, so that values may be projected after they are mixed: they are narrower
        # before, and fewer after.
        mixed = torch.empty(*queries.shape[:2], v.shape[-1], dtype=queries.dtype)
        buffer = key_buffer(keys[0], keys.shape[1])
        for index in range(len(queries)):
            rotate_into(buffer[:rotated, : keys.shape[2]].unflatten(0, maps.shape[1:3]), maps[index], cos, sin)
            buffer[rotated:, : keys.shape[2]] = keys[index, rotated:]
            mixed[index] = tiled_attention(queries[index], buffer, v[index].to(queries.dtype))
        return self.out_proj(self.v_proj(mixed))


def _by_halves(layer: nn.Module, x: Tensor) -> Tensor:
    """The projection with its even channels first, then the odd ones: rotations then need no interleaving.

    Scores do not depend on the order of channels, as long as queries and keys have the same.
    """
    if not is_plain(layer):
        projected = layer(x)
        return torch.cat([projected[..., 0::2], projected[..., 1::2]], dim=-1)
    dtype = cpu_autocast(x) or layer.weight.dtype

    def compute() -> tuple[Tensor, Tensor]:
        weight, bias = (torch.cat([each[0::2], each[1::2]]).to(dtype) for each in (layer.weight, layer.bias))
        return weight, bias

    weight, bias = derived(layer, ("halves", dtype), (layer.weight, layer.bias), compute)
    return linear(x, weight, bias)
