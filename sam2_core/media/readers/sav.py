"""SA-V's JSON: `masklet` has run lengths by annotated frame and object; entry k belongs to frame 4 k of the clip.

Files that have as many entries as the clip has frames, as programs write them, are about each frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sam2_core.errors import MediaError
from sam2_core.media.formats.sav import STEP
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import choose_clip, no_frame
from sam2_core.media.readers.json_values import text_of
from sam2_core.types import Mask


def is_sav(document: Document) -> bool:
    """Whether a document is of this format."""
    return isinstance(document.value, dict) and isinstance(document.value.get("masklet"), list)


def read_sav(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format; raises `MediaError` for one of several clips, none of which is open."""
    if builder.info.kind == "clip":
        names = [*dict.fromkeys(map(_name_of, documents))]
        name = names[choose_clip(names, builder.info)]
        documents = [document for document in documents if _name_of(document) == name]
    for document in documents:
        with builder.document(document.name):
            _read_document(document, builder)


SAV = DocumentFormat("SA-V", is_sav, read_sav)


def _name_of(document: Document) -> str:
    return text_of(document.value, "video_id") or document.name


def _read_document(document: Document, builder: AnnotationBuilder) -> None:
    plain, entries = document.value, document.value["masklet"]
    frames = _frames_of(document, builder)
    names, labels = (_list(plain, key) for key in ("object_name", "object_label"))
    ids = _list(plain, "masklet_id")
    for index, entry in enumerate(entries):
        builder.progress(index, len(entries))
        for place, segmentation in enumerate(entry if isinstance(entry, list) else []):
            if not segmentation:
                continue
            name = _text_at(names, place)
            with builder.item(name or document.name):
                frame = frames[index]
                if frame is None:
                    raise MediaError(no_frame(builder.info))
                mask = Mask.from_coco(segmentation)
                if mask.area:  # else the object is not visible
                    key = ids[place] if place < len(ids) and isinstance(ids[place], int) else place
                    builder.add(frame, key, mask, name, _text_at(labels, place))


def _frames_of(document: Document, builder: AnnotationBuilder) -> list[int | None]:
    """The frame of each entry."""
    count, info = len(document.value["masklet"]), builder.info
    if info.kind != "clip":
        [frame] = builder.match_frames([[_name_of(document), document.name]])
        return [frame if index == 0 else None for index in range(count)]
    step = 1 if count == info.frames else STEP
    return [index * step if index * step < info.frames else None for index in range(count)]


def _list(plain: dict[str, Any], key: str) -> list[Any]:
    value = plain.get(key)
    return value if isinstance(value, list) else []


def _text_at(listed: list[Any], place: int) -> str:
    value = listed[place] if place < len(listed) else ""
    return value if isinstance(value, str) else ""
