"""A page to be looked at by somebody else: one HTML file with the frames and their masks, and notes that come back.

writer.py     the file, written frame by frame
pictures.py   the frames, small enough that the file stays within its budget
document.py   the page around them, from the files in page/ and the modules shared with the application
modules.py    ES modules joined to one script
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sam2_core.media.order import Kind
from sam2_core.media.review.writer import REVIEW, write_review

REVIEWS: Mapping[str, Kind] = MappingProxyType({"review": REVIEW})

__all__ = ["REVIEW", "REVIEWS", "write_review"]
