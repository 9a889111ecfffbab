"""Images and clips to try the page with: the gallery of photos and clips, and the picture of the start screen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import gradio.media

from sam2_core.paths import ROOT

ASSETS = ROOT / "assets"
GALLERY = ASSETS / "gallery"
THUMBNAIL_SIDE = 320  # pixels, of the shorter side

Kind = Literal["image", "clip"]


@dataclass(frozen=True, slots=True)
class Example:
    """An image or a clip; `name` is its part of addresses."""

    name: str
    title: str
    kind: Kind
    path: Path
    idea: str = ""
    """What to try with it, in a line; without one it is not in the gallery, but projects about it can be opened."""


def _real(name: str, title: str, idea: str, kind: Kind = "image") -> Example:
    return Example(name, title, kind, GALLERY / f"{name}{'.mp4' if kind == 'clip' else '.jpg'}", idea)


REAL = (
    _real("car", "Passing car", "Click on the car, then track it out of the picture.", "clip"),
    _real("pizza", "Pizza", "One click takes all of it. Then blur the table."),
    _real("signing", "Sign language", "Click on the sweater. Its mask leaves the hands out.", "clip"),
    _real("stars", "Star shirt", "One click, then download it with nothing behind it."),
    _real("visitor", "Visitor", "Click on the visitor, track, and put a spotlight on him.", "clip"),
    _real("desk", "Desk", "Drag a box around the mouse. New object: the keyboard."),
    _real("hat", "Straw hat", "Click on it, then look through the effects."),
    _real("sweater", "Green sweater", "One click, and it stands before another background."),
    _real("coffee", "Coffee break", "Click on the cake. New object: a box around the cup."),
)


@lru_cache(maxsize=1)
def examples() -> dict[str, Example]:
    """All examples whose file exists, by name: first the gallery, in its order, then what was in it formerly."""
    drawn = sorted((ASSETS / "examples").glob("*.mp4"))
    former = [Example(path.stem, path.stem.replace("_", " ").capitalize(), "clip", path) for path in drawn]
    former.append(Example("earth", "Earth", "clip", Path(gradio.media.get_video("b.mp4"))))
    files = {"Cheetah": "cheetah1.jpg", "Lion": "lion.jpg", "Sprint": "cheetah.jpg", "Tower": "tower.jpg"}
    get = gradio.media.get_image
    former += [Example(title.lower(), title, "image", Path(get(file))) for title, file in files.items()]
    return {example.name: example for example in (*REAL, *former) if example.path.is_file()}


@lru_cache(maxsize=1)
def hero() -> dict[str, Any]:
    """The picture of the start screen with the masks that it shows: see assets/gallery/make_hero_masks.py."""
    return dict(json.loads((GALLERY / "hero.json").read_text("utf-8")))


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
