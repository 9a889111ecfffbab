"""Behind a real nginx: the configuration that is shipped, one that says nothing but where Masklet is, and what lies
between; and behind a real Caddy, as docs/hosting.md tells. Skipped where they are not installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gradio import networking
from gradio_client import Client, handle_file
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, free_port, launched, picture_bytes, token_of, unpack
from ui.app import Server

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "examples" / "hosting" / "nginx.conf"
HOSTING = ROOT / "docs" / "hosting.md"
NAME = "masklet.example.org"
SIZE_OF_NGINX = 1_000_000  # about what nginx takes where nobody says otherwise

needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
needs_caddy = pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")


@dataclass
class Proxies:
    """One proxy with several ports, and the servers behind it: one that is open, one with a login and a path."""

    open_server: Server
    open_behind: str
    closed_behind: str
    certificate: Path
    key: Path
    certificates: ssl.SSLContext
    ports: dict[str, int] = field(default_factory=dict)

    def address(self, kind: str) -> str:
        scheme = "https" if kind.startswith("tls") else "http"
        return f"{scheme}://127.0.0.1:{self.ports[kind]}{'/masklet' if 'masklet' in kind else ''}/"

    def client(self, kind: str) -> httpx.Client:
        """A browser that opens the page by its public name."""
        headers = {"host": NAME}
        return httpx.Client(base_url=self.address(kind), headers=headers, verify=self.certificates, timeout=DEADLINE)

    def join(self, kind: str, token: str, client: httpx.Client | None = None) -> ClientConnection:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items()) if client else ""
        address = self.address(kind)
        options: dict[str, Any] = {"ssl": self.certificates} if address.startswith("https") else {}
        headers = {"Cookie": cookies, "Origin": f"{'https' if options else 'http'}://{NAME}"}
        # The library writes Host from the address.
        return connect(f"ws{address.removeprefix('http')}s/{token}/ws", additional_headers=headers, **options)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    """Those that proxies come before."""
    flags = ("--trusted-proxies=127.0.0.1", f"--allowed-hosts=auto,{NAME}")
    closed = ("--auth=me:secret", "--root-path=/masklet", f"--frame-ancestors=https://{NAME},https://example.net")
    certificate, key = make_certificate(tmp_path_factory.mktemp("certificate"))
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    with launched(FakeEngine(), *flags) as (server, address), launched(FakeEngine(), *flags, *closed) as (_, other):
        behind = [f"http://{urlsplit(each).netloc}" for each in (address, other)]
        yield Proxies(server, *behind, certificate, key, context)


@pytest.fixture(scope="module")
def nginx(servers: Proxies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    folder = tmp_path_factory.mktemp("nginx")
    ports = {kind: free_port() for kind in ("shipped", "plain", "hasty", "tls", "tls-masklet-cut")}
    ports["tls-masklet"] = ports["tls"]
    behind, closed_behind = servers.open_behind, servers.closed_behind
    forwarding = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;"
    upgrading = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection 'upgrade';"
    tls = f"ssl_certificate {servers.certificate}; ssl_certificate_key {servers.key};"
    blocks = [
        shipped(ports["shipped"], behind),
        f"server {{ listen {ports['plain']}; location / {{ proxy_pass {behind}; }} }}",
        f"server {{ listen {ports['hasty']}; location / {{ proxy_pass {behind}; proxy_read_timeout 1s;"
        f" {forwarding} {upgrading} }} }}",
        shipped(ports["tls"], closed_behind, servers.certificate, servers.key),
        f"server {{ listen {ports['tls-masklet-cut']} ssl; {tls} location /masklet/ {{"
        f" proxy_pass {closed_behind}/; {forwarding} {upgrading} }} }}",
    ]
    temporary = (f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.name == "posix" and os.geteuid() == 0 else ""
    text = (
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/errors;\n"
        f"events {{}}\nhttp {{ access_log off; {' '.join(temporary)}\n" + "\n".join(blocks) + "\n}\n"
    )
    (folder / "nginx.conf").write_text(text, "utf-8")
    with running("nginx", "-c", str(folder / "nginx.conf"), port=ports["shipped"]):
        yield replace(servers, ports=ports)


@pytest.fixture(scope="module")
def caddy(servers: Proxies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    """The two configurations of the documentation, with this machine's addresses and a certificate that is there."""
    folder = tmp_path_factory.mktemp("caddy")
    ports = {kind: free_port() for kind in ("caddy", "tls-masklet", "tls-masklet-cut")}
    whole, below = re.findall(rf"```\n{NAME} (\{{.*?)\n```", HOSTING.read_text("utf-8"), re.DOTALL)
    whole = whole.replace("127.0.0.1:7860", servers.open_behind)
    below = below.replace("127.0.0.1:7860", servers.closed_behind)
    below = f"{{\n    tls {servers.certificate} {servers.key}{below.removeprefix('{')}"
    assert "handle /masklet/*" in below
    sites = [
        "{\n    admin off\n    auto_https disable_redirects\n}",
        f"http://:{ports['caddy']} {whole}",
        f"https://:{ports['tls-masklet']} {below}",
        f"https://:{ports['tls-masklet-cut']} {below.replace('handle ', 'handle_path ')}",
    ]
    (folder / "Caddyfile").write_text("\n".join(sites) + "\n", "utf-8")
    command = ("caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile"))
    with running(*command, port=ports["caddy"], XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder)):
        yield replace(servers, ports=ports)


def shipped(port: int, behind: str, certificate: Path | None = None, key: Path | None = None) -> str:
    """The configuration of examples/hosting with this machine's addresses, and with its lines for TLS on request."""
    text = SHIPPED.read_text("utf-8").replace("http://masklet:7860", behind)
    if certificate is None:
        return text.replace("listen 8080", f"listen {port}")
    for old, new in (
        ("    listen 8080;\n", ""),
        ("#tls ", ""),
        ("listen 443", f"listen {port}"),
        ("/etc/nginx/certificate.pem", str(certificate)),
        ("/etc/nginx/key.pem", str(key)),
    ):
        assert old in text
        text = text.replace(old, new)
    return text.replace("$connection_upgrade", "$tls_upgrade")


def make_certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@contextmanager
def running(program: str, *arguments: str, port: int, **environment: str) -> Iterator[None]:
    """A proxy that listens on this port, among others."""
    command = [str(shutil.which(program)), *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        try:
            end = time.monotonic() + DEADLINE
            while not is_open(port):
                if process.poll() is not None or time.monotonic() > end:
                    process.kill()
                    pytest.fail(f"{program} does not start: {process.communicate()[1]}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def hello(joined: ClientConnection) -> dict[str, Any]:
    message = joined.recv(DEADLINE)
    assert isinstance(message, bytes)
    event, _ = unpack(message)
    assert event["t"] == "hello"
    return event


def proxied(*kinds: tuple[str, str]) -> pytest.MarkDecorator:
    """Parameters of a test: a proxy, and which of its configurations."""
    marks = {"nginx": needs_nginx, "caddy": needs_caddy}
    cases = [pytest.param(proxy, kind, marks=marks[proxy], id=f"{proxy}-{kind}") for proxy, kind in kinds]
    return pytest.mark.parametrize(("proxy", "kind"), cases)


@proxied(("nginx", "shipped"), ("caddy", "caddy"))
def test_everything_works_with_the_configuration_that_is_shipped(
    proxy: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    proxies: Proxies = request.getfixturevalue(proxy)
    with proxies.client(kind) as client:
        client.headers["x-forwarded-for"] = "203.0.113.7"  # which a visitor made up
        assert client.get("config").json()["root"] == f"http://{NAME}"
        token = token_of(client)
        assert proxies.open_server.sessions._sessions[token].address == "", "of this computer, as the proxy says"
        with proxies.join(kind, token) as joined:
            hello(joined)
            large = picture_bytes(900, 900)
            assert len(large) > 2 * SIZE_OF_NGINX
            assert client.post(f"s/{token}/upload?name=a.png", content=large).status_code == 202
            while unpack(joined.recv(DEADLINE))[0]["t"] != "opened":  # type: ignore[arg-type]
                pass
    (tmp_path / "a.png").write_bytes(picture_bytes())
    program = Client(proxies.address(kind), verbose=False)
    try:
        session = program.predict(handle_file(tmp_path / "a.png"), api_name="/open")["session"]
        assert program.predict(session, 0, 1, [[20, 24]], api_name="/prompt")["area"] > 0
    finally:
        program.close()


@needs_nginx
def test_a_proxy_that_drops_sockets_leaves_plain_requests(nginx: Proxies) -> None:
    """Such as nginx without a word about sockets, buffers, names and sizes."""
    with httpx.Client(base_url=nginx.address("plain"), timeout=DEADLINE) as client:
        token = token_of(client)
        with pytest.raises(InvalidStatus):
            nginx.join("plain", token)
        blind = {"origin": f"http://{NAME}:81", "sec-fetch-site": "same-origin"}
        assert client.get("config", headers=blind).status_code == 200, "the name is allowed"
        foreign = client.get("config", headers={**blind, "origin": "http://unknown.example"})
        assert (foreign.status_code, "proxy_set_header Host" in foreign.json()["error"]) == (403, True)
        events = client.get(f"s/{token}/receive?first=1").content
        assert unpack(events[4 : 4 + int.from_bytes(events[:4], "little")])[0]["t"] == "hello"
        assert client.post(f"s/{token}/send", content=json.dumps({"t": "list_models"})).status_code == 204
        assert b'"models"' in client.get(f"s/{token}/receive").content
        assert client.post(f"s/{token}/upload?name=a.png", content=picture_bytes()).status_code == 202
        refused = client.post(f"s/{token}/upload?name=a.png", content=bytes(2 * SIZE_OF_NGINX))
        assert refused.status_code == 413
        assert "error" not in refused.text[:1], "no JSON of ours, from which the page tells whose limit it is"


@needs_nginx
def test_a_connection_that_a_proxy_cut_is_made_again(nginx: Proxies) -> None:
    with nginx.client("hasty") as client:
        token = token_of(client)
        with nginx.join("hasty", token) as joined:
            assert hello(joined)["medium"] is None
            with pytest.raises(ConnectionClosed):
                for _ in range(20):
                    joined.recv(DEADLINE)
        with nginx.join("hasty", token) as joined:
            hello(joined)


@proxied(*((proxy, kind) for proxy in ("nginx", "caddy") for kind in ("tls-masklet", "tls-masklet-cut")))
def test_tls_a_login_and_a_path_of_its_own(proxy: str, kind: str, request: pytest.FixtureRequest) -> None:
    """Whether the proxy leaves the path in what it asks for, or cuts it off."""
    proxies: Proxies = request.getfixturevalue(proxy)
    with proxies.client(kind) as client:
        assert client.get("config").status_code == 401
        assert client.post("login", data={"username": "me", "password": "wrong"}).status_code == 400
        answer = client.post("login", data={"username": "me", "password": "secret"})
        cookies = answer.headers.get_list("set-cookie")
        secure = [each.lower() for each in cookies if "secure;" in f"{each.lower()};"]
        assert any("samesite=none" in each and "partitioned" in each for each in secure), "as it may be in a frame"
        assert client.get("config").json()["root"] == f"https://{NAME}/masklet"
        page = client.get("")
        assert "const { origin, pathname } = location" in page.text, "it asks where it came from, whatever is told here"
        policy = page.headers["content-security-policy"]
        assert f"frame-ancestors 'self' https://{NAME} https://example.net" in policy
        token = token_of(client)
        with proxies.join(kind, token, client) as joined:
            hello(joined)
        assert client.post(f"s/{token}/upload?name=a.png", content=picture_bytes()).status_code == 202
        assert client.get("examples/coffee.jpg").headers["content-type"] == "image/jpeg"
        logged_out = client.get("logout")
        assert (logged_out.status_code, logged_out.headers["location"]) == (303, "/masklet/")
        assert client.get("config").status_code == 401


def test_a_shared_link_is_answered_as_the_page_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networking, "setup_tunnel", lambda *arguments, **options: "https://0a1b2c.gradio.live")
    with launched(FakeEngine(), "--share") as (_, address), httpx.Client(base_url=address) as client:
        config = client.get("config", headers={"host": "0a1b2c.gradio.live"})
        assert config.json()["root"] == "https://0a1b2c.gradio.live", "its scripts may load nothing without TLS"
        assert client.get("config", headers={"host": "another.gradio.live"}).status_code == 421
