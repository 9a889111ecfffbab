"""Labeled pictures as a data set in a folder, or one in a folder for each format if there are several.

images/000000.jpg               the pictures (COCO, YOLO)
annotations/instances.json      COCO
labels/000000.txt, data.yaml    YOLO: outlines, or boxes (`yolo-boxes`, and where the labels are boxes)
JPEGImages, Annotations, SegmentationObject, SegmentationClass, ImageSets, labelmap.txt    Pascal VOC
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sam2_core.errors import ConfigError
from sam2_core.media.draw import crop, encode_jpeg
from sam2_core.media.formats.coco import NO_LABEL, list_categories, segmentation_of
from sam2_core.media.formats.index_masks import check_count, palette_png
from sam2_core.media.formats.voc import annotation_xml, class_name, label_map, number_classes
from sam2_core.media.formats.yolo import outline_of
from sam2_core.training.synthetic.image_pool import Instance, PooledImage
from sam2_core.types import Mask, ObjectMask

FORMATS = ("coco", "yolo", "yolo-boxes", "voc")
_YOLO, _PICTURES = {"yolo", "yolo-boxes"}, "images"


class DatasetWriter:
    """Writes pictures one by one into a new folder; `finish` writes what is about all of them."""

    def __init__(self, folder: Path, formats: Sequence[str], classes: Sequence[str], has_masks: bool) -> None:
        """`classes` are all that may come. Raises `ConfigError` for an unknown format."""
        if unknown := set(formats) - set(FORMATS):
            raise ConfigError(f"There is no format {', '.join(sorted(unknown))}. Choose of {', '.join(FORMATS)}.")
        self.counts: Counter[str] = Counter()
        """The labels of each class that were written."""
        self._folder, self._formats, self._has_masks = folder, tuple(formats), has_masks
        names = [each or NO_LABEL for each in classes] or [NO_LABEL]
        self._categories = {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}
        self._voc_classes = number_classes([class_name(name) for name in self._categories]) if "voc" in formats else {}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, picture: PooledImage) -> None:
        """Write a picture and its labels. Raises `MediaError` for more objects than a VOC mask holds."""
        number, jpeg = len(self._images), encode_jpeg(picture.image)
        title, (height, width) = f"{number:06}", picture.image.shape[:2]
        self._images.append({"id": number + 1, "file_name": f"{title}.jpg", "height": height, "width": width})
        masks = [(each.category or NO_LABEL, _whole_mask(each, height, width)) for each in picture.instances]
        self.counts.update(name for name, _ in masks)
        for each in self._formats:
            self._write(each, f"{'JPEGImages' if each == 'voc' else _PICTURES}/{title}.jpg", jpeg)
        if "coco" in self._formats:
            self._annotations += [self._annotation(number, name, mask) for name, mask in masks]
        for each in _YOLO & {*self._formats}:
            shape_of = outline_of if each == "yolo" and self._has_masks else _yolo_box
            lines = [f"{self._categories[name] - 1} {shape_of(mask)}\n" for name, mask in masks]
            self._write(each, f"labels/{title}.txt", "".join(lines).encode())
        if "voc" in self._formats:
            self._write_voc(title, (height, width), masks, picture.instances)

    def finish(self) -> None:
        """Write the lists of pictures and classes."""
        names = {number - 1: name for name, number in self._categories.items()}
        if "coco" in self._formats:
            categories = list_categories(self._categories)
            plain = {"images": self._images, "annotations": _numbered(self._annotations), "categories": categories}
            self._write("coco", "annotations/instances.json", json.dumps(plain, ensure_ascii=False).encode())
        for each in _YOLO & {*self._formats}:
            text = yaml.safe_dump({"train": _PICTURES, "val": _PICTURES, "names": names}, sort_keys=False)
            self._write(each, "data.yaml", text.encode())
        if "voc" in self._formats:
            titles = "".join(f"{each['file_name'].removesuffix('.jpg')}\n" for each in self._images)
            self._write("voc", "ImageSets/Segmentation/trainval.txt", titles.encode())
            self._write("voc", "labelmap.txt", "".join(f"{line}\n" for line in label_map(self._voc_classes)).encode())

    def _annotation(self, number: int, name: str, mask: Mask) -> dict[str, Any]:
        box = [*crop(mask)[1]]
        plain = {"image_id": number + 1, "category_id": self._categories[name], "iscrowd": 0, "bbox": box}
        if not self._has_masks:
            return {**plain, "area": box[2] * box[3]}
        return {**plain, "area": mask.area, "segmentation": segmentation_of(mask, polygons=False)}

    def _write_voc(
        self, title: str, size: tuple[int, int], masks: Sequence[tuple[str, Mask]], instances: Sequence[Instance]
    ) -> None:
        check_count(len(masks), "Pascal VOC")
        objects = [ObjectMask(number, mask, 1.0, 1.0) for number, (_, mask) in enumerate(masks, start=1)]
        names = {number: class_name(name) for number, (name, _) in enumerate(masks, start=1)}
        self._write("voc", f"Annotations/{title}.xml", annotation_xml(f"{title}.jpg", size, objects, names))
        if self._has_masks:
            index = np.zeros(size, np.uint16)
            for number, each in enumerate(instances, start=1):  # those that were pasted later lie above
                tall, wide = each.mask.shape
                index[each.top : each.top + tall, each.left : each.left + wide][each.mask > 0] = number
            values = [0, *(self._voc_classes[names[number]] for number in range(1, len(masks) + 1))]
            self._write("voc", f"SegmentationObject/{title}.png", palette_png(index))
            self._write("voc", f"SegmentationClass/{title}.png", palette_png(np.array(values, np.uint16)[index]))

    def _write(self, format: str, name: str, content: bytes) -> None:
        path = (self._folder / format if len(self._formats) > 1 else self._folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _yolo_box(mask: Mask) -> str:
    left, top, width, height = crop(mask)[1]
    center = (left + width / 2) / mask.width, (top + height / 2) / mask.height
    return " ".join(f"{value:.6f}" for value in (*center, width / mask.width, height / mask.height))


def _whole_mask(instance: Instance, height: int, width: int) -> Mask:
    canvas = np.zeros((height, width), np.uint8)
    instance.paste_over(canvas)
    return Mask.from_array(canvas > 0)


def _numbered(annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": number, **each} for number, each in enumerate(annotations, start=1)]
