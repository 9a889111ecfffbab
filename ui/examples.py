"""Images and clips to try the page with: those that come with Gradio, and the project's own clips."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import cv2
import gradio.media

from sam2_core.paths import ROOT

CLIPS_FOLDER = ROOT / "assets" / "examples"
THUMBNAIL_SIDE = 320  # pixels, of the shorter side


@dataclass(frozen=True, slots=True)
class Example:
    """An image or a clip; `name` is its part of addresses."""

    name: str
    title: str
    kind: Literal["image", "clip"]
    path: Path


@lru_cache(maxsize=1)
def examples() -> dict[str, Example]:
    """All examples whose file exists, by name, in the order in which they are shown."""
    own = sorted(CLIPS_FOLDER.glob("*.mp4"))
    clips = [Example(path.stem, path.stem.replace("_", " ").capitalize(), "clip", path) for path in own]
    clips.append(Example("earth", "Earth", "clip", Path(gradio.media.get_video("b.mp4"))))
    files = {"Cheetah": "cheetah1.jpg", "Lion": "lion.jpg", "Sprint": "cheetah.jpg", "Tower": "tower.jpg"}
    get = gradio.media.get_image
    images = [Example(title.lower(), title, "image", Path(get(file))) for title, file in files.items()]
    found = [example for pair in zip_longest(images, clips) for example in pair if example is not None]
    return {example.name: example for example in found if example.path.is_file()}


@lru_cache(maxsize=64)
def thumbnail(name: str) -> bytes | None:
    """A JPEG of the example, or None where there is no such example or it cannot be read. Blocks."""
    example = examples().get(name)
    if example is None:
        return None
    image = _early_frame(example.path) if example.kind == "clip" else cv2.imread(str(example.path))
    if image is None:
        return None
    scale = THUMBNAIL_SIDE / min(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def _early_frame(path: Path) -> cv2.typing.MatLike | None:
    clip = cv2.VideoCapture(str(path))
    try:
        clip.set(cv2.CAP_PROP_POS_FRAMES, clip.get(cv2.CAP_PROP_FRAME_COUNT) // 5)
        success, frame = clip.read()
        return frame if success else None
    finally:
        clip.release()
