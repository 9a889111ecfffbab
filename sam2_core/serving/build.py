"""From a name to a running engine."""

from __future__ import annotations

import copy
import logging
import os

import numpy as np
import torch

from sam2_core.detection.loading import load_detector
from sam2_core.errors import ConfigError, WeightsError
from sam2_core.media.decoders import IN_PROCESS, Decoders
from sam2_core.model.compilation import compile_for_gpu
from sam2_core.model.input_geometry import frame_input
from sam2_core.model.sam import Network
from sam2_core.networks import KnownNetwork, known_network
from sam2_core.serving.detection_engine import DetectionEngine
from sam2_core.serving.engine import Engine
from sam2_core.serving.local import EngineLimits, LocalEngine
from sam2_core.serving.model_choice import ZERO_GPU_MACHINE, choose_network, entry_name
from sam2_core.serving.pool import EnginePool
from sam2_core.serving.restarting import RestartingEngine
from sam2_core.serving.zero_gpu_call import NetworkSource, RunCall, place_network, shared_network, zero_gpu_call
from sam2_core.serving.zero_gpu_engine import ZeroGPUEngine
from sam2_core.tracking.device import best_device, fast_precision, limit_threads
from sam2_core.tracking.memory_bank import MemorySelection
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.types import Progress
from sam2_core.weights import load_network

_log = logging.getLogger(__name__)

KINDS_OF_DEVICE = ("cpu", "cuda", "mps", "xpu")


def build_engine(
    model: str | os.PathLike[str],
    device: str = "auto",
    progress: Progress | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    limits: EngineLimits | None = None,
    compiled: bool = False,
) -> Engine:
    """Load a network by name or by checkpoint path, put it on its devices and start the engine. Both may carry the
    side of the input ("sam2.1_hiera_tiny@512", "mine.pt@512").

    `device` is "auto" (CUDA, else MPS, else CPU), any torch device, or several with commas between them
    ("cuda:0,cuda:1"), over which the sessions are spread. On GPUs a `compiled` network starts minutes later, and is
    faster then. Raises `WeightsError` and `ConfigError`.
    """
    limit_threads()
    places = choose_devices(device)
    network = load_network(os.fspath(model), checkpoint or None, progress).requires_grad_(False)
    if progress is not None:
        progress(None, "Warming up")
    many = len(places) > 1
    engines = [_start(copy.deepcopy(network) if many else network, place, limits, compiled) for place in places]
    return engines[0] if len(engines) == 1 else EnginePool(engines)


def lend_gpus(first: KnownNetwork | None) -> RunCall:
    """What runs calls on the GPUs of a ZeroGPU Space. The network that visitors will use there, which is the `first`
    one unless that is bundled, is put in place for all calls if it has been downloaded already. The main thread must
    call, before Gradio launches."""
    run_call = zero_gpu_call()
    if first is not None and first.is_bundled:
        choice = choose_network(ZERO_GPU_MACHINE)
        first = None if choice is None else known_network(entry_name(choice))
    if first is not None and first.weights_on_disk is not None:
        try:
            place_network(NetworkSource(first.name))
        except WeightsError:  # which whoever chooses it is told; the others need not wait for that
            _log.exception("%s cannot be put in place", first.title)
    return run_call


def build_zero_gpu_engine(
    model: str, checkpoint: str | None, run_call: RunCall, limits: EngineLimits | None, progress: Progress | None = None
) -> ZeroGPUEngine:
    """An engine whose network runs in calls; loaded here, unless it is shared with them already. Raises
    `WeightsError`."""
    source = NetworkSource(model, checkpoint)
    network = shared_network(source) or load_network(model, checkpoint, progress).requires_grad_(False)
    return ZeroGPUEngine(network, source, run_call, limits)


def build_detection_engine(
    device: str = "auto", max_call_seconds: float | None = None, decoders: Decoders = IN_PROCESS
) -> DetectionEngine:
    """An engine for text prompts on the first of these devices, see `build_engine`. Nothing is loaded yet.

    `max_call_seconds`, `decoders`: see `DetectionEngine`. Raises `ConfigError`.
    """
    place = choose_devices(device)[0]

    return DetectionEngine(
        lambda name, progress: load_detector(name, place, progress),
        max_call_seconds=max_call_seconds,
        decoders=decoders,
    )


def _start(network: Network, place: torch.device, limits: EngineLimits | None, compiled: bool) -> Engine:
    network = network.to(place)
    if compiled:
        compile_for_gpu(network, place.type)
    warm_up(network)
    if limits is None or limits.max_step_seconds is None:
        return LocalEngine(network, limits)
    return RestartingEngine(lambda on_lost: LocalEngine(network, limits, on_lost))


def choose_devices(devices: str) -> list[torch.device]:
    """Turn a setting, one device or several with commas between them, into devices that exist here."""
    places = [choose_device(each.strip()) for each in devices.split(",")]
    return list(dict.fromkeys(places))


def choose_device(device: str) -> torch.device:
    """Turn a setting into a device that exists here; raises `ConfigError`."""
    if device == "auto":
        return best_device()
    try:
        place = torch.device(device)
        if place.type not in KINDS_OF_DEVICE:
            raise RuntimeError(f"known are {', '.join(KINDS_OF_DEVICE)}")
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"The device {device!r} cannot be used here ({reason}). Try --device auto.") from error
    return place


@torch.inference_mode()
def warm_up(network: Network) -> None:
    """Run every part once, so that no visitor waits for kernels to be chosen."""
    segmenter = Segmenter(network, fast_precision(network.device))
    size = network.image_size
    pixels = np.zeros((size, size, 3), dtype=np.uint8)
    features = segmenter.encode(frame_input(pixels, network.geometry(size, size)))
    middle = torch.full((1, 1, 2), size / 2, device=network.device)
    label = torch.ones(1, 1, dtype=torch.int32, device=network.device)
    output = segmenter.from_prompt(features, (middle, label), None, None)
    if segmenter.can_track:
        memory = segmenter.encode_memory(features, output, prompted=True)
        segmenter.track(features, MemorySelection(((0, memory),), ((1, memory),)))
