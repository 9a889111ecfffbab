"""Compare the speed of Masklet with that of the official SAM 2 code, side by side in one process.

    git clone https://github.com/facebookresearch/sam2 ../sam2 && pip install -e ../sam2   # or only what it imports
    python -m benchmarks.against_official ../sam2 --model sam2.1_hiera_tiny

Both run the same weights (`--checkpoint`, else random ones) through the same Python API, in fp32 and under
`torch.autocast` in bfloat16; on CUDA the official code also runs compiled, as `vos_optimized=True`. All take turns, so
that a disturbance hits them alike. Prints medians in seconds, and Masklet's time as a multiple of the best official
one. A tracked frame includes its encoding; the memory is full.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from PIL import Image

import sam2_core
from sam2_core.networks import known_network
from sam2_core.serving.build import choose_device

WORK = ("image", "click", "track1", "track3", "automatic")
OFFICIAL, OURS = "official", "Masklet"
_MEMORY_FRAMES = 7
_SIZES = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}


@dataclass(frozen=True, eq=False)
class Side:
    """One implementation in one precision. `api` has the official names; `extra` are arguments of its builder of
    video predictors."""

    name: str
    precision: str
    api: ModuleType
    context: Callable[[], AbstractContextManager[object]]
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all sides have in common."""

    model: str
    checkpoint: Path
    device: torch.device
    grid: int
    folder: Path

    @property
    def config(self) -> str:
        """The official name of the configuration."""
        version, size = self.model.split("_hiera_")
        return f"configs/{version}/{version}_hiera_{_SIZES[size]}.yaml"


class OfficialApi(ModuleType):
    """The official names of a checkout in one place, as `sam2_core` has them."""

    def __init__(self, checkout: Path) -> None:
        super().__init__("official")
        sys.path.insert(0, str(checkout))
        build = import_module("sam2.build_sam")
        self.build_sam2, self.build_sam2_video_predictor = build.build_sam2, build.build_sam2_video_predictor
        self.SAM2ImagePredictor = import_module("sam2.sam2_image_predictor").SAM2ImagePredictor
        self.SAM2AutomaticMaskGenerator = import_module("sam2.automatic_mask_generator").SAM2AutomaticMaskGenerator


def picture(height: int, width: int, shift: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Soft noise in color, moved by `shift` pixels: (height, width, 3)."""
    noise = np.random.default_rng(0).integers(0, 255, (height // 24, width // 24, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(np.roll(image, shift, axis=1))


def write_clip(folder: Path, frames: int) -> None:
    """A clip of 1280 x 720 as the official code reads it: numbered JPEGs."""
    for frame in range(frames):
        Image.fromarray(picture(720, 1280, 4 * frame)).save(folder / f"{frame:05d}.jpg", quality=92)


def image_run(side: Side, setting: Setting, work: str) -> Callable[[], object]:
    """Encoding a photo ("image"), a click on it with the embedding there ("click"), or all masks of one."""
    network = side.api.build_sam2(setting.config, str(setting.checkpoint), device=setting.device)
    if work == "automatic":
        generator = side.api.SAM2AutomaticMaskGenerator(network, points_per_side=setting.grid)
        small = picture(480, 640)
        return lambda: generator.generate(small)
    predictor, photo = side.api.SAM2ImagePredictor(network), picture(1200, 1800)
    if work == "image":
        return lambda: predictor.set_image(photo)
    with torch.inference_mode(), side.context():
        predictor.set_image(photo)
    return lambda: predictor.predict(np.array([[900.0, 600.0]]), np.array([1]))


def tracking_run(side: Side, setting: Setting, objects: int) -> Callable[[], object]:
    """Tracking `objects` onto the next frame; the memory is full from the first call on."""
    predictor = side.api.build_sam2_video_predictor(
        setting.config, str(setting.checkpoint), device=setting.device, **side.extra
    )
    with torch.inference_mode(), side.context():
        state = predictor.init_state(str(setting.folder))
        for number in range(objects):
            point = np.array([[300.0 + 250 * number, 360.0]], np.float32)
            predictor.add_new_points_or_box(state, 0, number + 1, points=point, labels=np.array([1], np.int32))
        frames = predictor.propagate_in_video(state)
        for _ in range(_MEMORY_FRAMES):
            next(frames)
    return lambda: next(frames)


def timed(side: Side, run: Callable[[], object], device: torch.device) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    with torch.inference_mode(), side.context():
        run()
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter() - start


def measure(work: str, sides: list[Side], setting: Setting, rounds: int) -> dict[Side, float]:
    """Median seconds of each side, which take turns."""
    runs: dict[Side, Callable[[], object]] = {}
    for side in sides:
        if work.startswith("track"):
            runs[side] = tracking_run(side, setting, int(work.removeprefix("track")))
        else:
            runs[side] = image_run(side, setting, work)
    times: dict[Side, list[float]] = {side: [] for side in sides}
    if work != "automatic":
        for side in sides:
            timed(side, runs[side], setting.device)  # warms up
    for _ in range(1 if work == "automatic" else rounds):
        for side in sides:
            times[side].append(timed(side, runs[side], setting.device))
    return {side: statistics.median(times[side]) for side in sides}


def random_checkpoint(api: ModuleType, setting: Setting) -> None:
    """Write the official network's initial weights."""
    torch.manual_seed(0)
    network = api.build_sam2(setting.config, None, device="cpu")
    torch.save({"model": network.state_dict()}, setting.checkpoint)


def all_sides(official: ModuleType, device: torch.device) -> list[Side]:
    """Both implementations in both precisions, the official one on CUDA also compiled."""
    autocast = partial(torch.autocast, device.type, torch.bfloat16)
    sides = [
        Side(name, precision, api, context)
        for precision, context in (("fp32", nullcontext), ("bf16", autocast))
        for name, api in ((OFFICIAL, official), (OURS, sam2_core))
    ]
    if device.type == "cuda":
        sides += [
            Side(name, "bf16 compiled", api, autocast, {"vos_optimized": True})
            for name, api in ((OFFICIAL, official), (OURS, sam2_core))
        ]
    return sides


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="folder of the official repository")
    parser.add_argument("--model", default="sam2.1_hiera_tiny")
    parser.add_argument("--checkpoint", type=Path, help="weights; without them random ones")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--work", nargs="+", choices=[*WORK, "track10"], default=WORK)
    parser.add_argument("--grid", type=int, default=32, help="points per side for automatic masks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["fp32", "bf16"], help="one precision alone")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    official = OfficialApi(arguments.checkout.resolve())
    sides = [side for side in all_sides(official, device) if arguments.only in (None, side.precision)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        checkpoint = arguments.checkpoint or root / "random.pt"
        clip = root / "clip"
        clip.mkdir()
        write_clip(clip, _MEMORY_FRAMES + arguments.rounds + 2)
        setting = Setting(known_network(arguments.model).name, checkpoint, device, arguments.grid, clip)
        if arguments.checkpoint is None:
            random_checkpoint(official, setting)
        print(f"{setting.model} on {device}, {torch.get_num_threads()} threads; seconds (median of {arguments.rounds})")
        print(f"{'':10s}" + "".join(f"{side.name + ' ' + side.precision:>24s}" for side in sides) + f"{'ratio':>9s}")
        for work in arguments.work:
            medians = measure(work, sides, setting, arguments.rounds)
            best = {name: min(medians[side] for side in sides if side.name == name) for name in (OFFICIAL, OURS)}
            row = "".join(f"{medians[side]:24.3f}" for side in sides)
            print(f"{work:10s}{row}{best[OURS] / best[OFFICIAL]:9.2f}", flush=True)


if __name__ == "__main__":
    main()
