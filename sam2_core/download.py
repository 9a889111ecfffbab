"""Download of a published file over HTTP: with progress, resumed where it broke off, and checked before it counts.

Whoever downloads, here or with the Hub's library, first asks `check_connection` and `check_free_space`: a missing
network and a full disk are then told at once, and retries are for connections that break.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import threading
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, getproxies, proxy_bypass, urlopen

from sam2_core.types import Progress

ATTEMPTS = 5
"""Connections for one download; each goes on where the one before broke off."""

CONNECTION_SECONDS = 3.0
"""A server that has not taken a connection after this long counts as out of reach; a plain refusal is told at once."""

FREE_SPACE_MARGIN = 200_000_000
"""Bytes that must stay free on the disk after a download."""

_CHUNK = 2**20
_TIMEOUT_SECONDS = 30.0
_PORTS = {"http": 80, "https": 443}


def check_connection(url: str, timeout: float = CONNECTION_SECONDS) -> None:
    """Raise `OSError` unless the server of `url`, or the proxy on the way to it, takes a connection within `timeout`
    seconds. Nothing is sent. Unlike that of a socket, the timeout holds for looking up the name, too."""
    host, port = _first_stop(url)
    failure: list[OSError] = []

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout).close()
        except OSError as error:
            failure.append(error)

    thread = threading.Thread(target=connect, name="connection-check", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        failure.append(TimeoutError(f"no answer after {timeout:g} seconds"))
    if failure:
        raise ConnectionError(f"There is no connection to {host} ({failure[0].strerror or failure[0]}).")


def _first_stop(url: str) -> tuple[str, int]:
    """Host and port that a request for `url` connects to: its server, or a proxy."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(host):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host = parts.hostname or ""
    return host, parts.port or _PORTS.get(parts.scheme, 443)


def check_free_space(folder: Path, size: float) -> None:
    """Raise `OSError` where a download of `size` bytes into `folder`, which need not exist yet, would fill the disk."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    if free < size + FREE_SPACE_MARGIN:
        raise OSError(
            f"The disk is too full: {(size + FREE_SPACE_MARGIN) / 1e6:.0f} MB must be free for it, and "
            f"{free / 1e6:.0f} MB are."
        )


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
