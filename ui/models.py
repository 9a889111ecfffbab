"""What is told about networks: the one that a session works with, and those that the server offers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from sam2_core.errors import Busy, MaskletError
from sam2_core.serving.better_model import BetterModel
from sam2_core.serving.model_choice import UNKNOWN_SPEED, Machine, Speed, estimate_speed
from sam2_core.serving.model_quality import quality_of
from sam2_core.serving.model_registry import ModelEntry, ModelHandle, ModelRegistry, SessionModels
from ui.jobs import Job, Send
from ui.protocol import BetterModelEvent, ModelData, ModelEvent, ModelsEvent, SpeedData

POLL_SECONDS = 0.3


async def load_model(models: ModelRegistry | SessionModels, name: str, job: Job) -> ModelHandle:
    """Hold a network and wait until it is loaded; the caller releases it.

    Raises `BadPrompt` for a name that is not offered, `Busy` where it cannot be loaded, and `JobCancelled`.
    """
    handle = models.acquire(name)
    try:
        while not (status := handle.loader.status).ready:
            if status.error:
                raise Busy(status.error)
            job.report(status.fraction, status.message)
            await job.wait(asyncio.sleep(POLL_SECONDS))
    except BaseException:
        handle.release()
        raise
    return handle


async def report_loading(model_in_use: Callable[[], ModelHandle], send: Send) -> None:
    """Send how far loading the network in use is, until it has ended."""
    while True:
        event = model_event(model_in_use())
        send(event)
        if event.ready or event.error:
            return
        await asyncio.sleep(POLL_SECONDS)


def model_event(handle: ModelHandle) -> ModelEvent:
    """The `model` event of a network."""
    entry, status = handle.entry, handle.loader.status
    return ModelEvent(
        ready=status.ready,
        fraction=status.fraction,
        message=status.message,
        error=status.error,
        name=entry.name,
        title=entry.title,
        device=_device(handle)[0],
    )


def models_event(handle: ModelHandle, models: Sequence[ModelData]) -> ModelsEvent:
    """The `models` event: the network in use, and what `describe_models` gives."""
    device, memory = _device(handle)
    return ModelsEvent(current=handle.entry.name, device=device, memory=memory, models=tuple(models))


def better_model_event(better: BetterModel | None) -> BetterModelEvent | None:
    """The `better_model` event; None where no network is fetched."""
    if better is None or better.entry is None or better.entry.network is None or better.status is None:
        return None
    entry, network, status = better.entry, better.entry.network, better.status
    return BetterModelEvent(
        state=status.state,
        name=entry.name,
        title=entry.title,
        replaces=better.replaces,
        megabytes=round(network.megabytes, 1),
        fraction=status.fraction,
        message=status.message,
    )


def describe_models(models: ModelRegistry | SessionModels, better: BetterModel | None = None) -> list[ModelData]:
    """The networks that a server offers to everybody, or to one session. Blocks: looks for their weights.

    `better` has measured the machine, by which speeds are estimated.
    """
    machine = None if better is None else better.machine
    return [
        _describe(entry, models.is_loaded(entry.name), _speed_data(models.speed(entry.name)), machine)
        for entry in models.entries
    ]


def _describe(entry: ModelEntry, is_loaded: bool, measured: SpeedData | None, machine: Machine | None) -> ModelData:
    network = entry.network
    if network is None:
        weights: Literal["trained", "own"] = "trained" if entry.is_private else "own"
        return ModelData(name=entry.name, title=entry.title, weights=weights, loaded=is_loaded, measured=measured)
    picture, frame = network.relative_gflops
    quality = quality_of(network)
    return ModelData(
        name=entry.name,
        title=entry.title,
        weights="bundled" if network.is_bundled else "downloaded" if network.weights_on_disk else "remote",
        loaded=is_loaded,
        parameters=network.parameters,
        megabytes=round(network.megabytes, 1),
        licence=network.license,
        picture=picture,
        frame=frame,
        network=network.base_name,
        image_size=network.image_size,
        quality=quality.words,
        figure=quality.figure or None,
        source=quality.source or None,
        measured=measured,
        estimated=None if machine is None else _speed_data(estimate_speed(network, machine)),
    )


def _speed_data(speed: Speed) -> SpeedData | None:
    """None where nothing is known."""
    if speed == UNKNOWN_SPEED:
        return None
    photo, rate = speed.photo_seconds, speed.frames_per_second
    return SpeedData(
        photo_seconds=None if photo is None else float(f"{photo:.2g}"),
        frames_per_second=None if rate is None else float(f"{rate:.2g}"),
    )


def _device(handle: ModelHandle) -> tuple[str, float | None]:
    """What a network runs on, and the share of its memory that is in use; ("", None) while it does not run."""
    try:
        status = handle.loader.engine().status()
    except MaskletError:
        return "", None
    return status.device, status.memory
