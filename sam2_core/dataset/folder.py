"""A dataset folder: read by anybody, written by one process at a time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from sam2_core.dataset.coco import write_coco
from sam2_core.dataset.event_log import EventLog, read_log
from sam2_core.dataset.events import Annotated, Decided, Event, Finished, ImageAdded, Proposed, Removed, Withdrawn
from sam2_core.dataset.records import MAX_ID, NO_NETWORK, Annotation, ImageRecord, NetworkId, Source, Stage, Verdict
from sam2_core.dataset.state import DatasetState
from sam2_core.dataset.statistics import statistics_of
from sam2_core.errors import DataError, MediaError
from sam2_core.media.atomic import new_file
from sam2_core.media.image_files import read_image
from sam2_core.media.info import RgbArray
from sam2_core.media.limits import DEFAULT_LIMITS, Limits
from sam2_core.media.names import fold_name, real_name, safe_file_name
from sam2_core.media.picture_file import picture_kind
from sam2_core.types import Mask

IMAGES, MANIFEST, ANNOTATIONS, STATISTICS = "images", "manifest.jsonl", "annotations.json", "statistics.json"
_SHOWN = 3
_CHUNK = 1 << 20


@dataclass(slots=True)
class DatasetFolder:
    """What is in a dataset folder at one moment; `DatasetFolder.read(path)` takes no lock.

    `unusable` are the ids of images whose file is missing or was changed since it was added; their masks stay in the
    manifest, but do not count. `notes` are sentences about these and about damaged lines.
    """

    root: Path
    state: DatasetState
    unusable: frozenset[int] = frozenset()
    notes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path) -> DatasetFolder:
        """Read a folder, and compare its images with their checksums. Raises `DataError` if it is none."""
        if not (root / MANIFEST).is_file():
            raise DataError(f"{root} is no data set: it has no {MANIFEST}.")
        read = read_log(root / MANIFEST)
        found = cls(root, read.state)
        found._compare(read.unreadable)
        return found

    def image_file(self, image_id: int) -> Path:
        """The file of an image. Raises `DataError` for an unknown one."""
        if image_id not in self.state.images:
            raise DataError(f"There is no image {image_id} in {self.root}.")
        return self.root / IMAGES / self.state.images[image_id].name

    def pixels(self, image_id: int) -> RgbArray:
        """An image (H, W, 3) in RGB, upright, of the size of its masks. Raises `MediaError`."""
        return read_image(self.image_file(image_id), DEFAULT_LIMITS)

    def usable_images(self) -> list[ImageRecord]:
        """The images that can be annotated and trained on, in the order in which they were added."""
        return [each for number, each in self.state.images.items() if number not in self.unusable]

    def annotated(self, sources: Iterable[Source] | None = None) -> dict[int, list[Annotation]]:
        """The annotations of these sources (of all, if None) by image, of usable images with any."""
        wanted = None if sources is None else set(sources)
        found: dict[int, list[Annotation]] = {}
        for each in self.state.annotations.values():
            if each.image_id not in self.unusable and (wanted is None or each.source in wanted):
                found.setdefault(each.image_id, []).append(each)
        return dict(sorted(found.items()))

    def write_files(self) -> None:
        """Write `annotations.json` and `statistics.json`, each at once as a whole."""
        with new_file(self.root / ANNOTATIONS) as unfinished:
            write_coco(unfinished, self.state, self.unusable)
        with new_file(self.root / STATISTICS) as unfinished:
            unfinished.write_text(json.dumps(self.statistics(), indent=1) + "\n", encoding="utf-8")

    def statistics(self) -> dict[str, Any]:
        """The content of `statistics.json`, see `statistics_of`."""
        return statistics_of(self.state, self.unusable)

    def _compare(self, unreadable: int) -> None:
        self.notes = []
        if unreadable:
            what = "1 damaged line" if unreadable == 1 else f"{unreadable} damaged lines"
            self.notes.append(f"Left out: {what} of {self.root / MANIFEST}.")
        missing: list[ImageRecord] = []
        changed: list[ImageRecord] = []
        for image in self.state.images.values():
            found = _digest_or_none(self.image_file(image.id))
            if found != image.digest:
                (missing if found is None else changed).append(image)
        self.unusable = frozenset(each.id for each in missing + changed)
        for images, what in ((missing, "missing"), (changed, "changed since then")):
            if images:
                self.notes.append(
                    f"Left out with their masks: pictures whose files are {what} ({_names(images)}). Put the former "
                    f"files back into {self.root / IMAGES}."
                )


def _names(images: list[ImageRecord]) -> str:
    return ", ".join(each.name for each in images[:_SHOWN]) + (" …" if len(images) > _SHOWN else "")


class DatasetWriter(DatasetFolder):
    """A dataset folder that this process alone writes to; use it in a `with` block.

    All changes are in the manifest at once; `annotations.json` and `statistics.json` are written at the end, and by
    `write_files`. The folder is created if it does not exist. Raises `Busy` if another one writes to it, and
    `DataError` for a folder with other files.
    """

    __slots__ = ("_log",)

    def __init__(self, root: Path) -> None:
        if root.exists() and not root.is_dir():
            raise DataError(f"{root} is a file. Name a folder for the data set.")
        if not (root / MANIFEST).exists() and root.is_dir() and not _is_new(root):
            raise DataError(f"{root} holds other files and is no data set. Name a new folder.")
        (root / IMAGES).mkdir(parents=True, exist_ok=True)
        self._log = EventLog(root / MANIFEST)
        DatasetFolder.__init__(self, root, self._log.state)
        self._compare(self._log.unreadable)

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write the derived files, and let others write to the folder."""
        try:
            self.write_files()
        finally:
            self._log.close()

    def add_image(
        self, source: Path, name: str | None = None, link: bool = False, limits: Limits = DEFAULT_LIMITS
    ) -> ImageRecord:
        """Copy an image into the folder, as `name`; returns the one that is there if its content is the same.

        With `link` the copy shares the original's place on the disk where the file system can do that. Raises
        `MediaError` for what is no single image.
        """
        digest = digest_of(source)
        known = self.state.image_of_content(digest)
        if known is not None and known.id not in self.unusable:
            return known
        if known is None:
            height, width = _size_of(source, name or source.name, limits)
            number = max(self.state.images, default=0) + 1
            known = ImageRecord(number, self._free_name(name or source.name), digest, width, height)
            self._place(source, known.name, link)
            self._append(ImageAdded(known))
        else:  # its file is missing or was changed, and is put back
            self._place(source, known.name, link)
            self.unusable -= {known.id}
        return known

    def annotate(
        self,
        image_id: int,
        mask: Mask,
        stage: Stage,
        source: Source = "person",
        label: str = "",
        seconds: float | None = None,
        predicted_iou: float | None = None,
        stability_score: float | None = None,
        network: NetworkId = NO_NETWORK,
        replaces: int | None = None,
    ) -> Annotation:
        """Add an annotation, or replace the one with the id `replaces`. Raises `DataError`."""
        number = self.state.next_id if replaces is None else replaces
        made = Annotation(
            number, image_id, mask, stage, source, label, seconds, predicted_iou, stability_score, network
        )
        if replaces is not None and replaces not in self.state.annotations:
            raise DataError(f"There is no annotation {replaces}.")
        self._append(Annotated(made))
        return made

    def relabel(self, annotation_id: int, label: str) -> Annotation:
        """Change the label of an annotation. Raises `DataError`."""
        if annotation_id not in self.state.annotations:
            raise DataError(f"There is no annotation {annotation_id}.")
        changed = replace(self.state.annotations[annotation_id], label=label)
        self._append(Annotated(changed))
        return changed

    def remove(self, annotation_id: int) -> None:
        """Remove an annotation. Raises `DataError`."""
        self._append(Removed(annotation_id))

    def propose(
        self,
        image_id: int,
        mask: Mask,
        label: str = "",
        predicted_iou: float | None = None,
        stability_score: float | None = None,
        network: NetworkId = NO_NETWORK,
    ) -> Annotation:
        """Add a proposal, which is no annotation until it is accepted. Raises `DataError`."""
        number = self.state.next_id
        made = Annotation(
            number, image_id, mask, "semi-automatic", "automatic", label, None, predicted_iou, stability_score, network
        )
        self._append(Proposed(made))
        return made

    def withdraw(self, proposal_id: int) -> None:
        """Take back a proposal that nobody has decided about. Raises `DataError`."""
        self._append(Withdrawn(proposal_id))

    def decide(
        self,
        proposal_id: int,
        verdict: Verdict,
        mask: Mask | None = None,
        label: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Accept, reject or change a proposal, or take the decision back ("open"); the last decision counts.

        `mask` is that of a changed one. Raises `DataError`.
        """
        self._append(Decided(proposal_id, verdict, mask, label, seconds))

    def finish(
        self,
        image_id: int,
        stage: Stage,
        seconds: float | None = None,
        settings: str = "",
        network: NetworkId = NO_NETWORK,
    ) -> None:
        """Record that a stage of an image is done, also where it gave no mask. Raises `DataError`."""
        self._append(Finished(image_id, stage, seconds, settings, network))

    def _append(self, event: Event) -> None:
        if len(self.state.images) >= MAX_ID or self.state.next_id >= MAX_ID:
            raise DataError("The data set is full.")
        self._log.append([event])

    def _free_name(self, name: str) -> str:
        plain = safe_file_name(real_name(name).rpartition("/")[2])
        stem, suffix = os.path.splitext(plain)  # noqa: PTH122 (a name, no path)
        number, free = 2, plain
        while fold_name(free) in self.state.names or (self.root / IMAGES / free).exists():
            number, free = number + 1, f"{stem}_{number}{suffix}"
        return free

    def _place(self, source: Path, name: str, link: bool) -> None:
        target = self.root / IMAGES / name
        with new_file(target) as unfinished:
            if link:
                with suppress(OSError, NotImplementedError):  # another disk, or a file system without links
                    os.link(source, unfinished)
            if not unfinished.exists():
                shutil.copyfile(source, unfinished)


def _is_new(root: Path) -> bool:
    """Whether a folder is empty, or has only what an interrupted first run may have left."""
    return all(
        path.name == ".lock" or (path.name == IMAGES and path.is_dir() and not any(path.iterdir()))
        for path in root.iterdir()
    )


def digest_of(file: Path) -> str:
    """The SHA-256 of a file. Raises `OSError`."""
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _digest_or_none(file: Path) -> str | None:
    try:
        return digest_of(file)
    except OSError:
        return None


def _size_of(source: Path, name: str, limits: Limits) -> tuple[int, int]:
    """The (height, width) of an upright image. Raises `MediaError` for what is no single image."""
    if picture_kind(source, limits, name) != "image":
        raise MediaError(f"{name} is no single picture. Save its frames or pages as pictures.")
    height, width = read_image(source, limits).shape[:2]
    return height, width
