"""A server in this process in the place of the Hugging Face Hub, with one file."""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch


def _weights() -> bytes:
    """A file of weights, of no known network: 25.6 MB, more than one chunk of the downloader."""
    file = io.BytesIO()
    torch.save({"weights": torch.arange(6_400_000, dtype=torch.int32)}, file)
    return file.getvalue()


CONTENT = _weights()
FILE = "/facebook/sam2.1-hiera-tiny/resolve/main/sam2.1_hiera_tiny.pt"


@dataclass
class HubServer:
    """What the server does. `breaks_after` are the bytes of the next answers, `gate` holds answers with content back,
    and `requests` are the methods of what it was asked, with the range."""

    address: str = ""
    content: bytes = CONTENT
    breaks_after: list[int] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub: HubServer, *arguments: Any) -> None:
        self.hub = hub
        super().__init__(*arguments)

    def do_HEAD(self) -> None:
        self._respond()

    def do_GET(self) -> None:
        self._respond()

    def _respond(self) -> None:
        asked = self.headers.get("Range", "")
        self.hub.requests.append(f"{self.command} {asked}".strip())
        found = self.path == FILE
        content = self.hub.content if found else b""
        match = re.fullmatch(r"bytes=(\d+)-", asked)
        start = int(match[1]) if match else 0
        self.send_response(404 if not found else 206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        if not found:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if self.command == "GET":
            self.hub.gate.wait(60)
            breaks = bool(self.hub.breaks_after)
            self.wfile.write(content[start : start + self.hub.breaks_after.pop(0)] if breaks else content[start:])
            self.close_connection = breaks

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hub_server(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes = CONTENT) -> Iterator[HubServer]:
    """Such a server, in the place of the Hub; downloads go into `folder`."""
    hub = HubServer(content=content)
    hub.gate.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, hub))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    point_at(hub.address, monkeypatch, folder)
    yield hub
    hub.gate.set()
    server.shutdown()
    thread.join()
    server.server_close()


def point_at(address: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Set the downloader's endpoint to `address` and its cache to `folder`. It reads its settings at import."""
    from huggingface_hub import constants, file_download

    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(
        file_download,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        address + "/{repo_id}/resolve/{revision}/{filename}",
        raising=False,
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    for variable in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
