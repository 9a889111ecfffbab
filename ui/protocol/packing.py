"""Events as bytes: the header, and the PNGs that it announces."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from sam2_core.media import (
    MediaInfo,
    mask_png,
)
from sam2_core.serving.automatic_run import AutomaticUpdate
from sam2_core.types import (
    AutomaticMask,
    AutomaticSettings,
    Candidate,
    FrameMasks,
    FrameSpan,
    MaskWarning,
    ObjectMask,
)
from ui.protocol.events import (
    AutomaticMaskData,
    AutomaticMasksEvent,
    AutomaticStartedEvent,
    CandidateData,
    Event,
    LiveMasksEvent,
    MasksEvent,
    MediumData,
    ObjectMaskData,
    PreviewEvent,
    StaleData,
    StaleEvent,
    WarningData,
)


def pack(event: Event, pictures: Iterable[bytes] = ()) -> bytes:
    """An event as it is sent, with the PNGs that it announces."""
    header = event.model_dump_json().encode()
    return b"".join((struct.pack("<I", len(header)), header, *pictures))


def pack_masks(
    masks: FrameMasks,
    *,
    version: int,
    seq: int | None = None,
    object: int | None = None,
    run: int | None = None,
    step: int | None = None,
) -> bytes:
    """The `masks` event of a frame; candidates go into the answer to a prompt only, which names its `object`."""
    objects, pictures = _describe_masks(masks, with_candidates=object is not None)
    event = MasksEvent(
        version=version,
        frame=masks.frame,
        revision=masks.revision,
        objects=objects,
        seq=seq,
        object=object,
        run=run,
        step=step,
    )
    return pack(event, pictures)


def pack_preview(masks: FrameMasks, *, version: int, seq: int) -> bytes:
    """The `preview` event."""
    objects, pictures = _describe_masks(masks, with_candidates=False)
    event = PreviewEvent(version=version, frame=masks.frame, revision=masks.revision, objects=objects, seq=seq)
    return pack(event, pictures)


def pack_live_masks(masks: FrameMasks, *, object: int | None = None, is_first: bool | None = None) -> bytes:
    """The `live_masks` event."""
    objects, pictures = _describe_masks(masks, with_candidates=False)
    event = LiveMasksEvent(
        frame=masks.frame, revision=masks.revision, objects=objects, object=object, is_first=is_first
    )
    return pack(event, pictures)


def automatic_started_event(
    settings: AutomaticSettings, *, version: int, run: int, frame: int
) -> AutomaticStartedEvent:
    """The `automatic_started` event of a run with these settings."""
    return AutomaticStartedEvent(
        version=version,
        run=run,
        frame=frame,
        points_per_side=settings.points_per_side,
        crop_layers=settings.crop_layers,
        min_predicted_iou=settings.min_predicted_iou,
        min_stability=settings.min_stability,
        max_overlap=settings.max_overlap,
        floor_predicted_iou=settings.floor_predicted_iou,
        floor_stability=settings.floor_stability,
    )


def pack_automatic_masks(update: AutomaticUpdate, *, version: int, run: int, frame: int) -> bytes:
    """The `automatic_masks` event of what a command has brought."""
    masks, pictures = [], []
    for number, mask in update.found.items():
        data, picture = _describe_automatic_mask(number, mask)
        masks.append(data)
        pictures.append(picture)
    event = AutomaticMasksEvent(version=version, run=run, frame=frame, masks=tuple(masks), dropped=update.dropped)
    return pack(event, pictures)


def _describe_automatic_mask(number: int, mask: AutomaticMask) -> tuple[AutomaticMaskData, bytes]:
    picture, place = mask_png(mask.mask)
    crop = mask.crop
    data = AutomaticMaskData(
        id=number,
        predicted_iou=mask.predicted_iou,
        stability=mask.stability_score,
        score=mask.predicted_iou,
        area=mask.mask.area,
        place=place,
        crop=(round(crop.left), round(crop.top), round(crop.right), round(crop.bottom)),
        bytes=len(picture),
        rating=mask.rating,
    )
    return data, picture


def stale_event(spans: Iterable[FrameSpan], version: int) -> StaleEvent:
    """The `stale` event of what `StaleFrames` gives."""
    frames: dict[int, list[tuple[int, int]]] = {}
    for span in spans:
        first, last = sorted((span.frames[0], span.frames[-1]))
        for object_id in span.objects:
            frames.setdefault(object_id, []).append((first, last))
    objects = tuple(StaleData(id=object_id, frames=tuple(runs)) for object_id, runs in frames.items())
    return StaleEvent(version=version, objects=objects)


def describe_medium(info: MediaInfo, times: Iterable[float]) -> MediumData:
    """A medium as the page needs it; `times` are those of all frames, in seconds."""
    is_album = info.kind == "album"
    return MediumData(
        kind=info.kind,
        name=info.name,
        frames=info.frames,
        fps=info.fps,
        height=info.height,
        width=info.width,
        times=None if info.constant_rate else tuple(times),
        sizes=info.sizes if is_album else None,
        names=info.names if is_album else None,
        has_sound=True if info.kind == "clip" and info.has_audio else None,
    )


def _describe_masks(masks: FrameMasks, with_candidates: bool) -> tuple[tuple[ObjectMaskData, ...], list[bytes]]:
    """The objects of an event, and their PNGs."""
    objects, pictures = [], []
    for each in masks.objects:
        shape, picture = _describe_mask(each)
        pictures.append(picture)
        candidates = []
        for candidate in each.candidates if with_candidates else ():
            candidate_shape, picture = _describe_mask(candidate)
            pictures.append(picture)
            candidates.append(CandidateData(**candidate_shape))
        data = ObjectMaskData(
            id=each.object_id,
            object_score=round(each.object_score, 3),
            stale=each.stale,
            fresh=each.fresh,
            warnings=_describe_warnings(each.warnings),
            candidates=tuple(candidates) or None,
            **shape,
        )
        objects.append(data)
    return tuple(objects), pictures


def _describe_mask(found: ObjectMask | Candidate) -> tuple[dict[str, Any], bytes]:
    """The fields of `CandidateData`, and the PNG."""
    area = found.mask.area
    picture, place = mask_png(found.mask) if area else (b"", (0, 0, 0, 0))
    shape = {
        "predicted_iou": round(found.predicted_iou, 4),
        "area": area,
        "place": tuple(int(n) for n in place),
        "bytes": len(picture),
        "rating": found.rating,
    }
    return shape, picture


def _describe_warnings(warnings: Iterable[MaskWarning] | None) -> tuple[WarningData, ...] | None:
    if warnings is None:
        return None
    return tuple(WarningData(kind=each.kind, score=round(each.score, 3)) for each in warnings)
