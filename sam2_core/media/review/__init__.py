"""A review page for other people: one HTML file with the frames and their masks, in which they write comments.

writer.py     writes the file, frame by frame
encoding.py   frames and masks, compressed to fit into the file's budget
document.py   the HTML around them, from the files in page/ and the modules shared with the application
modules.py    ES modules joined to one script
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sam2_core.media.export_options import ALL_MEDIA, ExportFormat
from sam2_core.media.review.writer import write_review

_DESCRIPTION = "One HTML file to look at anywhere, with notes that come back"
REVIEW_FORMATS: Mapping[str, ExportFormat] = MappingProxyType({
    "review": ExportFormat(
        "review", "Review page", _DESCRIPTION, dict.fromkeys(ALL_MEDIA, "html"), write_review, ("largest_side",)),
})  # fmt: skip
