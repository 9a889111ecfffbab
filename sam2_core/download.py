"""Download of a published file over HTTP: with progress, resumed where it broke off, and checked before it counts."""

from __future__ import annotations

import hashlib
import re
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from sam2_core.types import Progress

ATTEMPTS = 5
"""Connections for one download; each goes on where the one before broke off."""

_CHUNK = 2**20
_TIMEOUT_SECONDS = 30.0


def download(url: str, target: Path, md5: str, max_bytes: int, progress: Progress | None = None) -> None:
    """Fetch `url` into `target`, which exists only once it is complete and has the right MD5.

    What has come so far stays beside it, as `.part`, for the next call. Raises `OSError` (of which connection and HTTP
    errors are subclasses) where it cannot be had whole, and what `progress` raises.
    """
    if not url.startswith(("https://", "http://")):
        raise OSError(f"{url} is no web address.")
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(ATTEMPTS):
        try:
            _fetch_rest(url, part, max_bytes, progress)
            break
        except (ConnectionError, HTTPException, TimeoutError) as error:
            if attempt == ATTEMPTS - 1:
                raise ConnectionError(f"The connection broke off: {error or type(error).__name__}.") from error
    if _md5(part) != md5:
        part.unlink()
        raise OSError("What came is not the published file: its checksum differs.")
    part.replace(target)


def _fetch_rest(url: str, part: Path, max_bytes: int, progress: Progress | None) -> None:
    """Append to `part` what is missing. Raises `ConnectionError` if not all of it comes."""
    start = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "masklet", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = Request(url, headers=headers)  # noqa: S310 - checked by `download`
    try:
        with urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            if start and _first_byte(response) != start:  # the server sends all of it
                start = 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdecimal() else None
            if total is not None and total > max_bytes:
                raise OSError(f"It has {total:,} bytes, more than the {max_bytes:,} expected at most.")
            _append(response, part, start, total, max_bytes, progress)
    except HTTPError as error:
        if start == 0 or error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise  # else nothing is missing


def _first_byte(response: HTTPResponse) -> int:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if response.status == HTTPStatus.PARTIAL_CONTENT and found else 0


def _append(
    response: HTTPResponse, part: Path, start: int, total: int | None, max_bytes: int, progress: Progress | None
) -> None:
    done = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while chunk := response.read(_CHUNK):
            done += len(chunk)
            if done > max_bytes:
                raise OSError(f"It has more than the {max_bytes:,} bytes expected at most.")
            file.write(chunk)
            if progress is not None:
                of_total = "" if total is None else f" of {total / 1e6:.0f}"
                progress(total and min(1.0, done / total), f"Downloading {done / 1e6:.0f}{of_total} MB")
    if total is not None and done < total:
        raise ConnectionError(f"{done:,} of {total:,} bytes came")


def _md5(file: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
