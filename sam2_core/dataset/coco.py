"""`annotations.json`: all annotations in COCO's form, with the source, stage, time and scores of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sam2_core.dataset.records import Annotation, rounded
from sam2_core.dataset.state import DatasetState
from sam2_core.media.draw import crop
from sam2_core.media.formats.coco import NO_LABEL, list_categories, write_list


def write_coco(
    path: Path,
    state: DatasetState,
    left_out: Set[int] = frozenset(),
    fields: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write the file, without the images `left_out`; each annotation also has these `fields`.

    The labels are the categories, "object" where there is none. Images have their SHA-256, and whether they are
    `set_aside`, which no training may use.
    """
    kept = {number: image for number, image in state.images.items() if number not in left_out}
    annotations = [each for each in state.annotations.values() if each.image_id in kept]
    labels = dict.fromkeys(each.label or NO_LABEL for each in annotations) or {NO_LABEL: None}
    categories = {label: number for number, label in enumerate(labels, start=1)}
    set_aside = state.set_aside({each.image_id for each in annotations})
    with path.open("w", encoding="utf-8") as file:
        file.write('{"images": [\n')
        write_list(
            file,
            (
                {
                    "id": each.id,
                    "file_name": each.name,
                    "width": each.width,
                    "height": each.height,
                    "sha256": each.digest,
                    "set_aside": each.id in set_aside,
                }
                for each in kept.values()
            ),
        )
        file.write('],\n"annotations": [\n')
        write_list(file, ({**_annotation(each, categories[each.label or NO_LABEL]), **fields} for each in annotations))
        file.write('],\n"categories": ' + json.dumps(list_categories(categories)) + "}\n")


def _annotation(annotation: Annotation, category: int) -> dict[str, Any]:
    known = {
        "seconds": rounded(annotation.seconds, 3),
        "predicted_iou": rounded(annotation.predicted_iou, 4),
        "stability_score": rounded(annotation.stability_score, 4),
    }
    return {
        "id": annotation.id,
        "image_id": annotation.image_id,
        "category_id": category,
        "iscrowd": 0,
        "area": annotation.mask.area,
        "bbox": list(crop(annotation.mask)[1]),
        "segmentation": annotation.mask.to_coco(),
        "source": annotation.source,
        "stage": annotation.stage,
        **{name: value for name, value in known.items() if value is not None},
    }
