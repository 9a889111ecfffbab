"""Annotation files whose boxes are to be replaced, while all else in them stays as it is.

COCO's JSON, YOLO's labels of one picture and Pascal VOC's XML are changed in place; files of other formats, ZIP files
included, are read as `readers` read them and become COCO's JSON.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias
from xml.etree import ElementTree as Xml

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media.draw import crop
from sam2_core.media.formats.coco import segmentation_of
from sam2_core.media.formats.yolo import outline_of
from sam2_core.media.info import MediaInfo
from sam2_core.media.readers.annotation_builder import MAX_EXAMPLES, NO_LABEL, AnnotationBuilder, ImportedMask
from sam2_core.media.readers.coco import CocoImage, images_of, is_coco, labels_of
from sam2_core.media.readers.described_images import fit_for
from sam2_core.media.readers.documents import Document
from sam2_core.media.readers.format_detection import MAX_FILE_BYTES, read_annotations
from sam2_core.media.readers.frame_matching import no_frame
from sam2_core.media.readers.json_values import IdMap, floats_of, objects_of
from sam2_core.media.readers.segmentations import parse_segmentation
from sam2_core.media.readers.size_fitting import Fit
from sam2_core.media.readers.voc import is_voc, names_of
from sam2_core.media.readers.xml_values import is_xml, number_of, text_in, whole_in
from sam2_core.media.readers.yolo import find_kinds, is_yolo, parse_line, plain_line
from sam2_core.media.readers.yolo_pose import BOX, LineKind
from sam2_core.types import Box, Mask

HAS_MASK = "It has a mask already."
TURNED = "The picture was turned since. Export the file again for the upright picture."
VOC_MASKS = (
    "Pascal VOC has masks in pictures of their own, which are not written here. Leave --include-masks out, or convert "
    "the file to COCO's format first."
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_INDENT = re.compile(r"\s*\{\n( +)\S")

BoxFormat: TypeAlias = Literal["coco", "yolo", "voc"]
ReplaceBox: TypeAlias = Callable[[Box, Mask | None], None]


@dataclass(frozen=True, slots=True)
class EditableBox:
    """A box in pixels of its picture, frame `frame` of the medium. `replace` changes it in the file, where it also adds
    a mask if one is given."""

    frame: int
    box: Box
    name: str
    label: str
    replace: ReplaceBox


class BoxFile(Protocol):
    """A parsed file. What has no box that could be replaced is counted in `left_out` by the reason."""

    format: BoxFormat
    boxes: list[EditableBox]
    left_out: Counter[str]

    def content(self) -> bytes:
        """The file with the boxes as they are now."""
        ...


def open_box_file(path: Path, info: MediaInfo, name: str = "") -> BoxFile:
    """Read a file about the pictures of an album; `name` is its path by which it is about one of them.

    Raises `MediaError` for a file that cannot be read, is about other pictures, or has no boxes; but an empty file of
    YOLO is the label of a picture without objects.
    """
    try:
        file = _open(path, info, name or path.name)
    except OSError as error:
        raise MediaError(f"There is no file {path}, or it cannot be opened.") from error
    if not file.boxes and (file.left_out or file.format != "yolo"):
        why = next(iter(file.left_out), "")
        raise MediaError(f"There is no box in this file that could be tightened. {why}".rstrip())
    return file


def _open(path: Path, info: MediaInfo, name: str) -> BoxFile:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise MediaError(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Split it.")
    content, builder = path.read_bytes(), AnnotationBuilder(info)
    if is_xml(content):
        document = Document(name, "xml", builder.parse_xml(content))
        if is_voc(document):
            return _VocFile(document, content, builder)
    elif content[:1000].lstrip()[:1] in (b"{", b"\xef", b"\xff"):
        text = builder.decode(content)
        if text.lstrip("\ufeff \t\r\n")[:1] == "{":
            document = Document(name, "json", builder.parse(text.lstrip("\ufeff")))
            if is_coco(document):
                return _CocoFile(document, text, builder)
    elif path.suffix.lower() == ".txt":
        document = Document(name, "text", builder.decode(content))
        if not document.value.strip() or is_yolo(document):
            return _YoloFile(document, builder)
    return _ConvertedFile(path, info)


def _usable_fit(frame: int | None, height: int, width: int, builder: AnnotationBuilder) -> Fit:
    """How coordinates of the file become pixels of the frame. Raises `MediaError` if they do not, or not back again."""
    if frame is None:
        raise MediaError(no_frame(builder.info))
    fit = fit_for(frame, height, width, builder)
    if fit.orientation != 1:
        raise MediaError(TURNED)
    return fit


def _back(fit: Fit, box: Box) -> Box:
    """A box on the target of a fit as one on its source."""
    (tall, wide), (height, width) = fit.source, fit.target
    x, y = wide / width, tall / height
    return Box(box.left * x, box.top * y, box.right * x, box.bottom * y)


def _check(box: Box, size: tuple[int, int]) -> Box:
    """The part of a box within a picture of this (height, width). Raises `MediaError` if there is none."""
    height, width = size
    inside = Box(max(0.0, box.left), max(0.0, box.top), min(float(width), box.right), min(float(height), box.bottom))
    if not (inside.left < inside.right and inside.top < inside.bottom):
        raise MediaError("Its box covers no pixel of the picture.")
    return inside


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 3)


class _CocoFile:
    format: BoxFormat = "coco"

    def __init__(self, document: Document, text: str, builder: AnnotationBuilder) -> None:
        self.boxes: list[EditableBox] = []
        self.left_out: Counter[str] = Counter()
        self._root, self._keeps_ascii = document.value, _NOT_ASCII.search(text) is None
        indent = _INDENT.match(text)
        self._indent = len(indent[1]) if indent else None
        labels = labels_of(self._root)
        images = next((images for _, images in images_of([document], builder)), IdMap[CocoImage]())
        for annotation in objects_of(self._root, "annotations"):
            found = images.find(annotation.get("image_id"))
            try:
                if parse_segmentation(annotation.get("segmentation") or None) is not None:
                    raise MediaError(HAS_MASK)
                box = floats_of(annotation.get("bbox"), 4)
                if box is None or annotation.get("iscrowd") in (1, True):
                    raise MediaError("It has no box." if box is None else "It is a crowd, not one object.")
                if len(found) != 1:
                    raise MediaError("The file does not list its picture, or lists several with the same id.")
                fit = _usable_fit(found[0].frame, found[0].height, found[0].width, builder)
                frame = found[0].frame or 0
                placed = fit.box(Box(box[0], box[1], box[0] + box[2], box[1] + box[3]))
                shape = _check(placed, builder.info.size_of(frame))
            except (MediaError, BadPrompt) as error:
                self.left_out[str(error)] += 1
                continue
            name, label = found[0].name, labels.get(annotation.get("category_id")) or ""
            self.boxes.append(EditableBox(frame, shape, name, label, _coco_replacement(annotation, fit)))

    def content(self) -> bytes:
        text = json.dumps(self._root, indent=self._indent, ensure_ascii=self._keeps_ascii)
        return f"{text}\n".encode()


def _coco_replacement(annotation: dict[str, Any], fit: Fit) -> ReplaceBox:
    def replace(box: Box, mask: Mask | None) -> None:
        old = floats_of(annotation.get("bbox"), 4) or (0.0, 0.0, 0.0, 0.0)
        box = _back(fit, box)
        sides = box.right - box.left, box.bottom - box.top
        annotation["bbox"] = [_plain(each) for each in (box.left, box.top, *sides)]
        area = annotation.get("area")
        if isinstance(area, int | float) and abs(area - old[2] * old[3]) <= 1:  # that of the box
            annotation["area"] = _plain(sides[0] * sides[1])
        if mask is not None:
            if not fit.is_identity:
                mask = Fit(fit.target, fit.source).mask(mask)
            annotation["segmentation"], annotation["area"] = segmentation_of(mask, polygons=False), mask.area

    return replace


class _YoloFile:
    format: BoxFormat = "yolo"

    def __init__(self, document: Document, builder: AnnotationBuilder) -> None:
        self.boxes: list[EditableBox] = []
        self.left_out: Counter[str] = Counter()
        self._lines: list[str] = document.value.splitlines(keepends=True)
        kinds = find_kinds([document], None)
        [frame] = builder.match_frames([document.name])
        faults: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines):
            if not (plain := plain_line(line)):
                continue
            kind = kinds.get(plain.count(" "), LineKind())
            try:
                if frame is None:
                    raise MediaError(no_frame(builder.info))
                class_id, _, numbers = parse_line(plain, kind)
                if len(numbers) != BOX:
                    raise MediaError(HAS_MASK)
                height, width = builder.info.size_of(frame)
                x, y, w, h = numbers
                shape = Box((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
                shape = _check(shape, (height, width))
            except MediaError as error:
                faults.setdefault(str(error), []).append(number + 1)
                continue
            name, replace = builder.info.name_of(frame), self._replacement(number, (height, width))
            self.boxes.append(EditableBox(frame, shape, name, f"class {class_id}", replace))
        for reason, lines in faults.items():
            self.left_out[f"{reason.rstrip('.')} ({_name_lines(lines)})."] = len(lines)

    def _replacement(self, number: int, size: tuple[int, int]) -> ReplaceBox:
        height, width = size

        def replace(box: Box, mask: Mask | None) -> None:
            line = self._lines[number]
            has_decimal_commas = re.search(r"[0-9],[0-9]", line) is not None and "." not in line.split("#")[0]
            words = [*re.finditer(r"[^\s;]+" if has_decimal_commas else r"[^\s,;]+", line)][1 : 1 + BOX]
            center = (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height
            values = (*center, (box.right - box.left) / width, (box.bottom - box.top) / height)
            if mask is not None:  # what stands behind a box, such as a confidence, has no place behind an outline
                ending = line[len(line.rstrip("\r\n")) :]
                self._lines[number] = f"{line[: words[0].start()]}{outline_of(mask)}{ending}"
                return
            for word, value in reversed([*zip(words, values, strict=True)]):
                text = f"{value:.6f}".replace(".", "," if has_decimal_commas else ".")
                line = line[: word.start()] + text + line[word.end() :]
            self._lines[number] = line

        return replace

    def content(self) -> bytes:
        return "".join(self._lines).encode()


def _name_lines(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:MAX_EXAMPLES]))
    return f"line{'s' * (len(numbers) > 1)} {shown}{', …' * (len(numbers) > MAX_EXAMPLES)}"


class _VocFile:
    format: BoxFormat = "voc"

    def __init__(self, document: Document, content: bytes, builder: AnnotationBuilder) -> None:
        self.boxes: list[EditableBox] = []
        self.left_out: Counter[str] = Counter()
        self._root, self._is_declared = document.value, content.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml")
        described = self._root.find("size")
        height, width = (whole_in(described, side) if described is not None else None for side in ("height", "width"))
        [frame] = builder.match_frames([names_of(document)])
        for each in self._root.findall("object"):
            try:
                fit = _usable_fit(frame, height or 0, width or 0, builder)
                polygon, box = each.find("polygon"), each.find("bndbox")
                if polygon is not None and len(polygon):
                    raise MediaError(HAS_MASK)
                if box is None:
                    raise MediaError("It has no box.")
                left, top, right, bottom = (number_of(box, name) for name in ("xmin", "ymin", "xmax", "ymax"))
                shape = _check(fit.box(Box(left - 1, top - 1, right, bottom)), fit.target)
            except MediaError as error:
                self.left_out[str(error)] += 1
                continue
            frame_name = builder.info.name_of(frame or 0)
            replace = _voc_replacement(box, fit)
            self.boxes.append(EditableBox(frame or 0, shape, frame_name, text_in(each, "name"), replace))

    def content(self) -> bytes:
        text = Xml.tostring(self._root, encoding="unicode")
        return (f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n' if self._is_declared else f"{text}\n").encode()


def _voc_replacement(element: Xml.Element, fit: Fit) -> ReplaceBox:
    def replace(box: Box, mask: Mask | None) -> None:
        if mask is not None:
            raise MediaError(VOC_MASKS)
        box = _back(fit, box)
        values = {"xmin": box.left + 1, "ymin": box.top + 1, "xmax": box.right, "ymax": box.bottom}
        for name, value in values.items():
            if (child := element.find(name)) is not None:
                child.text = str(_plain(value))

    return replace


@dataclass
class _ConvertedFile:
    """A file of another format, which becomes COCO's."""

    path: Path
    info: MediaInfo
    format: BoxFormat = "coco"
    boxes: list[EditableBox] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        found = read_annotations(self.path, self.info)
        for skipped in found.skipped:
            self.left_out[skipped.reason] += skipped.count
        labels = {each.label or NO_LABEL: None for each in found.masks}
        self._categories = {label: number for number, label in enumerate(labels, start=1)}
        self._annotations = [self._annotation(number, each) for number, each in enumerate(found.masks, start=1)]
        self._frames = sorted({each.frame for each in found.masks})
        for each, annotation in zip(found.masks, self._annotations, strict=True):
            if each.box is None:
                self.left_out[HAS_MASK] += 1
                continue
            size = self.info.size_of(each.frame)
            replace = _coco_replacement(annotation, Fit(size, size))
            self.boxes.append(EditableBox(each.frame, each.box, self.info.name_of(each.frame), each.label, replace))

    def _annotation(self, number: int, each: ImportedMask) -> dict[str, Any]:
        category = self._categories[each.label or NO_LABEL]
        plain: dict[str, Any] = {"id": number, "image_id": each.frame + 1, "category_id": category, "iscrowd": 0}
        if each.name:
            plain["name"] = each.name
        if each.mask is not None:
            box, area = [*crop(each.mask)[1]], each.mask.area
            return {**plain, "bbox": box, "area": area, "segmentation": segmentation_of(each.mask, polygons=False)}
        assert each.box is not None  # noqa: S101
        box_sides = each.box.right - each.box.left, each.box.bottom - each.box.top
        bbox = [_plain(value) for value in (each.box.left, each.box.top, *box_sides)]
        return {**plain, "bbox": bbox, "area": _plain(box_sides[0] * box_sides[1])}

    def content(self) -> bytes:
        sizes = {frame: self.info.size_of(frame) for frame in self._frames}
        images = [
            {"id": frame + 1, "file_name": self.info.name_of(frame), "height": height, "width": width}
            for frame, (height, width) in sizes.items()
        ]
        categories = [{"id": number, "name": label} for label, number in self._categories.items()]
        root = {"images": images, "annotations": self._annotations, "categories": categories}
        return f"{json.dumps(root, ensure_ascii=False)}\n".encode()
