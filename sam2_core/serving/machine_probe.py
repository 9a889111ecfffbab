"""Measures the device that networks run on, in less than two seconds and in steps of milliseconds."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.processors import usable_cores
from sam2_core.serving.build import choose_devices
from sam2_core.serving.model_choice import Machine
from sam2_core.tracking.device import fast_precision, has_fast_bfloat16, limit_threads

PROBE_SECONDS = 1.2
_TOKENS, _WIDTH, _HEADS, _WINDOW = 1024, 384, 6, 64  # of a block in the middle of the smallest official network
_GPU_TOKENS = 16 * _TOKENS  # so that a GPU is measured, and not how fast it is told what to do
_STEPS = (2, 100)  # at least and at most; the first one, in which kernels are chosen, does not count


def measure_machine(devices: str = "auto", clock: Callable[[], float] = time.perf_counter) -> Machine:
    """Measure the first of these devices, see `build_engine`. Raises `ConfigError`."""
    limit_threads()
    device = choose_devices(devices)[0]
    return Machine(
        device.type, usable_cores(), has_fast_bfloat16(device), _free_gigabytes(device), _measure_gflops(device, clock)
    )


def _free_gigabytes(device: torch.device) -> float | None:
    return torch.cuda.mem_get_info(device)[0] / 1e9 if device.type == "cuda" else None


@torch.inference_mode()
def _measure_gflops(device: torch.device, clock: Callable[[], float]) -> float:
    """The best of several runs of a transformer block: others may use the device meanwhile."""
    tokens = _TOKENS if device.type == "cpu" else _GPU_TOKENS
    features = torch.full((tokens, _WIDTH), 0.5, device=device)
    shapes = ((3 * _WIDTH, _WIDTH), (_WIDTH, _WIDTH), (4 * _WIDTH, _WIDTH), (_WIDTH, 4 * _WIDTH))
    weights = [torch.full(shape, 0.01, device=device) for shape in shapes]
    operations = 2 * tokens * (sum(weight.numel() for weight in weights) + 2 * _WINDOW * _WIDTH)
    seconds: list[float] = []
    end = clock() + PROBE_SECONDS
    while len(seconds) < _STEPS[0] or (clock() < end and len(seconds) < _STEPS[1]):
        start = clock()
        with fast_precision(device)():
            _block(features, weights).sum().item()  # waits for the device
        seconds.append(clock() - start)
    return operations / 1e9 / max(min(seconds[1:]), 1e-6)


def _block(features: Tensor, weights: list[Tensor]) -> Tensor:
    """Attention in windows, and the two layers behind it: features (N, C) -> (N, C)."""
    to_heads, from_heads, widen, narrow = weights
    heads = F.linear(F.layer_norm(features, (_WIDTH,)), to_heads).view(-1, _WINDOW, 3, _HEADS, _WIDTH // _HEADS)
    query, key, value = heads.permute(2, 0, 3, 1, 4)  # (3, windows, heads, window, C / heads)
    attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(-1, _WIDTH)
    features = features + F.linear(attended, from_heads)
    return features + F.linear(F.gelu(F.linear(F.layer_norm(features, (_WIDTH,)), widen)), narrow)
