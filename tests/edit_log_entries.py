"""Entries of the edit log as plain data, as the tables of cases write them that Python and the page are tested on."""

from __future__ import annotations

from typing import Any

from sam2_core.serving.edit_log import Entry, PromptEntry, RemoveEntry, TrackEntry, TraitsEntry
from sam2_core.types import Mask, Prompt, RejectedMask

_REJECTED_NUMBERS = ("predicted_iou", "stability_score", "seconds")


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """An entry as plain data."""
    if isinstance(entry, PromptEntry):
        return {"frame": entry.frame, "object": entry.object_id, "prompt": entry.prompt.to_json()}
    if isinstance(entry, RemoveEntry):
        return {"forget": entry.object_id}
    if isinstance(entry, TraitsEntry):
        return {"traits": entry.object_id, "set": dict(entry.traits)}
    if isinstance(entry, RejectedMask):
        numbers = {name: getattr(entry, name) for name in _REJECTED_NUMBERS if getattr(entry, name) is not None}
        return {"reject": entry.frame, "mask": entry.mask.to_coco(), **numbers}
    plain: dict[str, Any] = {"track": [entry.start, entry.stop, entry.step]}
    return plain | {"objects": list(entry.objects)} if entry.objects else plain


def entry_from_json(plain: dict[str, Any]) -> Entry:
    """The entry of plain data."""
    if "prompt" in plain:
        return PromptEntry(plain["frame"], plain["object"], Prompt.from_json(plain["prompt"]))
    if "forget" in plain:
        return RemoveEntry(plain["forget"])
    if "traits" in plain:
        return TraitsEntry(plain["traits"], plain["set"])
    if "reject" in plain:
        numbers = {name: plain[name] for name in _REJECTED_NUMBERS if name in plain}
        return RejectedMask(plain["reject"], Mask.from_coco(plain["mask"]), **numbers)
    return TrackEntry(*plain["track"], tuple(plain.get("objects", ())))
