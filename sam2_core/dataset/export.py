"""Masked images as a dataset folder, and that folder as an archive to download."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from sam2_core.dataset.folder import DatasetWriter
from sam2_core.dataset.records import Source, Stage
from sam2_core.errors import DataError, MediaError
from sam2_core.media.draw import IMAGE_EXTENSIONS, encode_image
from sam2_core.media.export_options import ExportFormat, ExportOptions
from sam2_core.media.masked_media import MaskedMedia
from sam2_core.media.names import extension_of_name
from sam2_core.media.progress import ProgressReporter
from sam2_core.media.source_frames import iterate_source_frames
from sam2_core.types import FrameMasks, RejectedMask

_FOLDER_SHARE = 0.9  # of the work for an archive


def write_dataset(
    root: Path,
    media: MaskedMedia,
    report: ProgressReporter,
    share: float = 1.0,
    rejected: Sequence[RejectedMask] = (),
) -> None:
    """Write all images of an album, or one image, into a dataset folder, with their masks and how these were made.

    Images have the size of the masks. The time of an object is divided among its masks. Confirmed and `rejected` masks
    are proposals with a decision. Raises `MediaError`.
    """
    counts: dict[int, int] = {}
    for masks in media.iterate("Reading masks", report, share / 2):
        for each in masks.objects:
            if each.mask.area:
                counts[each.object_id] = counts.get(each.object_id, 0) + 1
    try:
        with DatasetWriter(root) as writer, tempfile.TemporaryDirectory(dir=root.parent) as folder:
            images = iterate_source_frames(media.store, media.frames, report)
            for done, (frame, image) in enumerate(zip(media.frames, images, strict=True), start=1):
                name = media.info.name_of(frame)
                extension = extension_of_name(name)
                if max(image.shape[:2]) > IMAGE_EXTENSIONS.get(extension, 0):
                    extension = ".jpg"
                file = Path(folder) / "image"
                file.write_bytes(encode_image(image, extension))
                added = writer.add_image(file, f"{media.title_of(frame)}{extension}".replace("/", "_"))
                _annotate(writer, added.id, media, media.masks_on(frame), counts)
                _reject(writer, added.id, [each for each in rejected if each.frame == frame])
                report(share * (0.5 + 0.5 * done / len(media.frames)), "Writing the data set")
    except DataError as error:
        raise MediaError(str(error)) from error


def _annotate(
    writer: DatasetWriter, image_id: int, media: MaskedMedia, masks: FrameMasks, counts: dict[int, int]
) -> None:
    for each in masks.objects:
        if not each.mask.area:
            continue
        traits = media.traits_of(each.object_id)
        made = traits.provenance
        seconds = None if made.seconds is None else made.seconds / counts[each.object_id]
        scores = made.predicted_iou, made.stability_score
        if (made.stage, made.source) == ("semi-automatic", "confirmed"):
            proposal = writer.propose(image_id, each.mask, traits.label, *scores)
            writer.decide(proposal.id, "accepted", seconds=seconds)
        else:
            stage, source = cast("Stage", made.stage), cast("Source", made.source)
            writer.annotate(image_id, each.mask, stage, source, traits.label, seconds, *scores)


def _reject(writer: DatasetWriter, image_id: int, masks: Sequence[RejectedMask]) -> None:
    for each in masks:
        if each.mask.area:
            proposal = writer.propose(image_id, each.mask, "", each.predicted_iou, each.stability_score)
            writer.decide(proposal.id, "rejected", seconds=each.seconds)


def write_dataset_archive(path: Path, media: MaskedMedia, options: ExportOptions, report: ProgressReporter) -> None:
    """Write the dataset folder of `write_dataset` as a ZIP file."""
    root = Path(tempfile.mkdtemp(dir=path.parent)) / "dataset"
    try:
        write_dataset(root, media, report, _FOLDER_SHARE, options.rejected)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(each for each in root.rglob("*") if each.is_file() and each.name != ".lock"):
                kind = zipfile.ZIP_STORED if file.parent.name == "images" else zipfile.ZIP_DEFLATED
                archive.write(file, file.relative_to(root.parent), kind)
    finally:
        shutil.rmtree(root.parent, ignore_errors=True)


DATASET_FORMAT = ExportFormat(
    "data",
    "Data set",
    "Pictures, masks and how each was made, to train on or go on with (masklet dataset)",
    {"image": "zip", "album": "zip"},
    write_dataset_archive,
)
