"""Devices and their fastest suitable precision: bfloat16 where the hardware supports it, else fp32."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial

import torch
import torch.nn.functional as F

from sam2_core.processors import usable_cores

_PRODUCTS = 8


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


def limit_threads() -> None:
    """Let products on the CPU use no more threads than this process may use cores: in a container PyTorch sees all
    cores of the machine. Holds for threads that have not computed anything yet, too."""
    torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))


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


def release_unused(device: torch.device) -> None:
    """Give memory of a GPU back that this process holds and does not use, as fragments too small for what is needed."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def is_out_of_memory(error: Exception) -> bool:
    """CUDA says it with a type of its own, the CPU and MPS only with words."""
    words = ("out of memory", "can't allocate memory")
    return isinstance(error, RuntimeError) and (
        isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)
    )


def fast_precision(device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    """Factory of the autocast context for the encoders and memory attention.

    Autocast is thread-local: enter it in the thread that computes.
    """
    if has_fast_bfloat16(device):
        return partial(torch.autocast, device.type, torch.bfloat16)
    return nullcontext


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether matrix products are faster in bfloat16 than in fp32 there."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == "cpu" and _cpu_gains_from_bfloat16()


@lru_cache
def _cpu_gains_from_bfloat16() -> bool:
    """True with matrix units. Vector instructions for bfloat16 alone prove nothing: some processors, and some that are
    emulated, take twice as long with them as in fp32. So they are timed, once and for a few milliseconds."""
    if _cpu_has("_is_amx_tile_supported"):
        return True
    return _cpu_has("_is_avx512_bf16_supported") and _multiply_seconds(torch.bfloat16) < _multiply_seconds(
        torch.float32
    )


def _cpu_has(probe: str) -> bool:
    return bool(getattr(torch.cpu, probe, lambda: False)())


@torch.inference_mode()
def _multiply_seconds(dtype: torch.dtype) -> float:
    """The shortest of several products such as those of an MLP in memory attention; the first one chooses a kernel."""
    features, weights = torch.ones(1024, 256, dtype=dtype), torch.ones(2048, 256, dtype=dtype)
    seconds = []
    for _ in range(_PRODUCTS):
        start = time.perf_counter()
        F.linear(features, weights)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
