"""Many sessions: the `Engine` seam, the engine of one device, and replay of a journal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sam2_core.serving.build import build_engine

# Read when torch is loaded. Threads that wait should sleep: spinning, they take the cores from the browser and from
# each other, and on two busy cores that made the image encoder three times slower. Whoever sets it is obeyed.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__all__ = ["build_engine"]


def __getattr__(name: str) -> Any:
    # Resolved when it is used: whoever only needs the protocol should not have to import torch.
    if name != "build_engine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sam2_core.serving.build import build_engine

    return build_engine
