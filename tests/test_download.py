"""Downloads from a server in this process: whole, broken off, resumed, wrong, and too large."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sam2_core import download as module
from sam2_core.download import check_connection, check_free_space, download
from sam2_core.errors import Cancelled, WeightsError
from sam2_core.networks import NETWORKS, WebFile
from sam2_core.weights import find_weights

CONTENT = bytes(range(256)) * 12_000  # 3 MB: several chunks
DEADLINE = 60.0  # seconds
MD5 = hashlib.md5(CONTENT).hexdigest()


@dataclass
class Behavior:
    """What the server does; `requests` are the Range headers that it got."""

    content: bytes = CONTENT
    breaks_after: int | None = None  # bytes of each answer
    knows_ranges: bool = True
    tells_length: bool = True
    status: int = 200
    requests: list[str | None] = field(default_factory=list)


class Server(BaseHTTPRequestHandler):
    def __init__(self, behavior: Behavior, *arguments: Any) -> None:
        self.behavior = behavior
        super().__init__(*arguments)

    def do_GET(self) -> None:
        behavior, asked = self.behavior, self.headers.get("Range")
        behavior.requests.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and behavior.knows_ranges else 0
        if start >= len(behavior.content) or behavior.status != 200:
            self.send_error(416 if behavior.status == 200 else behavior.status)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(behavior.content) - 1}/{len(behavior.content)}")
        if behavior.tells_length:
            self.send_header("Content-Length", str(len(behavior.content) - start))
        self.end_headers()
        end = None if behavior.breaks_after is None else start + behavior.breaks_after
        with suppress(ConnectionError):  # who cancels does not read on
            self.wfile.write(behavior.content[start:end])

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Site:
    behavior: Behavior
    address: str
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "weights.pth"

    @property
    def part(self) -> Path:
        return self.folder / "weights.pth.part"

    def fetch(self, progress: Callable[[float | None, str], None] | None = None, limit: int = 4_000_000) -> None:
        download(f"{self.address}/weights.pth", self.file, MD5, limit, progress)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    behavior = Behavior()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, behavior))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Site(behavior, f"http://127.0.0.1:{server.server_port}", tmp_path / "segment_anything")
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_is_fetched_with_progress(site: Site, tells_length: bool) -> None:
    site.behavior.tells_length = tells_length
    reports: list[tuple[float | None, str]] = []
    site.fetch(lambda done, text: reports.append((done, text)))
    assert site.file.read_bytes() == CONTENT
    assert not site.part.exists()
    fractions = [done for done, _ in reports]
    if tells_length:
        assert fractions == sorted(fractions)
        assert reports[-1] == (1.0, "Downloading 3 of 3 MB")
    else:
        assert set(fractions) == {None}
        assert reports[-1][1] == "Downloading 3 MB"


def test_it_goes_on_where_the_connection_broke_off(site: Site) -> None:
    site.behavior.breaks_after = 1_000_000
    site.fetch()
    assert site.file.read_bytes() == CONTENT
    assert site.behavior.requests == [None, "bytes=1000000-", "bytes=2000000-", "bytes=3000000-"]


def test_what_has_come_is_kept_for_the_next_call(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    site.behavior.breaks_after = 1_000_000
    with pytest.raises(ConnectionError, match="broke off: 2,000,000 of 3,072,000 bytes came"):
        site.fetch()
    assert not site.file.exists()
    site.fetch()
    assert site.file.read_bytes() == CONTENT

    def cancel(done: float | None, text: str) -> None:
        raise Cancelled("Canceled.")

    site.file.unlink()
    site.behavior.breaks_after = None
    with pytest.raises(Cancelled):
        site.fetch(cancel)
    assert site.part.stat().st_size == 2**20
    site.fetch()
    assert site.behavior.requests[-1] == f"bytes={2**20}-"


def test_a_server_without_ranges_sends_all_of_it_again(site: Site) -> None:
    site.behavior.knows_ranges = False
    site.folder.mkdir()
    site.part.write_bytes(CONTENT[:1000])
    site.fetch()
    assert site.file.read_bytes() == CONTENT


def test_a_part_that_is_whole_is_taken(site: Site) -> None:
    site.folder.mkdir()
    site.part.write_bytes(CONTENT)
    site.fetch()
    assert site.file.read_bytes() == CONTENT


def test_another_file_is_refused_and_removed(site: Site) -> None:
    site.behavior.content = CONTENT[::-1]
    with pytest.raises(OSError, match="checksum differs"):
        site.fetch()
    assert list(site.folder.iterdir()) == []


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_that_is_too_large_is_not_stored(site: Site, tells_length: bool) -> None:
    site.behavior.tells_length = tells_length
    with pytest.raises(OSError, match="more than the 2,000,000"):
        site.fetch(limit=2_000_000)
    assert not site.file.exists()
    assert not site.part.exists() or site.part.stat().st_size <= 2_000_000


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "weights.pth"])
def test_other_addresses_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no web address"):
        download(address, tmp_path / "x", MD5, 10)


@pytest.mark.parametrize(
    ("environment", "stop"),
    [
        ({}, ("example.test", 443)),
        ({"https_proxy": "http://proxy.test:3128"}, ("proxy.test", 3128)),
        ({"all_proxy": "socks5://proxy.test:1080"}, ("proxy.test", 1080)),
        ({"https_proxy": "http://proxy.test:3128", "no_proxy": "example.test"}, ("example.test", 443)),
    ],
)
def test_a_connection_is_checked_where_requests_go(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], stop: tuple[str, int]
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(address)
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionError, match=rf"no connection to {stop[0]} \(Name or service not known\)"):
        check_connection("https://example.test/x")
    assert asked == [stop]


def test_a_server_that_answers_is_reached_and_one_that_does_not_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_connection(site.address)
    hangs = threading.Event()

    def connect(address: tuple[str, int], timeout: float) -> None:
        hangs.wait(DEADLINE)
        raise OSError("too late")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionError, match=r"no connection to example.test \(no answer after 0.01 seconds\)"):
        check_connection("https://example.test", timeout=0.01)
    hangs.set()


def test_a_disk_without_room_is_told_by_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[Path] = []

    def usage(path: Path) -> SimpleNamespace:
        looked_at.append(path)
        return SimpleNamespace(free=350_000_000)

    monkeypatch.setattr("shutil.disk_usage", usage)
    check_free_space(tmp_path / "not" / "yet", 150e6)
    assert looked_at == [tmp_path]
    with pytest.raises(OSError, match="too full: 351 MB must be free for it, and 350 MB are"):
        check_free_space(tmp_path, 151e6)


# --- weights ---------------------------------------------------------------------------------------------------------


def test_weights_outside_of_the_hub(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(site.folder.parent))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    sam = NETWORKS["sam_vit_b"]
    assert sam.weights_on_disk is None
    assert (sam.megabytes, sam.license) == (pytest.approx(375, abs=1), "Apache 2.0, from Meta")
    network = replace(sam, web=WebFile(f"{site.address}/sam_vit_b.pth", MD5))
    reports: list[str] = []
    file = find_weights(network, lambda done, text: reports.append(text))
    assert file == site.folder / "sam_vit_b_01ec64.pth" == sam.weights_on_disk
    assert file.read_bytes() == CONTENT
    assert (reports[0], reports[-1]) == ("Looking for sam_vit_b_01ec64.pth", "Downloading 3 of 3 MB")
    assert find_weights(network) == file
    assert len(site.behavior.requests) == 1


@pytest.mark.parametrize("is_offline", [True, False])
def test_weights_that_cannot_be_had(site: Site, monkeypatch: pytest.MonkeyPatch, is_offline: bool) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(site.folder.parent))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", is_offline)
    site.behavior.status = 403
    network = replace(NETWORKS["sam_vit_b"], web=WebFile(f"{site.address}/sam_vit_b.pth", MD5))
    reason = "turned off" if is_offline else "403"
    with pytest.raises(WeightsError, match=rf"sam_vit_b_01ec64\.pth cannot be fetched from http.*{reason}.*by hand"):
        find_weights(network)
