"""Files that are sent to Gradio, without Gradio."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ui.upload_limit import ABANDONED_SECONDS, ADDRESS, LEAST_BYTES, UploadLimit, tidy

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

    limit = Middleware(UploadLimit, most_at_once=AT_ONCE, most=ALL)
    routes = [Route(ADDRESS, keep, methods=["POST"]), Route("/other", keep, methods=["POST"])]
    with TestClient(Starlette(routes=routes, middleware=[limit])) as client:
        yield client


def parts(size: int) -> Iterable[bytes]:
    """Bytes whose number is not announced."""
    return (bytes(1000) for _ in range(size // 1000))


def test_one_request_brings_no_more_than_it_may(client: TestClient, cache: Path) -> None:
    assert client.post(ADDRESS, content=bytes(AT_ONCE)).text == "kept"
    assert client.post(ADDRESS, content=bytes(AT_ONCE + 1)).status_code == 413
    assert client.post(ADDRESS, content=parts(AT_ONCE + 1000)).status_code == 413
    assert len(list(cache.glob("folder-*"))) == 1
    assert client.post(ADDRESS, content=parts(AT_ONCE)).text == "kept"
    assert client.post("/other", content=bytes(AT_ONCE + 1)).text == "kept"


def test_all_requests_together_bring_no_more_than_fits(client: TestClient, cache: Path) -> None:
    answers = [client.post(ADDRESS, content=bytes(30_000)).status_code for _ in range(6)]
    assert answers[0] == 200
    assert answers[-1] == 503
    kept = answers.count(200)
    assert 30_000 * kept <= ALL
    for path in cache.glob("*/file"):
        path.unlink()
    assert client.post(ADDRESS, content=bytes(30_000)).status_code == 200


def grow_old(path: Path, seconds: float) -> None:
    about = path.stat()
    os.utime(path, (about.st_atime, about.st_mtime - seconds))


def test_what_did_not_arrive_whole_goes(client: TestClient, cache: Path) -> None:
    (cache / "tmp-of-another").write_bytes(b"x")
    assert client.post(ADDRESS, content=parts(AT_ONCE + 1000)).status_code == 413
    assert client.post(ADDRESS, content=b"y").status_code == 200
    left = [path for path in cache.glob("tmp*") if path.stat().st_size == 1000]
    assert len(left) == 1, "it may still be written"
    for path in cache.glob("**/*"):
        grow_old(path, 2 * ABANDONED_SECONDS)
    assert client.post(ADDRESS, content=b"z").status_code == 200
    assert [path.name for path in cache.glob("tmp*")] == ["tmp-of-another"]
    assert len(list(cache.glob("folder-*"))) == 2


def test_what_is_there_is_counted(cache: Path) -> None:
    (cache / "whole").mkdir()
    for name in ("whole/file", "tmp1"):
        (cache / name).write_bytes(bytes(10_000))
    assert 20_000 <= tidy(cache, ()) <= 20_000 + LEAST_BYTES
    assert tidy(cache / "nowhere", ()) == 0
