"""Which official network suits a machine, and how fast networks would be there: plain functions of measurements."""

from __future__ import annotations

from dataclasses import dataclass

from sam2_core.networks import NETWORKS, KnownNetwork

FULL_SIZE, HALF_SIZE = 1024, 512
"""Input sizes in pixels: the one that the official networks were trained at, and one with a quarter of the work."""

MAX_PHOTO_SECONDS = 2.0
MAX_FRAME_SECONDS = 4.0
"""On a CPU, a network that would take longer for a photo or for a tracked frame runs at half the size."""

MAX_PATIENCE_SECONDS = 20.0
"""Where even the smallest network would take longer for a photo, none is better than the bundled one."""

MIN_CORES = 4
"""With fewer cores, a photo at full size would take them all from the page for too long."""

MAX_GPU_FRAME_SECONDS = 0.5
"""On a GPU, the largest network that tracks this fast is taken."""

_GPU_GIGABYTES = {"base_plus": 7.0, "small": 4.0, "tiny": 2.0}
"""Free memory for the weights, the features of many frames, and the work itself, with bfloat16."""

_WITHOUT_BFLOAT16 = 1.6  # times the memory is needed then
_UNKNOWN_GIGABYTES = 4.0
_NETWORK_SHARE, _FP32_SHARE = 0.3, 0.75
"""Of the probe's speed, in a whole network, as measured on CPUs with matrix units and in fp32: the faster the products
are, the more of the time goes into waiting for memory."""

_OVERHEAD_SECONDS = 0.03  # decoding a picture, packing a mask


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured of the device that networks run on.

    `device` is "cpu", "cuda", "mps" or "xpu", `gigabytes` its free memory (None: unknown), and `gflops` how many
    operations a second it does in the kind of products that networks consist of, in the precision that they use.
    """

    device: str
    cores: int
    has_bfloat16: bool
    gigabytes: float | None
    gflops: float


ZERO_GPU_MACHINE = Machine("cuda", 2, True, 70.0, 50_000.0)
"""Half of an H200, as Hugging Face lends it for the length of a call: assumed, as nothing can be measured before."""


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """A network, and the side of its square input in pixels."""

    network: str
    image_size: int = FULL_SIZE


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds from opening a picture to the first mask, and frames tracked a second with one object; None: unknown."""

    photo_seconds: float | None = None
    frames_per_second: float | None = None


UNKNOWN_SPEED = Speed()


def entry_name(choice: NetworkChoice) -> str:
    """The name under which a choice is on offer, such as sam2.1_hiera_tiny@512."""
    return NETWORKS[choice.network].resized(choice.image_size).name


def choose_network(machine: Machine) -> NetworkChoice | None:
    """The best official network for a machine; None where even the smallest would be a burden."""
    return _choose_for_cpu(machine) if machine.device == "cpu" else _choose_for_gpu(machine)


def _choose_for_cpu(machine: Machine) -> NetworkChoice | None:
    return _choose_tiny(machine, may_be_full=machine.cores >= MIN_CORES)


def _choose_for_gpu(machine: Machine) -> NetworkChoice | None:
    gigabytes = _UNKNOWN_GIGABYTES if machine.gigabytes is None else machine.gigabytes
    if not machine.has_bfloat16:
        gigabytes /= _WITHOUT_BFLOAT16
    for size, needed in _GPU_GIGABYTES.items():
        network = NETWORKS[f"sam2.1_hiera_{size}"]
        frame = _seconds(network, machine)[1]
        if gigabytes >= needed and frame is not None and frame <= MAX_GPU_FRAME_SECONDS:
            return NetworkChoice(network.name)
    return _choose_tiny(machine, may_be_full=True) if gigabytes >= min(_GPU_GIGABYTES.values()) else None


def _choose_tiny(machine: Machine, may_be_full: bool) -> NetworkChoice | None:
    tiny = NETWORKS["sam2.1_hiera_tiny"]
    photo, frame = _seconds(tiny, machine)
    if may_be_full and photo <= MAX_PHOTO_SECONDS and frame is not None and frame <= MAX_FRAME_SECONDS:
        return NetworkChoice(tiny.name)
    if _seconds(tiny.resized(HALF_SIZE), machine)[0] <= MAX_PATIENCE_SECONDS:
        return NetworkChoice(tiny.name, HALF_SIZE)
    return None


def estimate_speed(network: KnownNetwork, machine: Machine) -> Speed:
    """About how fast a network is at its size of input, from its operations."""
    photo, frame = _seconds(network, machine)
    return Speed(photo, None if frame is None else 1 / frame)


def _seconds(network: KnownNetwork, machine: Machine) -> tuple[float, float | None]:
    """Seconds for a picture and for a tracked frame, if it can track."""
    photo, frame = network.gflops
    pace = machine.gflops * (_FP32_SHARE if machine.device == "cpu" and not machine.has_bfloat16 else _NETWORK_SHARE)
    return photo / pace + _OVERHEAD_SECONDS, None if frame is None else frame / pace + _OVERHEAD_SECONDS
