"""Many sessions on one or several devices.

commands         what an engine can be asked about a session, as plain data
engine           the seam: `Engine`; local (one device), pool (several), worker (the thread of a device),
                 restarting (an engine that is replaced where its worker hangs or dies), ray_engine (a cluster),
                 zero_gpu_engine (GPUs that are lent by the call; zero_gpu_session: one session here;
                 zero_gpu_call: what runs there)
detection_engine text prompts: detectors that are loaded when they are asked for; detector_registry: those on offer
text_run         the loop that finds what a text names, prompts it and tracks it
edit_log         what a user did, what holds now, and what a replay needs
engine_session   one session of an engine, awaited; tracking_run: the loop that propagates through a clip
automatic_run    the loop that segments everything in a frame; automatic_filter: which of the masks are shown
workspace        medium, session and edit log together: what page, API and command line work on
recovery         the workspace's session, which is replayed where the engine has lost it
live             the same for the frames of a camera
model_registry   the networks on offer; model_loader: loading one in the background; build: from a name to an engine
better_model     a better network than the bundled one, fetched in the background; model_choice: which one, by what
                 machine_probe measures; model_quality: how good each is; speed_meter: how fast it has been here
project          project files, with project_medium and prompt_data
"""

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
