"""The language between page and server.

Up (page to server): one JSON object a message, `t` says which.

    prompt   {seq, frame, object, prompt}    all that is said about an object on a frame (Prompt.to_json): points, boxes
                                             and a mask in COCO's compressed run lengths; {}: nothing
    hover    {seq, frame, object, prompt}    show what this prompt would give; nothing is remembered, and of several
                                             hovers that wait only the newest is answered
    forget   {seq, object}                   remove an object
    track    {run, direction, frame, first, last, pause}
             follow all objects from a frame through first..last: forward, backward or both; one: this frame only;
             update: what is stale in first..last (left out: the whole clip). Run is a number of the page's own that
             names this run in all that comes of it; with pause (left out: without) it stops where an object is lost
    stop     {}                              stop tracking
    untrack  {seq, frames, objects}          take back the newest tracked masks of these objects on frames [first, last]
    masks    {first, last, seq}              send what is known about these frames; seq, which may be left out, is then
                                             in every answer
    export   {kind, objects, first, last, every, look, ...}     write a download, of a kind in `sam2_core.media.KINDS`;
             objects = [{id, name, label, color}], the last one lies above the others; of frames first..last (left out:
             all) each `every`-th; look as in Look.to_json; the rest are fields of `Order`, which may be left out
    cancel   {job}                           give up on ingest, annotations, export or model; of a replay, give up its
             tracking, or what it adds
    models   {}                              what does this server offer?
    model    {name}                          work with another network
    journal  {entries, seq, more}            answer to a `journal` question, entries as in EditLog.to_json; with `seq`
                                             unasked: all begins anew with these entries, answered by `done` of replay;
             with more (left out: false) these prompts and forgets come to what is said already

Down (server to page): binary; a little-endian u32 with the length of the header, the header as JSON, then the PNGs that
the header announces, one after the other.

    hello    {version, medium, tracking}     greeting of every new connection; medium as in `opened`, or null;
                                             tracking = the `track` of the run under way, without `t`, or null
    model    {ready, fraction, message, error, name, title, device}
             the network in use, and how far loading it is; device = what it runs on, once it does
    models   {current, device, memory, offers}     answer to `models`; memory = share of the device's that is in use;
             offers = [{name, title, weights, loaded}], weights: bundled, downloaded, remote or own; unless own also
             parameters in millions, megabytes, licence, and the work for a picture and for a tracked frame as
             multiples of nano's
    load     {waiting, seconds}              while a wish waits: others that come before it, and about how long it
             takes; both 0 once it waits no longer
    opened   {version, medium, added, skipped}     a picture, clip or album is open; version goes into the addresses of
                                             its frames; added: photos came to those that were open, whose frames keep
                                             their numbers; skipped = [{name, reason}]: files that could not be used
    masks    {version, seq, frame, revision, object, run, tracked, objects}
             masks of a frame: with `object`, the answer to a prompt for that object, else all of the frame; with
             `run`, found by this run of tracking on its way forward (tracked 1) or backward (-1): only what is fresh.
             objects = [{id, quality, presence, area, stale, fresh, place, bytes}]: predicted IoU, object-score logit,
             pixels, older than what was said nearby, found by this very call of tracking,
             [x, y, width, height] of the PNG in the frame, its length. In the answer to a single click an object has
             candidates = [{quality, area, place, bytes}]: the masks that may be meant, any of which `choice` in its
             prompt picks by its place in the list. Their PNGs follow the object's own.
    preview  {version, seq, frame, objects}  answer to `hover`; objects as in `masks`, at most one
    stale    {version, objects}              what is stale now: [{id, frames: [[first, last], ...]}]
    forgotten {seq, object}                  answer to `forget`
    untracked {seq}                          answer to `untrack`
    journal  {}                              the session was lost: say what you want again
    alive    {}                              every few seconds, so that the page notices a dead connection
    progress {job, fraction, message, ...}   of the jobs ingest, annotations, export, replay, track and model; model:
             {model, moving}: moving says that it is loaded and hears the journal; track: {run, direction, frame,
             done, total, fps, left}: frames; the last two (a second, seconds) once the pace is known
    done     {job, ...}                      a job has ended well; export: {url, name, size}, size in bytes;
             track: {run, stopped, lost, direction, frame, changed}: the object that was lost, or null; what is left to
             be done of the run if it was stopped; on how many frames masks were computed;
             replay: {seq, stopped}, stopped where its tracking was given up; model: {name}, all masks are other ones
    error    {text, job, seq, run}           something went wrong; text may be shown; the others name what it was about

Every message up may be repeated without harm, which is what the page does after a lost connection.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from sam2_core.media import MediaInfo, ObjectTraits, Order, mask_png
from sam2_core.types import Candidate, Entry, FrameMasks, FrameSpan, ObjectMask, Prompt

DIRECTIONS = ("forward", "backward", "both", "one", "update")
JOBS = ("ingest", "annotations", "export", "replay", "model")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the numbers of a message may be; `sizes` has (height, width) of each frame where they differ."""

    frames: int
    height: int
    width: int
    max_objects: int
    max_points: int
    sizes: tuple[tuple[int, int], ...] = ()

    def on(self, frame: int) -> Bounds:
        """The same with the size of this frame."""
        height, width = self.sizes[frame] if self.sizes else (self.height, self.width)
        return replace(self, height=height, width=width)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an upload says of its file: `batch` names the files that belong together, `left` of which are still to
    come; `add` where they come to the photos that are open."""

    batch: str
    left: int
    add: bool


@dataclass(frozen=True, slots=True)
class Say:
    """`prompt`."""

    seq: int
    frame: int
    object_id: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Hover:
    """`hover`."""

    seq: int
    frame: int
    object_id: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Forget:
    """`forget`."""

    seq: int
    object_id: int


@dataclass(frozen=True, slots=True)
class Track:
    """`track`."""

    run: int
    direction: str
    frame: int
    first: int
    last: int
    pause: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """`stop`."""


@dataclass(frozen=True, slots=True)
class Untrack:
    """`untrack`."""

    seq: int
    frames: range
    objects: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Show:
    """`masks`."""

    frames: range
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """`cancel`."""

    job: str


@dataclass(frozen=True, slots=True)
class Retell:
    """`journal`; `seq` is None in an answer to our question."""

    entries: tuple[Entry, ...]
    seq: int | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """`export`."""

    order: Order
    objects: tuple[ObjectTraits, ...]
    frames: range


@dataclass(frozen=True, slots=True)
class ListModels:
    """`models`."""


@dataclass(frozen=True, slots=True)
class Choose:
    """`model`."""

    name: str


Message: TypeAlias = (
    Say | Hover | Forget | Track | Stop | Untrack | Show | Export | Cancel | Retell | ListModels | Choose
)


def pack(header: dict[str, Any], pictures: tuple[bytes, ...] = ()) -> bytes:
    """A message to a page."""
    text = json.dumps(header).encode()
    return b"".join((struct.pack("<I", len(text)), text, *pictures))


def pack_masks(masks: FrameMasks, **about: Any) -> bytes:
    """The `masks` message, or another one with masks; `about` holds t, version, seq, object, tracked.

    Candidates go into the answer to a prompt only: the one message that names its `object`.
    """
    objects, pictures = [], []
    for each in masks.objects:
        shape, picture = _pack_mask(each)
        about_it = {"presence": round(each.object_score, 3), "stale": each.stale, "fresh": each.fresh}
        objects.append({"id": each.object_id, **about_it, **shape})
        pictures.append(picture)
        if each.candidates and "object" in about:
            shapes, drawn = zip(*map(_pack_mask, each.candidates), strict=True)
            objects[-1]["candidates"] = shapes
            pictures += drawn
    header = {"t": "masks", "frame": masks.frame, "revision": masks.revision, "objects": objects, **about}
    return pack(header, tuple(pictures))


def pack_stale(stretches: tuple[FrameSpan, ...], version: int) -> bytes:
    """The `stale` message."""
    frames: dict[int, list[list[int]]] = {}
    for stretch in stretches:
        for object_id in stretch.objects:
            frames.setdefault(object_id, []).append(sorted((stretch.frames[0], stretch.frames[-1])))
    objects = [{"id": object_id, "frames": runs} for object_id, runs in frames.items()]
    return pack({"t": "stale", "version": version, "objects": objects})


def _pack_mask(found: ObjectMask | Candidate) -> tuple[dict[str, Any], bytes]:
    """What a page must know of a mask, and its PNG."""
    area = found.mask.area
    picture, place = mask_png(found.mask) if area else (b"", (0, 0, 0, 0))
    shape = {
        "quality": round(found.predicted_iou, 4),
        "area": area,
        "place": [int(n) for n in place],
        "bytes": len(picture),
    }
    return shape, picture


def describe(info: MediaInfo, times: list[float]) -> dict[str, Any]:
    """A medium as the page needs it.

    `times` in seconds only where the rate varies; `sizes` ([height, width]) and `names` of the photos of an album.
    """
    plain = {"kind": info.kind, "name": info.name, "frames": info.frames, "fps": info.fps}
    size = {"height": info.height, "width": info.width}
    photos = {"sizes": info.sizes, "names": info.names} if info.kind == "album" else {}
    return {**plain, **size, **photos, "times": None if info.constant_rate else times}
