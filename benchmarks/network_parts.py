"""Time the parts of a network on one device, in fp32 and bfloat16.

    python -m benchmarks.network_parts --model nano --device cpu

Prints medians in milliseconds: preprocessing a 1280 x 720 image, encoding it, a click, a click with its mask at full
size, and tracking one object onto one frame (without and with encoding the frame).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch

from sam2_core.model.network import SAM2
from sam2_core.model.preprocess import pixels_to_input
from sam2_core.serving.build import choose_device
from sam2_core.tracking.device import has_fast_bfloat16
from sam2_core.tracking.masks import object_mask
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.weights import load_sam2

HEIGHT, WIDTH = 720, 1280


def parts(network: SAM2, segmenter: Segmenter) -> dict[str, Callable[[], object]]:
    """The functions to time, by name."""
    size, device = network.image_size, network.device
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    image = pixels_to_input(pixels, size)
    features = segmenter.encode(image)
    click = torch.full((1, 1, 2), size / 2, device=device), torch.ones(1, 1, dtype=torch.int32, device=device)
    output = segmenter.encode_memory(features, segmenter.from_prompt(features, click, None, None), prompted=True)
    config, geometry = network.config, network.geometry(HEIGHT, WIDTH)
    rules = MemoryRules(config.memory_slots, config.max_pointers)
    bank = MemoryBank(rules, {0: output}, dict.fromkeys(range(1, 20), output))
    selection = bank.select(20, reverse=False, frames=100)
    return {
        "prepare": lambda: pixels_to_input(pixels, size),
        "encode": lambda: segmenter.encode(image),
        "click": lambda: segmenter.from_prompt(features, click, None, None),
        "click + mask": lambda: object_mask(
            1, segmenter.from_prompt(features, click, None, None), geometry, config.ratings
        ),
        "track": lambda: segmenter.track(features, selection),
        "frame": lambda: object_mask(
            1, segmenter.track(segmenter.encode(pixels_to_input(pixels, size)), selection), geometry, config.ratings
        ),
    }


def timed(run: Callable[[], object], device: torch.device) -> float:
    """Milliseconds of one run."""
    start = time.perf_counter()
    run()
    if device.type != "cpu":
        torch.accelerator.synchronize(device)  # waits for the queued work
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Time the parts in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = choose_device(arguments.device)
    network = load_sam2(arguments.model).requires_grad_(False).to(device)
    precisions: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "fp32": nullcontext,
        "bf16": partial(torch.autocast, device.type, torch.bfloat16),
    }
    with torch.inference_mode():
        table = {name: parts(network, Segmenter(network, precision)) for name, precision in precisions.items()}
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(arguments.rounds):
            for part in table["fp32"]:
                for name in precisions:
                    times.setdefault((part, name), []).append(timed(table[name][part], device))
    print(f"{arguments.model} on {device}, {torch.get_num_threads()} threads; engine: ", end="")
    print("bf16" if has_fast_bfloat16(device) else "fp32")
    print(f"{'ms (median)':14s}{'fp32':>9s}{'bf16':>9s}{'fp32/bf16':>11s}")
    for part in table["fp32"]:
        fp32, bf16 = (statistics.median(times[part, name]) for name in precisions)
        print(f"{part:14s}{fp32:9.1f}{bf16:9.1f}{fp32 / bf16:11.2f}")


if __name__ == "__main__":
    main()
