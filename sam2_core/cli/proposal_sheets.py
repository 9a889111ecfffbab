"""Contact sheets of the open proposals beside proposals.json, numbered by their ids, to decide from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sam2_core.dataset import Annotation, DatasetWriter
from sam2_core.errors import MediaError
from sam2_core.media.draw import crop
from sam2_core.media.image_files import read_image
from sam2_core.media.limits import DEFAULT_LIMITS
from sam2_core.training.augment.contact_sheet import MAX_PICTURES, save_contact_sheet
from sam2_core.training.synthetic.image_pool import Instance, PooledImage

MAX_SHEETS = 10
SIDE = 480
"""Pixels of the longer side of a picture on a sheet."""


def write_sheets(writer: DatasetWriter, file: Path) -> list[Path]:
    """Write sheets of up to `MAX_PICTURES` pictures each beside the file of the proposals (NAME.jpg, NAME_2.jpg, ...),
    in place of earlier ones. Returns those that were written: pictures beyond `MAX_SHEETS` sheets are on none."""
    by_image: dict[int, list[Annotation]] = {}
    for each in writer.state.open_proposals():
        if each.image_id not in writer.unusable:
            by_image.setdefault(each.image_id, []).append(each)
    groups = [*by_image.items()]
    sheets = []
    for number in range(MAX_SHEETS):
        sheet = file.with_name(f"{file.stem}{f'_{number + 1}' if number else ''}.jpg")
        if shown := groups[number * MAX_PICTURES : (number + 1) * MAX_PICTURES]:
            save_contact_sheet(_pictures(writer, shown), sheet, SIDE, is_numbered=True)
            sheets.append(sheet)
        else:
            sheet.unlink(missing_ok=True)
    return sheets


def _pictures(writer: DatasetWriter, groups: Sequence[tuple[int, list[Annotation]]]) -> Iterator[PooledImage]:
    """One picture in memory at a time; those that cannot be read are passed over."""
    for image_id, proposals in groups:
        try:
            image = read_image(writer.image_file(image_id), DEFAULT_LIMITS)
        except MediaError:
            continue
        yield PooledImage(image, tuple(map(_instance, proposals)), "")


def _instance(proposal: Annotation) -> Instance:
    pixels, (left, top, _, _) = crop(proposal.mask)
    return Instance(top, left, pixels.astype(np.uint8), f"{proposal.id} {proposal.label}".rstrip())
