"""Numbered pictures as a clip: a folder, a ZIP file, or the files themselves."""

from __future__ import annotations

import re
import shutil
import unicodedata
import zipfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath

from sam2_core.errors import MediaError
from sam2_core.media.atomic import new_folder
from sam2_core.media.info import MediaInfo
from sam2_core.media.limits import DEFAULT_LIMITS, Limits
from sam2_core.media.names import real_name
from sam2_core.media.picture_clips import DEFAULT_RATE, ingest_pictures
from sam2_core.media.progress import MediaProgress, ProgressReporter
from sam2_core.media.store import SOURCES, album_source_path
from sam2_core.media.zip_file import BAD_MEMBER, MASK_FOLDERS, files_in, open_zip_file

PICTURE_SUFFIXES = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".jp2", ".ppm", ".pgm", ".pnm",
        ".heic", ".heif", ".mpo",
    }
)  # fmt: skip
"""Endings by which pictures are found in folders and ZIP files."""
_MAX_DIRECTORY_BYTES = 16_000_000  # of a ZIP file's list of members, which is read as a whole
_CHUNK = 1 << 20
_MAX_DIGITS = 300  # of a number in a name
_DECIMAL = re.compile(r"(?<![0-9.])[0-9]{1,20}\.[0-9]{1,20}$")
_TOO_MANY = "There are too many files in this ZIP file. Pack only the pictures of one clip."
_MASK_FOLDERS = MASK_FOLDERS | {"annotations"}


class NoSequence(MediaError):
    """Pictures that are not numbered like those of one clip."""


def ingest_sequence(
    pictures: str | Path | Sequence[str | Path],
    folder: str | Path,
    limits: Limits = DEFAULT_LIMITS,
    progress: MediaProgress | None = None,
    fps: float = DEFAULT_RATE,
    name: str = "",
    names: Sequence[str] = (),
) -> MediaInfo:
    """Turn numbered pictures into the store of a clip in `folder` (see `ingest`), in the order of their numbers.

    `pictures` is a folder, a ZIP file, or a list of files, which the user calls `names`, by default as on the disk. All
    are copied. The clip is called `name`, by default as the folder or ZIP file is.
    Raises `NoSequence` where the names are not those of one clip, `MediaError` for a picture that cannot be used or
    that has another size, and `FileExistsError` as `ingest` does.
    """
    report = ProgressReporter(progress)
    with new_folder(Path(folder)) as building:
        (building / SOURCES).mkdir()
        if isinstance(pictures, str | Path) and not Path(pictures).is_dir():
            ordered, notes = _copy_members(Path(pictures), building, limits, report)
        else:
            ordered, notes = _copy_files(pictures, names, building, limits, report)
        title = name or (Path(pictures).resolve().name if isinstance(pictures, str | Path) else ordered[0])
        info = ingest_pictures(building, real_name(title), ordered, limits, report, fps, notes)
        report(1.0, "Ready")
    return info


def is_zip(path: Path) -> bool:
    """Whether the content is a ZIP file."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def order_sequence(names: Sequence[str]) -> tuple[list[int], tuple[str, ...]]:
    """The indices of names in the order of their numbers, and what the user should know.

    The names are equal but for their numbers and endings. A few that have no number at all are left out. Raises
    `NoSequence`.
    """
    series: dict[tuple[str, ...], list[int]] = {}
    for index, name in enumerate(names):
        series.setdefault(_letters(name), []).append(index)
    numbered = {letters: indices for letters, indices in series.items() if len(letters) > 1}
    if len(numbered) != 1:
        examples = [names[indices[0]] for indices in (numbered or series).values()] or ["An empty list"]
        raise NoSequence(
            f"These are not the pictures of one clip: {' and '.join(sorted(examples)[:2])} differ in more than their "
            "numbers. Name them like frame_0001.png, and leave all others out."
            if len(examples) > 1
            else f"{examples[0]} has no number. The pictures of a clip are named like frame_0001.png."
        )
    [indices] = numbered.values()
    keys = {index: _numbers(names[index]) for index in indices}
    indices = sorted(indices, key=keys.__getitem__)
    _check_decimals([names[index] for index in indices])
    for one, other in pairwise(indices):
        if keys[one] == keys[other]:
            raise NoSequence(f"{names[one]} and {names[other]} have the same number. Leave one of them out.")
    left_out = [names[index] for index in range(len(names)) if index not in keys]
    notes = (f"Left out, as they have no number: {', '.join(left_out[:3])}.",) if left_out else ()
    return indices, notes + _gaps([keys[index] for index in indices])


def unpack_pictures(path: Path, folder: Path, limits: Limits, report: ProgressReporter) -> tuple[list[Path], list[str]]:
    """Copy the pictures of a ZIP file into `folder`; the files, and their paths in the ZIP file.

    Raises `MediaError` if there is none, or if they are too many or too large.
    """
    copied = []
    with open_zip_file(path, _MAX_DIRECTORY_BYTES, MediaError(_TOO_MANY)) as archive:
        members = _members(archive)
        limits.check_frames(len(members))
        budget = limits.max_store_bytes
        for number, member in enumerate(members):
            report(number / len(members), f"Picture {number + 1} of {len(members)}")
            target = folder / f"unpacked-{number + 1:05d}"
            budget -= _extract(archive, member, target, min(budget, limits.max_bytes))
            copied.append(target)
        return copied, [real_name(member.filename.replace("\\", "/")) for member in members]


def _copy_files(
    pictures: str | Path | Sequence[str | Path],
    names: Sequence[str],
    building: Path,
    limits: Limits,
    report: ProgressReporter,
) -> tuple[list[str], tuple[str, ...]]:
    """Copy files into the store in their order; their names, and notes."""
    if isinstance(pictures, str | Path):
        found = sorted(path for path in Path(pictures).iterdir() if _is_picture(path.name) and path.is_file())
        if not found:
            raise NoSequence(f"There is no picture in the folder {Path(pictures).name}.")
    else:
        found = [Path(path) for path in pictures]
    own = [real_name(each).rpartition("/")[2] for each in names] or [real_name(path.name) for path in found]
    order, notes = order_sequence(own)
    limits.check_frames(len(order))
    size = 0
    for place, index in enumerate(order):
        report(0.0, "Copying the pictures")
        if not found[index].is_file():
            raise MediaError(f"{own[index]} is not here (any more). Open it again.")
        limits.check_bytes(found[index].stat().st_size)
        size += found[index].stat().st_size
        limits.check_store(size)
        shutil.copyfile(found[index], album_source_path(building, place))
    return [own[index] for index in order], notes


def _copy_members(
    path: Path, building: Path, limits: Limits, report: ProgressReporter
) -> tuple[list[str], tuple[str, ...]]:
    """The same for the members of a ZIP file."""
    if not path.is_file():
        raise MediaError("The file is not here (any more). Open it again.")
    limits.check_bytes(path.stat().st_size)
    with open_zip_file(path, _MAX_DIRECTORY_BYTES, MediaError(_TOO_MANY)) as archive:
        members = _members(archive)
        folders = sorted({str(PurePosixPath(member.filename).parent) for member in members})
        if len(folders) > 1:
            raise NoSequence(
                f"The pictures in this ZIP file lie in several folders ({', '.join(folders[:3])}). Pack those of one "
                "clip."
            )
        names = [_last_part(member.filename) for member in members]
        order, notes = order_sequence(names)
        limits.check_frames(len(order))
        budget = limits.max_store_bytes
        for place, index in enumerate(order):
            report(0.0, "Unpacking the pictures")
            target = album_source_path(building, place)
            budget -= _extract(archive, members[index], target, min(budget, limits.max_bytes))
    return [names[index] for index in order], notes


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The pictures in a ZIP file, without masks in folders of their own. Raises `MediaError` if there is none."""
    members = [each for each in files_in(archive) if _is_picture(each.filename)]
    photos = [each for each in members if _MASK_FOLDERS.isdisjoint(_folders(each.filename))]
    if members and (not photos or "manifest.json" in archive.namelist()):  # as our own exports have it
        raise MediaError(
            "This ZIP file holds masks. Open the picture or clip first that they are about, then import them."
        )
    members = photos
    if not members:
        raise NoSequence(
            "There is no picture in this ZIP file. Pack numbered pictures, or take the clip or pictures out of it."
        )
    if len(archive.infolist()) * 46 > _MAX_DIRECTORY_BYTES:
        raise MediaError(_TOO_MANY)
    return members


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, max_bytes: int) -> int:
    """Unpack a member to `target`; its size in bytes. Raises `MediaError`."""
    name, size = _last_part(member.filename), 0
    if member.flag_bits & 1:
        raise MediaError("The ZIP file is locked with a password. Pack the pictures without one.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MediaError("The ZIP file is packed in an unusual way. Pack the pictures as a plain ZIP file.")
    try:
        with archive.open(member) as packed, target.open("wb") as file:
            while chunk := packed.read(_CHUNK):
                size += len(chunk)
                if size > max_bytes:
                    raise MediaError(f"{name} in the ZIP file is too large, or all pictures are together. Pack fewer.")
                file.write(chunk)
    except BAD_MEMBER as error:
        raise MediaError(f"{name} cannot be unpacked: the ZIP file is damaged. Make it again.") from error
    return size


def _is_picture(name: str) -> bool:
    """Whether a name is that of a picture, and not one of those that file managers make."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    hidden = any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in parts)
    return bool(parts) and not hidden and PurePosixPath(parts[-1]).suffix.lower() in PICTURE_SUFFIXES


def _folders(name: str) -> set[str]:
    return {part.casefold() for part in PurePosixPath(name.replace("\\", "/")).parts[:-1]}


def _last_part(name: str) -> str:
    """A member's name without folders."""
    return real_name(name.replace("\\", "/")).rpartition("/")[2]


def _letters(name: str) -> tuple[str, ...]:
    """What is left of a name without its numbers and ending; one part more than there are numbers."""
    stem = unicodedata.normalize("NFC", PurePosixPath(name).stem).casefold()
    return tuple(re.split(r"[0-9]+", stem))


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(digits[-_MAX_DIGITS:]) for digits in re.findall(r"[0-9]+", PurePosixPath(name).stem))


def _check_decimals(names: Sequence[str]) -> None:
    """Raise `NoSequence` for names in the order of their whole numbers that may be times such as 0.5 and 0.25, if they
    would have another order."""
    found = [_DECIMAL.search(PurePosixPath(name).stem) for name in names]
    if not all(found):
        return
    for (one, first), (other, second) in pairwise(zip(names, found, strict=True)):
        assert first is not None and second is not None  # noqa: S101 (checked above)
        same = PurePosixPath(one).stem[: first.start()] == PurePosixPath(other).stem[: second.start()]
        if same and float(first[0]) > float(second[0]):
            raise NoSequence(
                f"{one} and {other} can be put in order by their decimals or by their whole numbers. Give all names "
                "the same number of digits."
            )


def _gaps(keys: Sequence[tuple[int, ...]]) -> tuple[str, ...]:
    """A note if numbers are missing between the first and the last one."""
    varying = [place for place, values in enumerate(zip(*keys, strict=True)) if len(set(values)) > 1]
    if len(varying) != 1:
        return ()
    numbers = [key[varying[0]] for key in keys]
    steps = [later - former for former, later in pairwise(numbers)]
    usual = min(steps)  # times are not quite regular
    after = next((former for former, step in zip(numbers, steps, strict=False) if 2 * step >= 3 * usual), None)
    if after is None:
        return ()
    return (f"Numbers are missing after {after}: the frames are counted without gaps, from 0.",)
