"""ZIP archives of annotations: their members, the titles of frames, and the manifest."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Generator, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

from sam2_core.media.draw import IMAGE_EXTENSIONS, encode_image
from sam2_core.media.export_options import ExportOptions
from sam2_core.media.info import RgbArray
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.names import extension_of_name
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.source_frames import iterate_source_frames
from sam2_core.types import FrameMasks

FRAMES_SHARE = 0.99  # of the work is done frame by frame
_CONTROL_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+")


class AnnotationArchive:
    """A ZIP archive that is written frame by frame. Use it in a `with` block."""

    def __init__(self, path: Path, media: MaskedMedia, options: ExportOptions) -> None:
        self._media, self._with_images = media, options.include_images
        self._images: Generator[RgbArray, None, None] | None = None
        self._frames_with_mask: dict[int, list[int]] = {}
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)  # images are compressed already

    def __enter__(self) -> AnnotationArchive:
        return self

    def __exit__(self, *error: object) -> None:
        if self._images is not None:
            self._images.close()
        self._zip.close()

    def frames(
        self, message: str, report: ProgressReporter, share: float = FRAMES_SHARE
    ) -> Iterator[tuple[FrameMasks, bytes | None]]:
        """The masks of each chosen frame and, if frames are included, the frame as an image file of the masks' size."""
        frames = self._media.frames
        self._images = iterate_source_frames(self._media.store, frames, report) if self._with_images else None
        images = self._images or repeat(None, len(frames))
        for masks, image in zip(self._media.iterate(message, report, share), images, strict=True):
            for each in masks.objects:
                self._frames_with_mask.setdefault(each.object_id, []).append(masks.frame)
            yield masks, None if image is None else encode_image(image, self._extension_of(masks.frame))

    def image_name(self, frame: int) -> str:
        """The name of a frame's image file: the user's own or, if frames are included, that of the file in the archive.

        The latter is the frame's title with the same extension, or .jpg for a format that cannot be written.
        """
        if not self._with_images:
            return self._media.info.name_of(frame)
        name, extension = self._media.info.name_of(frame), self._extension_of(frame)
        if extension_of_name(name) == extension:
            extension = name[-len(extension) :]
        return f"{self._media.title_of(frame)}{extension}"

    def _extension_of(self, frame: int) -> str:
        """The extension of an included image, in lower case."""
        extension, size = extension_of_name(self._media.info.name_of(frame)), self._media.info.size_of(frame)
        return extension if max(size) <= IMAGE_EXTENSIONS.get(extension, 0) else ".jpg"

    def missing(self) -> list[tuple[int, int]]:
        """The object ids and chosen frames without a mask, of objects that have any."""
        frames, known = {*self._media.frames}, self._frames_with_mask
        return [(number, frame) for number in known for frame in sorted(frames - {*known[number]})]

    def write(self, name: str, content: bytes | str, compressed: bool = False) -> None:
        """Add a member."""
        self._zip.writestr(name, content, zipfile.ZIP_DEFLATED if compressed else None)

    def write_json(self, name: str, plain: Any) -> None:
        """Add a JSON file."""
        self.write(name, json.dumps(plain, indent=1), compressed=True)

    def write_lines(self, name: str, lines: list[str]) -> None:
        """Add a text file."""
        self.write(name, "".join(f"{line}\n" for line in lines), compressed=True)

    def write_manifest(self, **extra: Any) -> None:
        """Add manifest.json: the source, the chosen frames, and the objects with the frames on which each has a mask,
        even an empty one."""
        info, frames = self._media.info, self._media.frames
        objects = [
            {**self._media.traits_of(number).to_json(), "frames_with_mask": sorted(known)}
            for number, known in sorted(self._frames_with_mask.items())
        ]
        plain = {"name": info.name, "width": info.width, "height": info.height, "frames": info.frames, "fps": info.fps}
        chosen = {"first": frames[0], "last": frames[-1], "step": frames.step}
        photos = {"photos": info.names} if info.kind == "album" else {}
        self.write_json("manifest.json", {**plain, **photos, "chosen": chosen, "objects": objects, **extra})


def one_line(text: str) -> str:
    """A user's text on one line, without control characters and surrogates."""
    return " ".join(_CONTROL_CHARACTERS.sub(" ", text).split())
