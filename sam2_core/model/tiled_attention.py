"""Attention on CPUs in tiles of scores, for inference: two matrix products, and one pass over what lies between them.

PyTorch's fused kernel wants values as wide as queries, and on processors without matrix units it is slower in bfloat16
than in fp32. Here values may be narrow, as those of the memory are, and all the work is in matrix products.

Softmax divides by a sum, so that any factor per query cancels: scores may be shifted by any number instead of by their
maximum, which would take a pass to find. It is guessed from some of the keys, such that weights neither overflow nor
vanish; the sum of the weights tells whether they did, and such rows are computed by PyTorch. In bfloat16 a score of 50
would be off by an eighth once it is stored, and its weight by as much. So the exponential is taken within the matrix
product, where scores are in fp32 still. oneDNN offers no exponential there, but the logistic function, which equals it
to 0.25 % at -6 and better below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.model.layers import fused_linear

_ROWS, _COLUMNS = 4096, 1024
"""Queries and keys of a tile: in bfloat16 8 MB, about what caches hold."""

_SAMPLED = 512
"""Keys of which the shift is guessed, at least."""


@dataclass(frozen=True, slots=True)
class _Range:
    """Where exponentials are right: `top` is what the largest sampled score of a query is shifted to, and sums of its
    weights lie between `least` and `most`."""

    top: float
    least: float
    most: float


# Logistic: with less, the largest weight nears the smallest number there is; with more, one of the weights may be too
# large to equal the exponential. Exponential: far up, because processors are slow with numbers below 1e-38.
_LOGISTIC, _EXPONENTIAL = _Range(-20.0, 1e-30, 2.5e-3), _Range(40.0, 1e-30, 1e30)

_PADDING = 32
"""Columns behind those of queries and keys, for the shift; processors multiply in blocks of that many."""


def key_buffer(like: Tensor, count: int) -> Tensor:
    """Room for `count` keys, to be written into [:, :d], in the form that `tiled_attention` takes: (count, d')."""
    width = like.shape[-1]
    buffer = like.new_empty(count, width + _PADDING)
    buffer[:, width:] = 0
    buffer[:, width] = 1
    return buffer


def tiled_attention(q: Tensor, keys: Tensor, v: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(d)) v of queries (Nq, d), the `key_buffer` of Nk keys, and values (Nk, e) -> (Nq, e)."""
    right = _LOGISTIC if q.dtype == torch.bfloat16 else _EXPONENTIAL
    queries = _with_shift(q, keys, right.top)
    values = torch.cat([v, v.new_ones(len(v), 16)], dim=1)  # the ones sum the weights up
    summed = torch.cat([_weighted_sum(rows, keys, values) for rows in queries.split(_ROWS)])
    weights = summed[:, -1:]
    mixed = (summed[:, : v.shape[1]] / weights).type_as(v)
    wrong = ((weights <= right.least) | ~(weights < right.most))[:, 0].nonzero()[:, 0]
    if len(wrong):
        wide = F.pad(v, (0, q.shape[1] - v.shape[1]))  # as the fused kernel wants them
        exact = F.scaled_dot_product_attention(
            q[None, None, wrong], keys[None, None, :, : q.shape[1]], wide[None, None]
        )
        mixed[wrong] = exact[0, 0, :, : v.shape[1]]
    return mixed


def _with_shift(q: Tensor, keys: Tensor, top: float) -> Tensor:
    """Scaled queries with a further column, whose product with that of the keys shifts the scores."""
    scaled = q * q.shape[-1] ** -0.5
    sampled = keys[:: max(1, len(keys) // _SAMPLED), : q.shape[1]]
    shift = torch.mm(scaled, sampled.t()).amax(dim=1, keepdim=True) - top
    return F.pad(torch.cat([scaled, -shift], dim=1), (0, _PADDING - 1))


def _weighted_sum(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Exponentials of the scores times the values: (R, d), (Nk, d), (Nk, e) -> (R, e) in fp32."""
    total: Tensor | None = None
    for some, theirs in zip(keys.split(_COLUMNS), values.split(_COLUMNS), strict=True):
        part = torch.mm(_exponentials(queries, some), theirs).float()
        total = part if total is None else total.add_(part)
    return cast("Tensor", total)


def _exponentials(queries: Tensor, keys: Tensor) -> Tensor:
    if queries.dtype != torch.bfloat16:
        return torch.mm(queries, keys.t()).exp_()
    tile: Tensor = fused_linear(queries, keys, None, "sigmoid", [], "")
    return tile
