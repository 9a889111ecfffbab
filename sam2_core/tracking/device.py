"""Devices and their fastest suitable precision: bfloat16 where the hardware supports it, else fp32."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch


def best_device() -> torch.device:
    """CUDA, else MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """Name to display: the model of a GPU, or the number of threads of the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}" if device.type == "cpu" else f"{device.type.upper()}"


def memory_in_use(device: torch.device) -> float | None:
    """Used fraction of a GPU's memory, by all processes; None for other devices."""
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    return 1 - free / total


def bytes_held(device: torch.device) -> int | None:
    """Bytes of a GPU's memory that this process holds, in use or not; None for other devices."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return torch.mps.driver_allocated_memory() if device.type == "mps" else None


def fast_precision(device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    """Factory of the autocast context for the encoders and memory attention.

    Autocast is thread-local: enter it in the thread that computes.
    """
    if has_fast_bfloat16(device):
        return partial(torch.autocast, device.type, torch.bfloat16)
    return nullcontext


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device has fast matrix products in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
    return False
