"""Programs in the place of the one that trains."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from sam2_core.serving.model_registry import ModelEntry

SAY = "import json, pathlib, sys, time\nsay = lambda **plain: print(json.dumps(plain), flush=True)\n"
GOOD = """
data, run = map(pathlib.Path, sys.argv[1:3])
run.mkdir()
assert (data / "manifest.jsonl").is_file() and len(list((data / "images").iterdir())) == 2
print("reading", flush=True)
say(fraction=0.5, message="Training")
(run / "weights.safetensors").write_bytes(b"weights")
say(before={"click1": 0.6}, after={"click1": 0.75}, measured=1, masks=3, weights=str(run / "weights.safetensors"))
"""
ENDLESS = """
pathlib.Path("pid").write_text(str(__import__("os").getpid()))
say(fraction=0.1, message="Training")
time.sleep(600)
"""


class Trainer:
    """What stands in the place of the program that trains: its text, and the arguments of its calls."""

    def __init__(self) -> None:
        self.program = GOOD
        self.calls: list[tuple[ModelEntry, float]] = []

    def __call__(self, dataset: Path, run: Path, entry: ModelEntry, minutes: float) -> Sequence[str]:
        self.calls.append((entry, minutes))
        return [sys.executable, "-c", SAY + self.program, str(dataset), str(run)]
