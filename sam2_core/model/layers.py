"""Layers that several parts of the network share.

On CPUs autocast to bfloat16 is made fast here: weights are converted once rather than at each call, and activations are
computed within the matrix product before them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.derived import derived, is_cpu_inference


def cpu_autocast(x: Tensor) -> torch.dtype | None:
    """The precision that autocast asks for on the CPU where no gradients are needed; None for the ordinary code."""
    is_asked = torch.is_autocast_enabled("cpu") and is_cpu_inference(x)
    return torch.get_autocast_dtype("cpu") if is_asked else None


class Linear(nn.Linear):
    """`nn.Linear`, whose weights are converted once where autocast would convert them at each call."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        dtype = cpu_autocast(x)
        return super().forward(x) if dtype is None else linear(x, *self.converted(dtype))

    def converted(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Weight and bias in another precision."""
        return derived(self, dtype, (self.weight, self.bias), lambda: (self.weight.to(dtype), self.bias.to(dtype)))


_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"none": lambda x: x, "relu": F.relu, "gelu": F.gelu}


def _find_fused_linear() -> Any:
    """The operator with which PyTorch's compiler fuses a product, its bias and an activation, for bfloat16; None in
    builds without oneDNN, and on processors for which that has no such product."""
    if not torch.backends.mkldnn.is_available():
        return None
    knows_bfloat16 = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None) if knows_bfloat16() else None


fused_linear: Any = _find_fused_linear()


def linear(x: Tensor, weight: Tensor, bias: Tensor, activation: str = "none") -> Tensor:
    """A product in the precision of `weight`, and an activation: none, relu or gelu."""
    x = x.to(weight.dtype)
    if fused_linear is None or weight.dtype != torch.bfloat16 or not is_cpu_inference(weight):
        return _ACTIVATIONS[activation](F.linear(x, weight, bias))
    fused: Tensor = fused_linear(x, weight, bias, activation, [], "none")
    return fused


def activated(layer: nn.Module, x: Tensor, activation: str) -> Tensor:
    """A linear layer and its `activation`, "relu" or "gelu", in one step where that is faster."""
    dtype = cpu_autocast(x)
    if dtype is None or not is_plain(layer):
        return _ACTIVATIONS[activation](layer(x))
    return linear(x, *layer.converted(dtype), activation)


def is_plain(layer: nn.Module) -> TypeGuard[Linear]:
    """Whether a layer is ours: published code wraps layers and hooks into them, and then they must be called."""
    return type(layer) is Linear and not (layer._forward_hooks or layer._forward_pre_hooks)


class LayerNorm2d(nn.Module):
    """Layer normalization over the channels of a (B, C, H, W) map."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return self.channels_last(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def channels_last(self, x: Tensor) -> Tensor:
        """The same for a (B, H, W, C) map."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


class MLP(nn.Module):
    """Linear layers with an activation between them, "relu" or "gelu"."""

    def __init__(self, widths: tuple[int, ...], activation: str = "relu") -> None:
        super().__init__()
        self.layers = nn.ModuleList(Linear(a, b) for a, b in itertools.pairwise(widths))
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            x = activated(layer, x, self.activation)
        return last(x)


class MLPBlock(nn.Module):
    """An MLP with one hidden layer, under the names that SAM's checkpoints have for it."""

    def __init__(self, width: int, hidden: int, activation: str = "gelu") -> None:
        super().__init__()
        self.lin1 = Linear(width, hidden)
        self.lin2 = Linear(hidden, width)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.lin2(activated(self.lin1, x, self.activation))
