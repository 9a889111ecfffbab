"""What the page must know from the start: limits, examples, colors, and the tables of downloads and effects."""

from __future__ import annotations

from typing import Any

from sam2_core.media import EDGES, EFFECTS, KINDS, PRESETS, color_of, hex_of
from sam2_core.media.effects.look import LONGEST_TEXT, MOST_LAYERS, Effect, Setting
from ui.annotations import MAX_PROMPTS
from ui.examples import catalogue
from ui.previews import SIDES
from ui.reading import MAX_BOXES, MAX_MASK, MAX_MESSAGE
from ui.settings import Settings

COLORS = 64  # that objects get by themselves; then they begin again


def about(settings: Settings) -> dict[str, Any]:
    """Plain data for the page's component."""
    return {
        "max_objects": settings.max_objects,
        "max_points": settings.max_points,
        "max_boxes": MAX_BOXES,
        "max_mask": MAX_MASK,
        "max_message": MAX_MESSAGE,
        "max_prompts": MAX_PROMPTS,
        "max_upload_mb": settings.max_upload_mb,
        "max_pictures": settings.max_pictures,
        "max_album_mb": settings.max_album_mb,
        "examples": [{"name": each.name, "title": each.title, "kind": each.kind} for each in catalogue().values()],
        "colors": [hex_of(color_of(number)) for number in range(1, COLORS + 1)],
        "kinds": {name: kind.to_json() for name, kind in KINDS.items()},
        "effects": {name: _effect(effect) for name, effect in EFFECTS.items()},
        "edges": {name: _setting(edge) for name, edge in EDGES.items()},
        "presets": {name: look.to_json() for name, look in PRESETS.items()},
        "max_layers": MOST_LAYERS,
        "max_text": LONGEST_TEXT,
        "max_preview": SIDES[-1],
    }


def _effect(effect: Effect) -> dict[str, Any]:
    settings = {name: _setting(each) for name, each in effect.settings.items()}
    return {"title": effect.title, "sort": effect.sort, "settings": settings}


def _setting(knob: Setting) -> dict[str, Any]:
    bounds = {"low": knob.low, "high": knob.high, "choices": dict(knob.choices)}
    return {"title": knob.title, "kind": knob.kind, "default": knob.default, **bounds}
