"""Many sessions: the `Engine` seam, the engine of one device, and replay of a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sam2_core.serving.build import build_engine

__all__ = ["build_engine"]


def __getattr__(name: str) -> Any:
    # Resolved when it is used: whoever only needs the protocol should not have to import torch.
    if name != "build_engine":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sam2_core.serving.build import build_engine

    return build_engine
