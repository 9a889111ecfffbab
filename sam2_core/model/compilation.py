"""PyTorch's compiler on the parts of a network that take the time (official `vos_optimized`).

It fuses what a GPU would run as thousands of small kernels. On CPUs the hand-made fast paths are quicker, and a
compiler, which sees the plain steps, would lose them: there networks stay as they are.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from sam2_core.model.network import SAM2
from sam2_core.model.sam import Network

_MODE = "max-autotune-no-cudagraphs"
"""CUDA graphs write each output over the one before, but features of several frames are kept."""


def compile_for_gpu(network: Network, device: str, backend: str | Callable[..., Any] = "inductor") -> None:
    """Compile the image encoder, memory attention and memory encoder in place for the first call on such a device,
    which takes minutes then. `device` is its type ("cuda"); nothing happens for the CPU."""
    if device == "cpu":
        return
    # It computes small tables anew that we keep, which is harmless.
    warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools.lru_cache`")
    options: dict[str, Any] = {"backend": backend} | ({"mode": _MODE} if backend == "inductor" else {})
    if not isinstance(network, SAM2):
        network.image_encoder.compile(**options)
        return
    network.image_encoder.trunk.compile(**options)
    network.memory_attention.compile(dynamic=True, **options)  # memories grow from one to all
    network.memory_encoder.compile(**options)
