"""Training runs of a few seconds: a network of 64 pixels and pictures whose objects are red on blue."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from sam2_core.training.config import TrainingConfig, _build
from sam2_core.training.data_loading import TrainingData
from tests.networks import TINY
from tests.training.synthetic.red import BLUE, RED, red_image

PHASE = {"batch": 1, "objects": 2, "corrections": [0, 1], "clip_batch": 1, "clip_frames": [2, 3], "clip_objects": 1}


def tiny_yaml(folder: Path) -> str:
    """The tiny network as a file that a configuration can name."""
    file = folder / "tiny.yaml"
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(TINY).items()}
    file.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return str(file)


def tiny_config(folder: Path, **changes: Any) -> TrainingConfig:
    """A run from scratch of four steps, half of them on clips."""
    values: dict[str, Any] = {"steps": 4, "warmup_steps": 2, "phases": [{**PHASE, "clips": 0.5}], "seed": 3}
    if "init" not in changes:
        values["network"] = tiny_yaml(folder)
    return _build(TrainingConfig, values | changes, "test")


def tiny_data() -> TrainingData:
    """Two pictures, with an object in the middle and one at the edge."""
    return TrainingData(labeled=[red_image(), red_image(64, 50)])


def save_images(folder: Path, count: int, height: int = 48, width: int = 64) -> Path:
    """A data set in the folder layout: pictures named 00, 01, ..., each with one red box."""
    for number in range(count):
        mask = np.zeros((height, width), np.bool_)
        mask[10:36, 4 + number % 20 : 34 + number % 20] = True
        image = np.where(mask[..., None], np.uint8(RED), np.uint8(BLUE))
        for part, pixels in (("images", image), ("masks", mask.astype(np.uint8) * 255)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / part / f"{number:02}.png")
    return folder
