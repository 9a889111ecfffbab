"""Optimisers, the learning rate over a run, and the running mean of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sam2_core.training.config import TrainingConfig
from sam2_core.training.trainable_parts import IMAGE_ENCODER

_MIN_RATE = 0.02
_BETAS = (0.9, 0.95)
_EMA_START = 10


class Optimizer:
    """AdamW; with "muon" the weight matrices take orthogonalised steps instead (Jordan et al. 2024).

    Vectors, embeddings and convolution kernels stay with AdamW; vectors are not decayed.
    """

    def __init__(self, network: nn.Module, config: TrainingConfig) -> None:
        named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        matrices = {name for name, p in named if config.optimizer == "muon" and _is_matrix(p)}
        self._rate = config.learning_rate
        decay = config.weight_decay
        groups: dict[tuple[bool, float], list[Tensor]] = {}
        for name, parameter in named:
            if name not in matrices:
                key = parameter.ndim > 1, _rate_of(name, config)
                groups.setdefault(key, []).append(parameter)
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [
                    {"params": params, "weight_decay": decay if is_table else 0.0, "share": rate}
                    for (is_table, rate), params in groups.items()
                ],
                lr=self._rate,
                betas=_BETAS,
                fused=True,
            )
        ]
        by_rate: dict[float, list[Tensor]] = {}
        for name, parameter in named:
            if name in matrices:
                by_rate.setdefault(_rate_of(name, config), []).append(parameter)
        if by_rate:
            self._optimizers.append(
                torch.optim.Muon(
                    [{"params": params, "share": rate} for rate, params in by_rate.items()],
                    lr=self._rate,
                    weight_decay=decay,
                    momentum=0.95,
                    adjust_lr_fn="match_rms_adamw",
                )
            )

    def step(self, rate: float) -> None:
        """Take a step with the gradients that are there, and forget them; `rate` is a share of the learning rate."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._rate * rate * group["share"]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def zero_grad(self) -> None:
        """Throw the gradients away."""
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        """The state of each part."""
        return [optimizer.state_dict() for optimizer in self._optimizers]

    def load_state_dict(self, states: Iterable[dict[str, Any]]) -> None:
        """Take up a saved state."""
        for optimizer, state in zip(self._optimizers, states, strict=True):
            optimizer.load_state_dict(state)


def _is_matrix(parameter: Tensor) -> bool:
    """Whether it maps features to features: the small tables of embeddings and tokens do not, nor do narrow layers."""
    return parameter.ndim == 2 and min(parameter.shape) > 4


def _rate_of(name: str, config: TrainingConfig) -> float:
    return config.trunk_rate if name.startswith(IMAGE_ENCODER) else 1.0


def rate_factor(done: float, step: int, config: TrainingConfig) -> float:
    """The share of the learning rate at a fraction `done` of the run, `step` steps after its start or init: a linear
    warm-up, then constant, then a straight line down."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    fall = min(1.0, (1 - done) / max(1e-6, 1 - config.hold))
    return warm * max(_MIN_RATE, fall)


class EmaWeights:
    """The exponential moving average of a network's weights: what is measured, saved and shipped."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.count = 0
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move towards the network's present weights, fast in the beginning."""
        decay = min(self._decay, (1 + self.count) / (_EMA_START + self.count))
        self.count += 1
        state = network.state_dict()
        names = [name for name, value in self.weights.items() if value.is_floating_point()]
        torch._foreach_lerp_([self.weights[n] for n in names], [state[n] for n in names], 1 - decay)

    def load(self, weights: Mapping[str, Tensor], count: int) -> None:
        """Take up a saved mean."""
        self.count = count
        for name, value in weights.items():
            self.weights[name].copy_(value)
