"""What crosses between the server and a GPU that is lent by the call.

    python -m benchmarks.zero_gpu [--model nano sam2.1_hiera_tiny] [--device auto] [--random]

Kilobytes into and out of calls for one object with as much memory as there can be: opening a clip, the first click, the
correction of a tracked frame, and tracking one frame and eight. `--random` takes random weights, which changes no size
but that of the masks. The calls run in this process.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from sam2_core.media import ingest
from sam2_core.model.sam import Network
from sam2_core.networks import network_config
from sam2_core.paths import ROOT
from sam2_core.serving.build import choose_device
from sam2_core.serving.commands import SetPrompt, Track
from sam2_core.serving.zero_gpu_call import GpuCall, NetworkSource, run_call
from sam2_core.serving.zero_gpu_engine import ZeroGPUEngine
from sam2_core.types import Point, Prompt
from sam2_core.weights import empty_network, load_network

CLIPS = ROOT / "assets" / "examples"
CLICK, CORRECTION = Point(80.0, 60.0), Point(90.0, 70.0)
FRAMES = 8


@dataclass
class Crossings:
    """Runs calls and notes the bytes into each, and out of each of its steps."""

    sent: list[int] = field(default_factory=list)
    received: list[list[int]] = field(default_factory=list)

    def __call__(self, call: GpuCall) -> Iterator[bytes]:
        """See `RunCall`."""
        self.sent.append(len(pickle.dumps(call, -1)))
        self.received.append([])
        for step in run_call(call):
            self.received[-1].append(len(step))
            yield step


def measure(network: Network, source: NetworkSource, device: str, clip: str) -> list[tuple[str, int, int]]:
    """What crosses, and bytes in and out."""
    crossings = Crossings()
    engine = ZeroGPUEngine(network, source, crossings, device=device)
    session = engine.open(clip).result().id

    def track(first: int, revision: int) -> None:
        engine.run(session, Track(range(first, first + FRAMES), revision)).result()

    track(1, engine.run(session, SetPrompt(0, 1, Prompt((CLICK,)))).result().revision)
    track(1 + FRAMES, engine.run(session, SetPrompt(FRAMES, 1, Prompt((CLICK, CORRECTION)))).result().revision)
    engine.shut_down()
    click, _, correction, tracking = zip(crossings.sent, crossings.received, strict=True)
    return [
        ("open", 0, 0),
        ("first click", click[0], sum(click[1])),
        ("correction", correction[0], sum(correction[1])),
        ("track 1", tracking[0], tracking[1][0]),
        (f"track {FRAMES}", tracking[0], sum(tracking[1][:FRAMES])),
    ]


def random_network(name: str) -> Network:
    """A network of the shapes of a known one."""
    torch.manual_seed(0)
    network = empty_network(network_config(name)).to_empty(device="cpu").eval().requires_grad_(False)
    for tensor in (*network.parameters(), *network.buffers()):
        if tensor.is_floating_point():
            torch.nn.init.normal_(tensor, std=0.02)
    return network


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", default=["nano", "sam2.1_hiera_tiny"])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--random", action="store_true")
    options = parser.parse_args(arguments)
    device = str(choose_device(options.device))
    with tempfile.TemporaryDirectory() as folder:
        ingest(next(CLIPS.glob("*.mp4")), Path(folder) / "store")
        for name in options.model:
            network = random_network(name) if options.random else load_network(name).requires_grad_(False)
            print(f"{name:20}{'in kB':>10}{'out kB':>10}", flush=True)
            for what, sent, received in measure(network, NetworkSource(name), device, str(Path(folder) / "store")):
                print(f"{what:20}{sent / 1000:>10,.1f}{received / 1000:>10,.1f}")


if __name__ == "__main__":
    main()
