"""What runs in a process with a GPU that is lent for the length of one call (Hugging Face's ZeroGPU).

On a ZeroGPU Space no process has a GPU, and only functions decorated with `spaces.GPU` get one: the decorator forks
this process, waits until a GPU is free, and hands arguments and results over by pickle. What is relied on of `spaces`
(read in 0.51):

- `SPACES_ZERO_GPU` tells that this is such a Space. Importing it makes PyTorch pretend to have a GPU, which from then
  on only decorated functions may use; it has to come before anything that looks for one, and before Gradio launches.
- Networks that are moved to "cuda" in the thread that imported it are written to a file when Gradio launches, from
  which each new process reads them straight to its GPU. Other networks stay in this process's memory, and their copies
  in a new one move there themselves.
- A decorated generator hands over each value as soon as it is there. Closing it ends the call after the step under way.
- A process is given to another call as soon as its generator has come to its end, also while the last values wait to be
  taken; closing the generator then would end the other call.
- The process may serve further calls, of any visitor, or end at any time: what is kept in it is nothing but a cache.
- Exceptions lose their type, so ours are values (`CallStep.error`). What the decorator itself raises has a `title`.
- `duration`, in seconds, is how long the call is allowed to take at most. It is taken from the quota of whom
  `gradio.context.LocalContext.request` names by its header X-IP-Token, in the context in which the call begins; without
  one, from a small share that all have in common.
"""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch

from sam2_core.errors import Busy
from sam2_core.media import open_store
from sam2_core.model.sam import Network
from sam2_core.serving.commands import Command, Track
from sam2_core.tracking.device import fast_precision, is_out_of_memory
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, SessionLimits, TrackingSession
from sam2_core.tracking.session_transfer import ChangeRecorder, ObjectChanges, TransferTable
from sam2_core.weights import load_network

FEATURE_BYTES = 2 * 2**30
"""Of encoded frames that a process keeps on its GPU for further calls."""


@dataclass(frozen=True, slots=True)
class NetworkSource:
    """Where weights come from; see `weights.load_network`."""

    model: str
    checkpoint: str | None = None


@dataclass(frozen=True, slots=True)
class GpuCall:
    """One call: a command, and what it needs of its session, packed by a `TransferTable`. A `Track` is done, and
    answered, frame by frame. `seconds` is how long it may take."""

    network: NetworkSource
    device: str
    session: str
    media: str
    limits: SessionLimits
    revision: int
    objects: bytes
    command: Command[Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class CallStep:
    """What one step of a call has given, or the error that ended the call. It took so many `seconds`, in which so many
    images were `encoded`."""

    result: Any
    revision: int
    changes: Mapping[int, ObjectChanges]
    seconds: float
    encoded: int
    error: Exception | None = None


RunCall: TypeAlias = Callable[[GpuCall], Iterator[bytes]]
"""Runs a call where there is a GPU: its steps, each packed, as they come."""


def run_call(call: GpuCall) -> Iterator[bytes]:
    """The steps of a call, each packed by the counterpart of the table that packed its objects."""
    with torch.inference_mode():
        device = torch.device(call.device)
        table = TransferTable(device)
        yield from (table.pack(step) for step in _steps(call, table, device))


def call_seconds(call: GpuCall) -> int:
    """The `duration` of a call."""
    return math.ceil(call.seconds)


def zero_gpu_call() -> RunCall:
    """`run_call` on a ZeroGPU. The main thread must call, before Gradio launches and anything looks for a GPU."""
    import spaces

    decorated: RunCall = spaces.GPU(run_call, duration=call_seconds)
    return decorated


# --- networks ---------------------------------------------------------------------------------------------------------

_networks: dict[NetworkSource, Network] = {}
"""Those of this process, which processes that are forked later find here, too."""


_in_place: set[NetworkSource] = set()
"""Those that stay."""


def share_network(source: NetworkSource, network: Network) -> None:
    """Let the calls of processes that are forked from now on have a network without loading it."""
    _networks[source] = network


def shared_network(source: NetworkSource) -> Network | None:
    """One that is shared already."""
    return _networks.get(source)


def unshare_network(source: NetworkSource) -> None:
    """Forget a network, unless it was put in place for all calls."""
    if source not in _in_place:
        _networks.pop(source, None)


def place_network(source: NetworkSource) -> None:
    """Load a network and put it where each process has it soonest. The main thread must call after `zero_gpu_call`,
    and before Gradio launches."""
    share_network(source, load_network(source.model, source.checkpoint).requires_grad_(False).to("cuda"))
    _in_place.add(source)


@dataclass(slots=True)
class _Placed:
    """A network on the GPU of this process, and frames that it has encoded there."""

    network: Network
    cache: FeatureCache = field(default_factory=lambda: FeatureCache(FEATURE_BYTES))


_placed: dict[tuple[NetworkSource, str], _Placed] = {}


def _place(source: NetworkSource, device: torch.device) -> _Placed:
    key = source, str(device)
    if key not in _placed:
        network = _networks.get(source)
        if network is None:  # this process was forked before it was loaded
            network = load_network(source.model, source.checkpoint).requires_grad_(False)
        _placed[key] = _Placed(network.to(device))
    return _placed[key]


# --- steps ------------------------------------------------------------------------------------------------------------


def _steps(call: GpuCall, table: TransferTable, device: torch.device) -> Iterator[CallStep]:
    placed = _place(call.network, device)
    segmenter = Segmenter(placed.network, fast_precision(device))
    store = open_store(call.media)
    try:
        about = store.info
        size = ClipSize(about.frames, about.height, about.width, about.sizes)
        session = TrackingSession(call.session, segmenter, store, size, placed.cache, call.limits)
        session.objects, session.revision = table.unpack(call.objects), call.revision
        recorder = ChangeRecorder(session.objects)
        for command in _parts(call.command):
            step = _apply(command, session, recorder, placed.cache)
            yield step
            if step.error is not None:
                return
    finally:
        store.close()


def _parts(command: Command[Any]) -> Iterator[Command[Any]]:
    if not isinstance(command, Track):
        yield command
        return
    for place in range(len(command.frames)):
        yield Track(command.frames[place : place + 1], command.revision, command.objects)


def _apply(command: Command[Any], session: TrackingSession, recorder: ChangeRecorder, cache: FeatureCache) -> CallStep:
    start, encoded = time.perf_counter(), cache.computed
    try:
        result = command.apply(session)
    except Exception as error:
        return CallStep(None, session.revision, {}, 0.0, 0, _picklable(error))
    changes = recorder.take(session.objects)
    return CallStep(result, session.revision, changes, time.perf_counter() - start, cache.computed - encoded)


def _picklable(error: Exception) -> Exception:
    if is_out_of_memory(error):
        return Busy("The device has no memory left. Wait a moment and try again, or select fewer objects.")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what was pickled here
    except Exception:  # whatever an exception of some library raises on its way
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
