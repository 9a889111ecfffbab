"""Masks as pictures, one or many of them in a ZIP file.

Index masks as in DAVIS: palette indices, or gray values of 8 or 16 bits, are the objects' numbers; 0 is background, and
255 beside others is undecided. Color masks have one object per color. Soft masks, mattes and cut-outs are cut at half.
Or one mask for each object and frame: our own `object_01/00000.png`, or numbered folders as in SA-V. In MOTS' folders
`instances` numbers have the class in them. The pages of a TIFF file and the frames of an animated picture are the
frames of a clip, or the objects of an image. Several pictures of one frame have different objects.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Protocol, TypeAlias

import numpy as np

from sam2_core.errors import MediaError
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.media.readers.annotation_builder import AnnotationBuilder, ImportTooLarge
from sam2_core.media.readers.documents import AnnotationFiles
from sam2_core.media.readers.file_names import label_in_name
from sam2_core.media.readers.frame_matching import choose_clip, is_own, no_frame, own_parts
from sam2_core.media.readers.json_values import objects_of, text_of, whole_of
from sam2_core.media.readers.mask_pixels import (
    ENDINGS,
    Codes,
    MaskPixels,
    PhotoInsteadOfMask,
    count_pages,
    decode_pages,
)
from sam2_core.media.readers.mask_values import ObjectValues, foreground, objects_in, survey
from sam2_core.media.readers.mots import IGNORED as MOTS_IGNORED
from sam2_core.media.readers.size_fitting import Size, find_fit
from sam2_core.media.readers.text_encoding import decode_text
from sam2_core.types import BoolArray, Mask

_SAMPLES = 16  # masks of a clip by which it is decided how all of them are read
_DECODING = 3  # passes over the pixels until they are objects
_OBJECT = re.compile(r"object_([0-9]{1,6})", re.IGNORECASE)
# Only pictures in these folders, if there are others beside them: of the first of these that there is.
_MOTS_FOLDER = "instances"
_MASK_FOLDERS = ("annotations", "segmentationobject", "masks", "mask", _MOTS_FOLDER)
_IGNORED = ("", "ignored")  # a region of MOTS
_OF_FOLDER = re.compile(r"(?:(?:mask|object|segment|instance)s?[-_ ]?)?[0-9]{1,4}", re.IGNORECASE)
_MAX_LABEL_BYTES, _MAX_MOTS_CLASSES = 100_000, 60

Names: TypeAlias = Mapping[int, tuple[str, str]]
"""Name and label of each object that a manifest lists."""


class _Contents(Protocol):
    def __call__(self, name: str, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Picture:
    member: str
    title: str
    """The part of the path that names the frame."""
    object_id: int | None
    """The object of a binary mask."""


def read_mask_image(name: str, content: bytes, builder: AnnotationBuilder) -> None:
    """Read a single picture; raises `MediaError` for pages that are not as many as the frames of the clip."""
    picture, pages = _Picture(name, str(PurePosixPath(name).with_suffix("")), None), count_pages(content)
    if builder.info.kind != "clip" or pages == 1:
        return _read_all([picture], lambda _: content, {}, builder, binding=False)
    if pages != builder.info.frames:
        raise MediaError(
            f"This picture has {pages} pages, the clip {builder.info.frames} frames. Export a page for each frame."
        )
    sampled = range(0, pages, -(-pages // _SAMPLES))
    values = survey(decode_pages(content, _size_check([0], builder), sampled))
    _add_notes(values.notes, builder)
    for frame, pixels in enumerate(decode_pages(content, _size_check([0], builder))):
        builder.progress(frame, pages)
        with builder.item(f"{name}, page {frame + 1}"):
            _add_objects(pixels, values, frame, {}, builder)


def read_mask_images(archive: AnnotationFiles, builder: AnnotationBuilder) -> None:
    """Read all pictures of an archive; raises `MediaError` if they are of several clips, none of which is open."""
    own = own_parts(builder.info)
    listed = [_parse_path(name, own) for name in _in_mask_folders(archive.with_extension(*ENDINGS), own)]
    if any(picture.object_id is not None for picture in listed):
        listed = [picture for picture in listed if picture.object_id is not None]
    else:
        listed = _without_photos(listed, archive.read, builder)
        if listed and builder.info.kind == "clip":
            folders = {str(PurePosixPath(picture.member).parent): None for picture in listed}
            folder = [*folders][choose_clip([*folders], builder.info)]
            listed = [picture for picture in listed if str(PurePosixPath(picture.member).parent) == folder]
    names = manifest_names(archive, builder) or mots_names(archive)
    _read_all(listed, archive.read, names, builder)


def read_index(content: bytes, size: Size) -> Codes:
    """The numbers in a picture as they are in the file, (H, W) for a picture of this size.

    Raises `MediaError` for one of another aspect.
    """
    pixels = next(decode_pages(content, lambda found: find_fit(found, size)))
    numbers = pixels.table @ (np.array([1 << 16, 1 << 8, 1]) if pixels.kind == "colors" else np.array([1]))
    return find_fit(pixels.size, size).array(numbers[pixels.codes])


def read_foreground(content: bytes, size: Size | None = None) -> BoolArray:
    """The union (H, W) of all objects in a picture, of its own size or for a picture of size `size`.

    Raises `MediaError` as `decode_pages` does, and for a picture of another aspect.
    """
    pixels = next(decode_pages(content, partial(find_fit, expected=size) if size else _check_limits))
    union = np.zeros(pixels.size, np.bool_)
    for _, mask in objects_in(pixels, survey([pixels])):
        union |= mask
    return find_fit(pixels.size, size or pixels.size).array(union)


def _check_limits(size: Size) -> None:
    DEFAULT_LIMITS.check_pixels(*size)


def manifest_names(archive: AnnotationFiles, builder: AnnotationBuilder) -> Names:
    """The names in our own manifest, if there is one."""
    for name in archive.names:
        if PurePosixPath(name).name == "manifest.json":
            try:
                objects = objects_of(builder.parse(archive.read(name)), "objects")
            except ImportTooLarge:
                raise
            except MediaError:
                break
            ids = ((whole_of(each, "id"), each) for each in objects)
            return {
                number: (text_of(each, "name"), text_of(each, "label")) for number, each in ids if number is not None
            }
    return {}


def mots_names(archive: AnnotationFiles) -> Names:
    """The classes of MOTS' masks in folders `instances`: an object is 1000 times its class, and a number.

    labels.txt has the names of the classes, else they are cars and pedestrians.
    """
    if not any(_MOTS_FOLDER in PurePosixPath(name).parts[:-1] for name in archive.with_extension(".png")):
        return {}
    labels = ["car", "pedestrian"]
    for name in archive.names:
        if PurePosixPath(name).name == "labels.txt":
            labels = decode_text(archive.read(name, _MAX_LABEL_BYTES)).split("\n")[:_MAX_MOTS_CLASSES]
            break
    objects = {1000 * number + instance: ("", label.strip())
               for number, label in enumerate(labels, start=1) for instance in range(1000)}  # fmt: skip
    return objects | {MOTS_IGNORED: _IGNORED}


def _read_all(
    listed: Sequence[_Picture], contents: _Contents, names: Names, builder: AnnotationBuilder, binding: bool = True
) -> None:
    titles = list(dict.fromkeys(picture.title for picture in listed))
    frames = dict(zip(titles, builder.match_frames([*map(_names_of, titles)], binding=binding), strict=True))
    parts = _parts_of_frames({title: frame for title, frame in frames.items() if frame is not None}, builder)
    in_clip = [picture for picture in listed if frames[picture.title] is not None and builder.info.kind == "clip"]
    shared = survey(_samples(in_clip, contents, builder)) if in_clip else None
    for done, picture in enumerate(listed):
        builder.progress(done, len(listed))
        with builder.item(picture.member):
            frame = frames[picture.title]
            if frame is None:
                raise MediaError(no_frame(builder.info))
            for number, page in enumerate(decode_pages(contents(picture.member), _size_check([frame], builder))):
                values = shared if shared is not None and shared.peak else survey([page])
                if picture.object_id is not None:
                    _add_object(foreground(page, values.peak), frame, picture.object_id, names, builder)
                else:
                    _add_notes(values.notes, builder)
                    part = (parts.get(picture.title), number) if parts or number else None
                    _add_objects(page, values, frame, names, builder, part, label_in_name(picture.title))


def _samples(listed: Sequence[_Picture], contents: _Contents, builder: AnnotationBuilder) -> Iterator[MaskPixels]:
    """Some of the pictures, evenly, without those that cannot be used."""
    check = _size_check([0], builder)
    for picture in listed[:: -(-len(listed) // _SAMPLES) or 1]:
        try:
            yield next(decode_pages(contents(picture.member), check, range(1)))
        except ImportTooLarge:  # noqa: PERF203
            raise
        except MediaError:
            continue


def _size_check(frames: Sequence[int], builder: AnnotationBuilder) -> Callable[[Size], None]:
    """A function that raises `MediaError` for a size that fits none of the frames, and accounts for one that does."""

    def check(size: Size) -> None:
        for place, frame in enumerate(frames, start=1):
            try:
                find_fit(size, builder.info.size_of(frame), builder.info.orientation_of(frame))
                break
            except MediaError:
                if place == len(frames):
                    raise
        builder.spend(_DECODING * size[0] * size[1])

    return check


def _add_objects(
    pixels: MaskPixels,
    values: ObjectValues,
    frame: int,
    names: Names,
    builder: AnnotationBuilder,
    part: Hashable = None,
    label: str = "",
) -> None:
    """Add the objects of a picture, or of a part of the frame's objects: a page or one of several pictures."""
    for number, mask in objects_in(pixels, values):
        if names.get(number) is not _IGNORED:
            named = names.get(number, ("", "")) if part is None else ("", "")
            _add_mask(mask, frame, number if part is None else (part, number), builder, named[0], named[1] or label)


def _add_object(mask: BoolArray, frame: int, number: int, names: Names, builder: AnnotationBuilder) -> None:
    _add_mask(mask, frame, number, builder, *names.get(number, ("", "")))


def _add_mask(mask: BoolArray, frame: int, key: Hashable, builder: AnnotationBuilder, name: str, label: str) -> None:
    builder.spend(mask.size)
    if mask.any():
        builder.add(frame, key, Mask.from_array(mask), name, label)


def _add_notes(notes: Sequence[str], builder: AnnotationBuilder) -> None:
    builder.notes += [note for note in notes if note not in builder.notes]


def _names_of(title: str) -> list[str]:
    """The names that a title may mean: also that of its folder, if it is the number of an object in it."""
    path = PurePosixPath(title)
    return [title, str(path.parent)] if _OF_FOLDER.fullmatch(path.name) and path.parent.name else [title]


def _parts_of_frames(frames: Mapping[str, int], builder: AnnotationBuilder) -> dict[str, Hashable]:
    """Which part of a frame's objects a picture has, by its title; nothing if each frame has one picture.

    In a clip the number that counts frames is left out, so that the same part is found on all of them.
    """
    by_frame: dict[int, list[str]] = defaultdict(list)
    for title, frame in frames.items():
        by_frame[frame].append(title)
    if all(len(titles) == 1 for titles in by_frame.values()):
        return {}
    words = {title: re.findall(r"[0-9]+|[^0-9]+", title) for title in frames}
    if builder.info.kind == "clip" and len({*map(len, words.values())}) == 1:
        for place in range(len(next(iter(words.values())))):
            frame_of = {words[title][place]: frame for title, frame in frames.items()}
            if len(frame_of) == len(by_frame) and all(
                frame_of[words[title][place]] == frames[title] for title in frames
            ):
                return {title: (*listed[:place], *listed[place + 1 :]) for title, listed in words.items()}
    return {title: number for titles in by_frame.values() for number, title in enumerate(titles)}


def _parse_path(name: str, own: Set[str] = frozenset()) -> _Picture:
    """The object and frame that the path of a member names. `own`: see `own_parts`."""
    path = PurePosixPath(name).with_suffix("")
    folder = path.parent.name
    if (match := _OBJECT.fullmatch(path.name)) and (not is_own(path.name, own) or is_own(folder, own)):
        return _Picture(name, str(path.parent), int(match[1]))
    title = str(path.parent.parent / path.name)
    if (match := _OBJECT.fullmatch(folder)) and not is_own(folder, own):
        return _Picture(name, title, int(match[1]))
    if re.fullmatch(r"[0-9]{3}", folder) and not is_own(folder, own):  # SA-V counts objects from 0
        return _Picture(name, title, int(folder) + 1)
    return _Picture(name, str(path), None)


def _in_mask_folders(names: list[str], own: Set[str]) -> list[str]:
    """Only those in folders for masks, if there are such folders."""
    for folder in () if own & {*_MASK_FOLDERS} else _MASK_FOLDERS:
        inside = [name for name in names if folder in map(str.lower, PurePosixPath(name).parts[:-1])]
        if inside:
            return inside
    return names


def _without_photos(listed: Sequence[_Picture], contents: _Contents, builder: AnnotationBuilder) -> list[_Picture]:
    """Without the frames that lie beside masks: files of one ending in one folder, one of which is a photo."""
    groups: dict[tuple[str, str], list[_Picture]] = defaultdict(list)
    for picture in listed:
        path = PurePosixPath(picture.member)
        groups[str(path.parent), path.suffix.lower()].append(picture)
    if len(groups) == 1:
        return [*listed]
    check = _size_check(range(builder.info.frames if builder.info.kind == "album" else 1), builder)
    masks = [picture for group in groups.values() if not _is_photo(group[len(group) // 2], contents, check)
             for picture in group]  # fmt: skip
    return masks or [*listed]


def _is_photo(picture: _Picture, contents: _Contents, check: Callable[[Size], None]) -> bool:
    try:
        survey(decode_pages(contents(picture.member), check, range(1)))
    except ImportTooLarge:
        raise
    except MediaError as error:
        return isinstance(error, PhotoInsteadOfMask)
    return False
