"""Reads the settings, loads the network in the background and serves the page: `python app.py` and `masklet serve`."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_core.errors import Cancelled, ConfigError, MaskletError
from sam2_core.media.decoders import Decoders
from sam2_core.paths import install_command
from sam2_core.serving.better_model import BetterModel
from sam2_core.serving.detection_engine import DetectionEngine
from sam2_core.serving.detector_registry import DetectorRegistry, detector_entries
from sam2_core.serving.engine import Engine
from sam2_core.serving.model_choice import ZERO_GPU_MACHINE, Machine
from sam2_core.serving.model_registry import BuildEngine, ModelEntry, ModelRegistry, model_entries
from sam2_core.types import Progress
from ui.end_signals import EndSignals
from ui.gradio_stubs import no_stubs
from ui.logs import log_as_json
from ui.settings import Settings, load_settings

if TYPE_CHECKING:  # these import torch, and Gradio
    from sam2_core.serving.zero_gpu_call import RunCall
    from ui.app import Server

LONG_STEP = 5  # times the watchdog's time: for a text prompt, and where the compiler may run within a step
END_SECONDS = 5.0  # that a network which is loading, and long work, get to end by themselves
CLOSE_SECONDS = 20.0  # after which a server that cannot be closed is ended all the same


def engine_builder(settings: Settings, run_call: RunCall | None = None) -> BuildEngine:
    """The function that loads a network; torch is imported in its thread, so that the page is served at once.
    `run_call` lends GPUs to all networks but the bundled one."""

    def build(entry: ModelEntry, progress: Progress) -> Engine:
        progress(None, "Starting up")
        from sam2_core.serving.build import build_engine, build_zero_gpu_engine
        from sam2_core.serving.local import EngineLimits

        limits = EngineLimits(
            max_sessions=2 * settings.max_sessions,  # a visitor may have a medium and a camera
            max_objects=settings.max_objects,
            memory_bytes=settings.max_memory_mb * 1_000_000,
            max_step_seconds=settings.watchdog_seconds * (LONG_STEP if settings.compile else 1) or None,
        )
        start = partial(
            build_engine,
            entry.model,
            settings.local_device,
            checkpoint=entry.checkpoint or None,
            limits=limits,
            compiled=settings.compile,
        )
        try:
            if run_call is not None and not (entry.network is not None and entry.network.is_bundled):
                return build_zero_gpu_engine(entry.model, entry.checkpoint or None, run_call, limits, progress)
            return _start_on_ray(settings, entry, start, progress) if settings.ray else start(progress=progress)
        except Cancelled:
            raise
        except MaskletError as error:
            print(error, file=sys.stderr)
            raise type(error)(_without_folders(str(error), entry)) from error

    return build


def _start_on_ray(settings: Settings, entry: ModelEntry, start: Callable[[], Engine], progress: Progress) -> Engine:
    if find_spec("ray") is None:
        raise ConfigError(f"Engines on a cluster need Ray, which is not installed here: {install_command('ray')}")
    from sam2_core.serving.ray_engine import RayCluster, build_ray_engine

    cluster = RayCluster.parse(settings.ray, settings.ray_engines, settings.device)
    return build_ray_engine(entry.name, None if entry.checkpoint else entry.network, start, cluster, progress)


def _lend_gpus(settings: Settings) -> RunCall:
    if find_spec("spaces") is None:
        raise ConfigError(f"ZeroGPU needs the package spaces, which is not installed here: {install_command('zero')}")
    from sam2_core.serving.build import lend_gpus

    return lend_gpus(_entries(settings)[0].network)


def _without_folders(text: str, entry: ModelEntry) -> str:
    """A message for visitors, who must not learn where files lie on this machine."""
    downloaded = None if entry.network is None else entry.network.weights_on_disk
    for path in (entry.source, entry.checkpoint, entry.model, str(downloaded or "")):
        text = text.replace(path, Path(path).name) if path else text
    return text


def model_registry(settings: Settings, run_call: RunCall | None = None) -> ModelRegistry:
    """The networks on offer, the first of which begins to load; see `engine_builder`."""
    return ModelRegistry(_entries(settings), engine_builder(settings, run_call), settings.max_models)


def _entries(settings: Settings) -> list[ModelEntry]:
    first, checkpoint = settings.first_model, settings.first_checkpoint
    return model_entries(first, checkpoint, settings.other_models, settings.image_size)


def better_model(settings: Settings, registry: ModelRegistry) -> BetterModel:
    """Measures the machine, and where the setting `model` is auto fetches the network that suits it."""

    def measure() -> Machine:
        if settings.on_zero_gpu:
            return ZERO_GPU_MACHINE
        from sam2_core.serving.machine_probe import measure_machine

        return measure_machine(settings.device)

    return BetterModel(registry, measure, is_wanted=settings.may_fetch)


def detector_registry(settings: Settings) -> DetectorRegistry:
    """The detectors on offer for text prompts; nothing is loaded before one is used. Raises `ConfigError`."""

    def build(decoders: Decoders) -> DetectionEngine:
        from sam2_core.serving.build import build_detection_engine

        # A whole call, in which a detector may also be loaded from a slow disk.
        return build_detection_engine(settings.local_device, LONG_STEP * settings.watchdog_seconds or None, decoders)

    return DetectorRegistry(detector_entries(settings.detector_names), build)


def main(arguments: Sequence[str], environment: Mapping[str, str], program: str | None = None) -> int:
    """Serve until interrupted or told to end; returns the exit status. `program` is the name of the command in the
    help. The main thread must call."""
    try:
        with EndSignals() as signals:
            return _serve(load_settings(arguments, environment, program=program), signals)
    except KeyboardInterrupt:  # before there was anything to clean up
        return 0
    except MaskletError as error:
        print(error, file=sys.stderr)
        return 2


def _serve(settings: Settings, signals: EndSignals) -> int:
    if find_spec("gradio") is None:
        raise ConfigError(f"The page needs Gradio, which is not installed here: {install_command('app')}")
    if settings.log_format == "json":
        log_as_json()
    with no_stubs():
        import gradio.components.api_component  # noqa: F401 (which Gradio imports later, with a stub)

        from ui.app import Server

    signals.hold()
    run_call = _lend_gpus(settings) if settings.on_zero_gpu else None
    detectors = detector_registry(settings)
    models = model_registry(settings, run_call)
    server = Server(settings, models, detectors, better_model(settings, models))
    try:
        server.run(signals)
    finally:
        overdue = threading.Timer(CLOSE_SECONDS, _end_overdue, (server,))
        overdue.daemon = True
        overdue.start()
        server.close()
        has_ended = server.wait(END_SECONDS)
        overdue.cancel()
        if not has_ended:
            _end_at_once(0)
    return 0


def _end_overdue(server: Server) -> None:
    """The last resort where something hangs while the server closes."""
    server.sessions.remove_all_files()
    _end_at_once(1)


def _end_at_once(status: int) -> None:
    """End the process although some threads go on. Python would stop them in the midst of compiled code, which ends the
    process with an error of that code, or wait for them; all files of the server are removed already."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
