"""COCO's panoptic JSON: a PNG picture for each image, whose colors are the ids of segments: R + 256 G + 65536 B.

Source: https://cocodataset.org/#format-data, "Panoptic Segmentation".
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media.readers.annotation_builder import AnnotationBuilder
from sam2_core.media.readers.coco import CocoImage, images_of, kind_of, labels_of
from sam2_core.media.readers.documents import AnnotationFiles, Document, DocumentFormat
from sam2_core.media.readers.frame_matching import no_frame
from sam2_core.media.readers.json_values import IdMap, id_of, objects_of, text_of
from sam2_core.types import Mask

NO_PICTURES = (
    "They are COCO's panoptic JSON, whose masks are PNG pictures. Pack the JSON file and the folder of these pictures "
    "into one ZIP file."
)
_Ids: TypeAlias = npt.NDArray[np.int64]
_Pngs: TypeAlias = dict[str, list[str]]
"""Paths by file name."""


def is_panoptic(document: Document) -> bool:
    """Whether a document is of this format."""
    return kind_of(document) == "panoptic"


def read_panoptic(documents: Sequence[Document], files: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read documents of this format, and the pictures beside them."""
    pngs: _Pngs = defaultdict(list)
    for name in files.with_extension(".png"):
        pngs[PurePosixPath(name).name].append(name)
    if not pngs:
        for document in documents:
            builder.skip(NO_PICTURES, document.name)
        return
    for document, images in images_of(documents, builder):
        with builder.document(document.name):
            _read_document(document, images, pngs, files, builder)


PANOPTIC = DocumentFormat("COCO panoptic", is_panoptic, read_panoptic)


def _read_document(
    document: Document, images: IdMap[CocoImage], pngs: _Pngs, files: AnnotationFiles, builder: AnnotationBuilder
) -> None:
    plain, labels = document.value, labels_of(document.value)
    annotations = objects_of(plain, "annotations")
    for done, annotation in enumerate(annotations):
        builder.progress(done, len(annotations))
        image = images.get(annotation.get("image_id"))
        name = text_of(annotation, "file_name") or (f"{PurePosixPath(image.name).stem}.png" if image else "")
        with builder.item(name):
            frame = _frame_of(image, builder)
            ids = _read_ids(files.read(_find(name, pngs, document.name)), frame, builder)
            for segment in objects_of(annotation, "segments_info"):
                with builder.item(name):
                    builder.spend(ids.size)
                    pixels = ids == _segment_id(segment)
                    builder.add(
                        frame, None, Mask.from_array(pixels), label=labels.get(segment.get("category_id")) or ""
                    )


def _frame_of(image: CocoImage | None, builder: AnnotationBuilder) -> int:
    if image is None or image.frame is None:
        raise MediaError(no_frame(builder.info))
    return image.frame


def _find(name: str, pngs: _Pngs, document: str) -> str:
    """The path of a picture: in the folder called as the document, in one for panoptic masks, or the only one."""
    wanted = PurePosixPath(name.replace("\\", "/"))
    found = [
        path for path in pngs.get(wanted.name, []) if PurePosixPath(path).parts[-len(wanted.parts) :] == wanted.parts
    ]
    folder = PurePosixPath(document).stem
    for preferred in (
        [path for path in found if folder in PurePosixPath(path).parts[:-1]],
        [path for path in found if "panoptic" in str(PurePosixPath(path).parent).lower()],
        found,
    ):
        if len(preferred) == 1:
            return preferred[0]
    raise MediaError(
        "Several PNG pictures have this name. Put those of the panoptic JSON into a folder that is called as the file."
        if found
        else NO_PICTURES
    )


def _read_ids(content: bytes, frame: int, builder: AnnotationBuilder) -> _Ids:
    """The ids (H, W) of segments; raises `MediaError` for a picture that does not fit, before it is decoded."""
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            builder.fit(frame, (image.height, image.width))
            builder.spend(image.height * image.width)
            if image.mode in ("P", "RGB", "RGBA", "LA"):
                colors: _Ids = np.asarray(image.convert("RGB")).astype(np.int64)
                return np.asarray(colors @ np.array([1, 256, 65536]))
            return np.asarray(image).astype(np.int64)
    except MediaError:
        raise
    except Exception as error:  # Pillow raises various exceptions for damaged files
        raise MediaError("They are damaged or no PNG pictures. Export them again.") from error


def _segment_id(segment: dict[str, Any]) -> int:
    key = id_of(segment.get("id"))
    if not isinstance(key, int):
        raise MediaError("Their segments have no ids.")
    return key
