"""Optimizers, the schedule of the learning rate, and the moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sam2_core.training.config import TrainingConfig
from sam2_core.training.muon import Muon
from sam2_core.training.trainable_parts import IMAGE_ENCODER

_MIN_RATE = 0.02
_BETAS = (0.9, 0.95)
_EMA_START = 10


class Optimizer:
    """AdamW; with "muon", weight matrices are updated by Muon's orthogonalized steps instead.

    Vectors, embeddings and convolution kernels stay with AdamW, which does not decay vectors.
    """

    def __init__(self, network: nn.Module, config: TrainingConfig) -> None:
        matrices: dict[float, list[Tensor]] = {}  # by rate
        others: dict[tuple[bool, float], list[Tensor]] = {}  # by whether they are decayed, and rate
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                rate = config.trunk_rate if name.startswith(IMAGE_ENCODER) else 1.0
                if config.optimizer == "muon" and _is_matrix(parameter):
                    matrices.setdefault(rate, []).append(parameter)
                else:
                    others.setdefault((parameter.ndim > 1, rate), []).append(parameter)
        self._rate, decay = config.learning_rate, config.weight_decay
        groups: list[dict[str, Any]] = [
            {"params": parameters, "weight_decay": decay if is_decayed else 0.0, "share": rate}
            for (is_decayed, rate), parameters in others.items()
        ]
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=self._rate, betas=_BETAS, fused=True)
        ]
        if matrices:
            self._optimizers.append(
                Muon(
                    [{"params": parameters, "share": rate} for rate, parameters in matrices.items()],
                    lr=self._rate,
                    weight_decay=decay,
                    momentum=0.95,
                )
            )

    def step(self, rate: float) -> None:
        """Update the parameters and clear their gradients; the learning rate is multiplied by `rate`."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._rate * rate * group["share"]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def zero_grad(self) -> None:
        """Clear the gradients."""
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """The state of each optimizer."""
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def load_state_dict(self, states: Iterable[dict[str, Any]]) -> None:
        """Restore what `state_dict` returned."""
        for optimizer, state in zip(self._optimizers, states, strict=True):
            optimizer.load_state_dict(state)


def _is_matrix(parameter: Tensor) -> bool:
    """Whether it is a linear layer's weight, rather than a small table of embeddings or a narrow output layer."""
    return parameter.ndim == 2 and min(parameter.shape) > 4


def rate_factor(done: float, step: int, config: TrainingConfig) -> float:
    """The factor on the learning rate at a fraction `done` of the run: linear warm-up, constant, linear decay.

    `step` counts the steps for the warm-up.
    """
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    decay = min(1.0, (1 - done) / max(1e-6, 1 - config.hold))
    return warm * max(_MIN_RATE, decay)


class EmaWeights:
    """The exponential moving average of a network's weights, which is what is evaluated and saved."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.count = 0
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Average the current weights in; early steps use a smaller decay."""
        decay = min(self._decay, (1 + self.count) / (_EMA_START + self.count))
        self.count += 1
        state = network.state_dict()
        names = [name for name, value in self.weights.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.weights[n] for n in names], [state[n] for n in names], 1 - decay)

    def load(self, weights: Mapping[str, Tensor], count: int) -> None:
        """Restore a saved average."""
        self.count = count
        for name, value in weights.items():
            self.weights[name].copy_(value)
