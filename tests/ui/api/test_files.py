"""Files that are sent to Gradio and fetched there, without its server."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from gradio import route_utils
from gradio.utils import get_upload_folder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from sam2_core.errors import MediaError
from ui.api.files import (
    ABANDONED_SECONDS,
    MIN_FILE_BYTES,
    UPLOAD_PATH,
    UploadLimit,
    exchange_in,
    receive_file,
    share_bytes,
    share_file,
    tidy,
)

AT_ONCE, ALL = 50_000, 120_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def client(cache: Path) -> Iterator[TestClient]:
    async def keep(request: Request) -> PlainTextResponse:
        begun = cache / f"tmp{secrets.token_hex(4)}"
        begun.write_bytes(bytes(1000))
        content = b"".join([part async for part in request.stream()])
        begun.unlink()
        folder = cache / f"folder-{secrets.token_hex(4)}"
        folder.mkdir()
        (folder / "file").write_bytes(content)
        return PlainTextResponse("kept")

    limit = Middleware(UploadLimit, max_request_bytes=AT_ONCE, max_total_bytes=ALL)
    routes = [Route(UPLOAD_PATH, keep, methods=["POST"]), Route("/other", keep, methods=["POST"])]
    with TestClient(Starlette(routes=routes, middleware=[limit])) as client:
        yield client


def test_equal_files_lie_in_folders_that_nobody_can_guess(cache: Path) -> None:
    """Gradio names folders after a digest of the content, and who knows one may read what is in it."""
    with exchange_in(cache / "exchange"):
        assert get_upload_folder() == str(cache / "exchange")
        digests = {route_utils.GradioUploadFile(io.BytesIO()).sha.hexdigest() for _ in range(3)}
    assert len(digests) == 3
    assert get_upload_folder() == str(cache)


def parts(size: int) -> Iterable[bytes]:
    """Bytes whose number is not announced."""
    return (bytes(1000) for _ in range(size // 1000))


def test_one_request_brings_no_more_than_it_may(client: TestClient, cache: Path) -> None:
    assert client.post(UPLOAD_PATH, content=bytes(AT_ONCE)).text == "kept"
    assert client.post(UPLOAD_PATH, content=bytes(AT_ONCE + 1)).status_code == 413
    assert client.post(UPLOAD_PATH, content=parts(AT_ONCE + 1000)).status_code == 413
    assert len(list(cache.glob("folder-*"))) == 1
    assert client.post(UPLOAD_PATH, content=parts(AT_ONCE)).text == "kept"
    assert client.post("/other", content=bytes(AT_ONCE + 1)).text == "kept"


def test_all_requests_together_bring_no_more_than_fits(client: TestClient, cache: Path) -> None:
    answers = [client.post(UPLOAD_PATH, content=bytes(30_000)).status_code for _ in range(6)]
    assert answers[0] == 200
    assert answers[-1] == 503
    kept = answers.count(200)
    assert 30_000 * kept <= ALL
    for path in cache.glob("*/file"):
        path.unlink()
    assert client.post(UPLOAD_PATH, content=bytes(30_000)).status_code == 200


def grow_old(path: Path, seconds: float) -> None:
    about = path.stat()
    os.utime(path, (about.st_atime, about.st_mtime - seconds))


def test_incomplete_files_are_deleted(client: TestClient, cache: Path) -> None:
    (cache / "tmp-of-another").write_bytes(b"x")
    assert client.post(UPLOAD_PATH, content=parts(AT_ONCE + 1000)).status_code == 413
    assert client.post(UPLOAD_PATH, content=b"y").status_code == 200
    left = [path for path in cache.glob("tmp*") if path.stat().st_size == 1000]
    assert len(left) == 1, "it may still be written"
    for path in cache.glob("**/*"):
        grow_old(path, 2 * ABANDONED_SECONDS)
    assert client.post(UPLOAD_PATH, content=b"z").status_code == 200
    assert [path.name for path in cache.glob("tmp*")] == ["tmp-of-another"]
    assert len(list(cache.glob("folder-*"))) == 2


def test_what_is_there_is_counted(cache: Path) -> None:
    (cache / "whole").mkdir()
    for name in ("whole/file", "tmp1"):
        (cache / name).write_bytes(bytes(10_000))
    assert 20_000 <= tidy(cache, ()) <= 20_000 + MIN_FILE_BYTES
    assert tidy(cache / "nowhere", ()) == 0


def sent(path: Path) -> dict[str, object]:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


def test_only_what_was_sent_is_received(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, elsewhere = tmp_path_factory.mktemp("session"), tmp_path_factory.mktemp("elsewhere")
    for place in (cache, elsewhere):
        (place / "a.png").write_bytes(b"png")
    received = receive_file(sent(cache / "a.png"), folder)
    assert received.read_bytes() == b"png"
    assert (received.name, received.parent.parent) == ("a.png", folder)
    (cache / "link.png").symlink_to(elsewhere / "a.png")
    for other in (
        sent(elsewhere / "a.png"),
        sent(cache / ".." / "x"),
        sent(cache),
        sent(cache / "link.png"),
        "a.png",
        None,
    ):
        with pytest.raises(MediaError, match="no file that was sent"):
            receive_file(other, folder)


def test_what_is_shared_lies_in_folders_of_its_own(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("session") / "masks.zip"
    file.write_bytes(b"zip")
    shared = [share_file(file), share_file(file), share_bytes("mask.png", b"png")]
    assert [path.read_bytes() for path in shared] == [b"zip", b"zip", b"png"]
    assert [path.name for path in shared] == ["masks.zip", "masks.zip", "mask.png"]
    assert len({path.parent for path in shared}) == 3
    assert all(path.parent.parent == cache for path in shared)
