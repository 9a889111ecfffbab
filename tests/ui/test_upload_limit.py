"""Files that are sent to Gradio, without Gradio."""

from __future__ import annotations

import os
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
        content = b"".join([part async for part in request.stream()])
        folder = cache / f"folder-{len(list(cache.iterdir()))}"
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
    assert len(list(cache.iterdir())) == 1
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


def test_what_did_not_arrive_whole_goes(cache: Path) -> None:
    (cache / "whole").mkdir()
    for name, age in (("whole/file", 2.0), ("tmp1", 2.0), ("tmp2", 0.5)):
        path = cache / name
        path.write_bytes(bytes(10_000))
        about = path.stat()
        os.utime(path, (about.st_atime, about.st_mtime - age * ABANDONED_SECONDS))
    size = tidy(cache)
    assert sorted(path.name for path in cache.iterdir()) == ["tmp2", "whole"]
    assert 20_000 <= size <= 20_000 + 2 * LEAST_BYTES
    assert tidy(cache / "nowhere") == 0
