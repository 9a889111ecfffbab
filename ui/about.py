"""What the page must know from the start: limits, examples, colors, and the tables of downloads and effects."""

from __future__ import annotations

from typing import Any

from sam2_core.media import (
    EDGE_SETTINGS,
    EFFECTS,
    EXPORT_FORMATS,
    MAX_LAYERS,
    MAX_TEXT_LENGTH,
    PRESETS,
    color_of,
    hex_of,
)
from sam2_core.types import MAX_MASK_LENGTH
from ui.annotations import MAX_PROMPTS
from ui.examples import catalogue
from ui.previews import SIDES
from ui.reading import MAX_BOXES, MAX_MESSAGE
from ui.settings import Settings

COLORS = 64  # that objects get by themselves; then they begin again


def about(settings: Settings) -> dict[str, Any]:
    """Plain data for the page's component."""
    return {
        "max_objects": settings.max_objects,
        "max_points": settings.max_points,
        "max_boxes": MAX_BOXES,
        "max_mask": MAX_MASK_LENGTH,
        "max_message": MAX_MESSAGE,
        "max_prompts": MAX_PROMPTS,
        "max_upload_mb": settings.max_upload_mb,
        "max_pictures": settings.max_pictures,
        "max_album_mb": settings.max_album_mb,
        "examples": [{"name": each.name, "title": each.title, "kind": each.kind} for each in catalogue().values()],
        "colors": [hex_of(color_of(number)) for number in range(1, COLORS + 1)],
        "kinds": {name: kind.to_json() for name, kind in EXPORT_FORMATS.items()},
        "effects": {name: effect.to_json() for name, effect in EFFECTS.items()},
        "edges": {name: edge.to_json() for name, edge in EDGE_SETTINGS.items()},
        "presets": {name: look.to_json() for name, look in PRESETS.items()},
        "max_layers": MAX_LAYERS,
        "max_text": MAX_TEXT_LENGTH,
        "max_preview": SIDES[-1],
    }
