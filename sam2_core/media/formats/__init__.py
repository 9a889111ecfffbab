"""Masks as files that other programs read, one module for each family.

Each writes frame by frame, whatever the length of the clip. Frames, sizes and times are those of the source. What users
call their objects gets into no file's name.

masks.py     a black and white PNG for each object and frame
coco.py      COCO's JSON
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sam2_core.media.formats.coco import COCO
from sam2_core.media.formats.masks import MASKS
from sam2_core.media.order import Kind

FORMATS: Mapping[str, Kind] = MappingProxyType({"masks": MASKS, "coco": COCO})
