"""Names of files: as users have them, and as they are written.

A medium keeps the user's own name (`real_name`): the file name or, where several files come from several folders, a
relative path such as `front/0001.jpg`. Files are stored under names of our own, so a name never becomes a path on the
server. Files that are written about an image have its own stem (`titles_of`), because training tools look for
`NAME.txt` beside `NAME.jpg`; a name that the user's file system allows for the image is allowed for its labels, too.
Files of our own, such as downloads, get a name that any file system takes (`safe_file_name`).
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from itertools import takewhile
from pathlib import Path

MAX_NAME = 255
"""Characters of a file name, which is what file systems allow at most."""
MAX_PATH = 1000
"""Characters of a relative path."""
_MAX_TITLE_BYTES = 240  # of 255, which leaves room for an extension
_MAX_FILE_NAME_BYTES = 230  # the temporary folder of an unfinished file has a longer name

# Control characters, line separators, bidirectional overrides and isolates, the byte order mark, noncharacters, and
# surrogates, which stand for bytes that are no UTF-8. Joiners and marks belong to emoji and to many scripts.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')  # on Windows
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
_WINDOWS_PATH = re.compile(r"[A-Za-z]:\\|\\|(.*\\)?\.\.?(\\|$)")


def real_name(name: str) -> str:
    """A user's file name or relative path as it is kept: with `/`, without a drive, leading slashes, `.` and `..`.

    Characters that would change a terminal or a page become `_`; such names must still be escaped where they are shown.
    """
    name = _UNSAFE.sub("_", re.sub(r"^[A-Za-z]:/", "", name))
    parts = [each.rpartition("\\")[2] if _WINDOWS_PATH.match(each) else each for each in name.split("/")]
    parts = [_shorten(each) for each in parts if each not in ("", ".", "..")]
    while len(parts) > 1 and len("/".join(parts)) > MAX_PATH:
        del parts[0]
    return "/".join(parts) or "media"


def short_names(paths: Iterable[str | Path]) -> list[str]:
    """The names of files that are used together: file names or, if equal stems occur in several folders, paths relative
    to the folder that all files have in common."""
    named = [real_name(path.as_posix() if isinstance(path, Path) else path).split("/") for path in paths]
    folders = defaultdict[str, set[tuple[str, ...]]](set)
    for *folder, name in named:
        folders[fold_name(without_extension(name))].add(tuple(folder))
    if all(len(each) == 1 for each in folders.values()):
        return [parts[-1] for parts in named]
    levels = zip(*(parts[:-1] for parts in named), strict=False)
    shared = sum(1 for _ in takewhile(lambda level: len({*level}) == 1, levels))
    return ["/".join(parts[shared:]) for parts in named]


def unique_name(name: str, taken: Set[str], path: str = "") -> str:
    """The name if its `compose_name` is not in `taken`, else with more folders of `path`, else with a number."""
    parts = (path or name).split("/")
    for count in range(name.count("/") + 2, len(parts) + 1):
        if compose_name(name) not in taken:
            return name
        name = "/".join(parts[-count:])
    stem, number, unique = without_extension(name), 2, name
    while compose_name(unique) in taken:
        unique, number = f"{stem} ({number}){name[len(stem) :]}", number + 1
    return unique


def titles_of(names: Sequence[str]) -> tuple[str, ...]:
    """The stems of files about images of these names: the images' own stems, unique on any file system.

    Where stems are equal, extensions are kept (`a.jpg.txt`, `a.png.txt`); what is equal even then gets a number.
    """
    stems = [_member(without_extension(name)) for name in names]
    counts = Counter(map(fold_name, stems))
    taken = {stem for stem, count in counts.items() if count == 1}
    titles = []
    for name, stem in zip(names, stems, strict=True):
        if counts[fold_name(stem)] > 1:
            kept = stem = _member(name)
            number = 2
            while fold_name(stem) in taken:
                stem, number = f"{kept}_{number}", number + 1
            taken.add(fold_name(stem))
        titles.append(stem)
    return tuple(titles)


def clip_title(name: str) -> str:
    """The name of a folder with the frames of a clip of this name."""
    return _member(without_extension(name.rpartition("/")[2]))


def safe_file_name(stem: str, ending: str = "") -> str:
    """A file name that any file system takes, as near to `stem` as possible; `ending` is added as it is."""
    stem = _FORBIDDEN.sub("_", _UNSAFE.sub("_", stem)).lstrip(" .")
    stem = _cut(stem, _MAX_FILE_NAME_BYTES - len(ending.encode()))
    name = f"{stem.rstrip(' .') or 'media'}{ending}".rstrip(" .")
    return f"_{name}" if _RESERVED.match(name) else name


def without_extension(name: str) -> str:
    """A name or path without its extension, as training tools cut it off: at the last dot, unless that is the first
    character."""
    return posixpath.splitext(name)[0]


def extension_of_name(name: str) -> str:
    """The extension that `without_extension` cuts off, in lower case and with its dot; "" if there is none."""
    return posixpath.splitext(name)[1].lower()


def compose_name(name: str) -> str:
    """A key that is equal for names that look the same: without Unicode's forms."""
    return unicodedata.normalize("NFC", name)


def fold_name(name: str) -> str:
    """A key that is equal for names that some file systems take for the same: without case and Unicode's forms."""
    return compose_name(compose_name(name).casefold())


def clean_name(name: str) -> str:
    """The name that earlier versions gave to a file, without characters that are special to a file system."""
    kept = re.sub(r"[^\w .()+\-]", "_", name).strip(" .")
    stem, dot, ending = kept.rpartition(".")
    if not dot or len(ending) > 8:
        stem, ending = kept, ""
    stem = stem[: 79 - len(ending)].strip(" .") or "media"
    return f"{stem}.{ending}" if ending else stem


def former_names(name: str) -> tuple[str, ...]:
    """The names that earlier versions gave to a file: read from a disk, and uploaded by a page. Projects that were
    saved then have them."""
    uploaded = "".join(each for each in name[-120:] if each.isalnum() or each in " ._-()").strip(" .")
    return clean_name(name), clean_name(uploaded or "upload")


def _member(path: str) -> str:
    """A relative path as the name of a member of an archive, with parts of limited length."""
    parts = real_name(path).replace("\\", "_").split("/")
    return "/".join(_cut(part, _MAX_TITLE_BYTES) for part in parts)


def _shorten(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    stem, extension = posixpath.splitext(name)
    return stem[: MAX_NAME - len(extension)] + extension if len(extension) < MAX_NAME // 2 else name[:MAX_NAME]


def _cut(text: str, max_bytes: int) -> str:
    """At most so many bytes of UTF-8, whole characters."""
    return text.encode()[:max_bytes].decode(errors="ignore")
