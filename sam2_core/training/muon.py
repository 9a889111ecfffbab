"""Muon: steps for weight matrices whose singular values are all about one (Jordan et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from sam2_core.tracking.device import has_fast_bfloat16

_POLYNOMIAL = (3.4445, -4.7750, 2.0315)  # steepest at zero, and near one between 0.7 and 1.2 after five iterations
_ITERATIONS = 5
_ROOT_MEAN_SQUARE = 0.2  # of a step, as of AdamW's, so that both take the same rate (Liu et al. 2025)


class Muon(torch.optim.Optimizer):
    """Nesterov's momentum, orthogonalized, for matrices alone; the rate is AdamW's.

    `torch.optim.Muon` takes the same steps, but one matrix after the other, and in bfloat16 on every device: without
    instructions for that it takes longer than the forward and backward passes of a small network together.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, weight_decay: float, momentum: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update the matrices that have a gradient."""
        for group in self.param_groups:
            alike: dict[tuple[torch.Size, torch.device], list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike.setdefault((matrix.shape, matrix.device), []).append(matrix)
            for matrices in alike.values():
                updates = orthogonalized(torch.stack([self._momentum(matrix, group) for matrix in matrices]))
                rate = group["lr"] * _ROOT_MEAN_SQUARE * max(updates.shape[1:]) ** 0.5
                torch._foreach_mul_(matrices, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(matrices, list(updates.to(matrices[0].dtype)), alpha=-rate)

    def _momentum(self, matrix: Tensor, group: dict[str, Any]) -> Tensor:
        """The gradient, averaged with those before it."""
        gradient, state = matrix.grad, self.state[matrix]
        assert gradient is not None  # noqa: S101
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        mean: Tensor = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        return gradient.lerp(mean, group["momentum"])


def orthogonalized(matrices: Tensor) -> Tensor:
    """Matrices (N, A, B) -> (N, A, B) with the same singular vectors, all singular values between about 0.7 and 1.2.

    Newton-Schulz iterations with a polynomial of the fifth degree, in bfloat16 where that is faster.
    """
    a, b, c = _POLYNOMIAL
    dtype = torch.bfloat16 if has_fast_bfloat16(matrices.device) else torch.float32
    wide = (matrices if matrices.shape[1] <= matrices.shape[2] else matrices.mT).to(dtype)
    wide = wide / torch.linalg.matrix_norm(wide, keepdim=True).clamp(min=1e-7)
    for _ in range(_ITERATIONS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return wide if matrices.shape[1] <= matrices.shape[2] else wide.mT
