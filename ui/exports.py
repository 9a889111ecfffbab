"""Downloads: a visitor's masks written to a file in the visitor's own folder."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sam2_core.media import Material, export
from ui.backdrops import load_backdrops
from ui.medium import Medium
from ui.wire import Export

Report = Callable[[float, str], None]


def write_export(medium: Medium, wish: Export, backdrops: Mapping[str, Path], folder: Path, report: Report) -> Path:
    """Write one download to a random folder below `folder`; returns the file. Blocks; `report` may raise to end it."""
    target = folder / secrets.token_hex(16)
    target.mkdir(parents=True)
    order = replace(wish.order, backdrops=load_backdrops(backdrops))
    return export(target, Material(medium.store, medium.masks, wish.objects, wish.frames), order, report)
