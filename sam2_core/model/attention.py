"""Multi-head attention of the mask decoder and the memory attention."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.position_encoding import apply_rotary, axial_rotary


class Attention(nn.Module):
    """Multi-head attention whose inner width and key width may differ from the outer width."""

    def __init__(self, width: int, heads: int, inner_width: int | None = None, key_width: int | None = None) -> None:
        super().__init__()
        inner = inner_width or width
        self.heads = heads
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(key_width or width, inner)
        self.v_proj = nn.Linear(key_width or width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(B, Nq, C), (B, Nk, Ck), (B, Nk, Ck) -> (B, Nq, C)."""
        return self._attend(self._split(self.q_proj(q)), self._split(self.k_proj(k)), self._split(self.v_proj(v)))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # (B, Nq, C)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, N, C / heads)


class RotaryAttention(Attention):
    """Attention with axial rotary position encoding of queries and keys (Su et al. 2021; Heo et al. 2024).

    Keys may be several concatenated maps (one per memory frame), each of which gets the same rotations. The last
    `unrotated` keys (object pointers) have no position in the frame and are not rotated.
    """

    def forward(self, q: Tensor, k: Tensor, v: Tensor, unrotated: int = 0) -> Tensor:
        """As `Attention.forward`; Nq must be a square number and (Nk - unrotated) a multiple of it."""
        q, k, v = self._split(self.q_proj(q)), self._split(self.k_proj(k)), self._split(self.v_proj(v))
        side = round(q.shape[-2] ** 0.5)
        cos, sin = axial_rotary(q.shape[-1], side, q.device)  # (Nq, C / heads / 2)
        spatial, pointers = k[:, :, : k.shape[-2] - unrotated], k[:, :, k.shape[-2] - unrotated :]
        maps = spatial.unflatten(-2, (-1, side * side))  # (B, heads, maps, Nq, C / heads)
        k = torch.cat([apply_rotary(maps, cos, sin).flatten(-3, -2), pointers], dim=-2)
        return self._attend(apply_rotary(q, cos, sin), k, v)
