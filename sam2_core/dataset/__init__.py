"""The dataset folder of the data engine (SAM paper, section 4; SAM 2 paper, section 5.1): images, masks, who made them.

    records       images and annotations, and the three stages: assisted, semi-automatic, automatic
    events        what can happen to a data set, as lines of JSON
    state         the fold of all events: what holds now
    event_log     the append-only file of events, and the lock of its one writer
    folder        the folder: `DatasetFolder` reads it, `DatasetWriter` also changes it
    coco          `annotations.json`, in COCO's form
    statistics    `statistics.json`: masks an image, seconds a mask, share confirmed, by stage
    overlap       which masks are there already
    decisions     proposals as a file, and the decisions of a person in it

A folder holds `images/`, `manifest.jsonl` (the events; all else follows from them), `annotations.json` and
`statistics.json`.
"""

from sam2_core.dataset.folder import DatasetFolder, DatasetWriter
from sam2_core.dataset.overlap import SAME_OBJECT, MaskOverlap
from sam2_core.dataset.records import SOURCES, STAGES, Annotation, ImageRecord, NetworkId, Source, Stage, Verdict
from sam2_core.dataset.statistics import statistics_of

__all__ = [
    "SAME_OBJECT", "SOURCES", "STAGES", "Annotation", "DatasetFolder", "DatasetWriter", "ImageRecord", "MaskOverlap",
    "NetworkId", "Source", "Stage", "Verdict", "statistics_of",
]  # fmt: skip
