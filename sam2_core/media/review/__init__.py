"""A review page for other people: one HTML file with the frames and their masks, in which they write comments.

writer.py     writes the file, frame by frame
encoding.py   frames and masks, compressed to fit into the file's budget
document.py   the HTML around them, assembled from page/
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sam2_core.media.export_options import ExportFormat
from sam2_core.media.review.writer import REVIEW, write_review

REVIEW_FORMATS: Mapping[str, ExportFormat] = MappingProxyType({"review": REVIEW})

__all__ = ["REVIEW", "REVIEW_FORMATS", "write_review"]
