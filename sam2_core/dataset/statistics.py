"""What a data set holds and what it cost, by stage: the tables of the SAM paper's data engine (section 4)."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence, Set
from typing import Any

from sam2_core.dataset.records import SOURCES, STAGES, Annotation, Stage
from sam2_core.dataset.state import DatasetState


def statistics_of(state: DatasetState, left_out: Set[int] = frozenset()) -> dict[str, Any]:
    """Totals, and for each stage: images, masks, masks an image, seconds a mask, sources, and decisions.

    `seconds_per_mask` is a person's time in the first two stages and computing time in the last one; it counts the
    `measured` masks, and is None where there are none. An image is one of a stage if that is finished there, or gave
    a mask. Shares are of the proposals that were decided about. The images `left_out` do not count.
    """
    annotations = [each for each in state.annotations.values() if each.image_id not in left_out]
    annotated = {each.image_id for each in annotations}
    return {
        "images": len(state.images.keys() - left_out),
        "annotated": len(annotated),
        "set_aside": len(state.set_aside(annotated)),
        "left_out": len(state.images.keys() & left_out),
        "masks": len(annotations),
        "sources": _sources(annotations),
        "stages": {stage: _stage(state, stage, annotations, left_out) for stage in STAGES},
    }


def _stage(state: DatasetState, stage: Stage, annotations: Sequence[Annotation], left_out: Set[int]) -> dict[str, Any]:
    own = [each for each in annotations if each.stage == stage]
    finished = {number for number, of in state.finished if of == stage and number not in left_out}
    images = finished | {each.image_id for each in own}
    seconds = [each.seconds for each in own if each.seconds is not None]
    found: dict[str, Any] = {
        "images": len(images),
        "masks": len(own),
        "masks_per_image": round(len(own) / len(images), 2) if images else None,
        "seconds_per_mask": {
            "median": round(statistics.median(seconds), 3) if seconds else None,
            "mean": round(statistics.fmean(seconds), 3) if seconds else None,
            "measured": len(seconds),
        },
        "sources": _sources(own),
    }
    if stage == "semi-automatic":
        found["proposals"] = _proposals(state, left_out)
    return found


def _proposals(state: DatasetState, left_out: Set[int]) -> dict[str, Any]:
    own = [number for number, each in state.proposals.items() if each.image_id not in left_out]
    counts = Counter(state.decisions[number].verdict if number in state.decisions else "open" for number in own)
    decided = len(own) - counts["open"]
    shares = {
        f"share_{verdict}": round(counts[verdict] / decided, 4) if decided else None
        for verdict in ("accepted", "changed", "rejected")
    }
    return {"made": len(own), **{each: counts[each] for each in ("open", "accepted", "changed", "rejected")}, **shares}


def _sources(annotations: Sequence[Annotation]) -> dict[str, int]:
    counts = Counter(each.source for each in annotations)
    return {source: counts[source] for source in SOURCES}
