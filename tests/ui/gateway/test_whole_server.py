"""The gateway before all of Gradio's routes and ours, on a server with a password."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from starlette.routing import Route
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.fakes import FakeEngine
from tests.ui.house import DEADLINE, launched, picture_bytes, token_of, unpack
from ui.app import Server
from ui.gateway.logins import is_public

NESTED = b'{"data":[' + b"[]," * 300_000 + b"[]]}"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Server, str]]:
    with launched(FakeEngine(), "--auth=me:secret", "--login-attempts=1000", "--flood-seconds=1") as started:
        yield started


@contextmanager
def visitor(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=DEADLINE) as made:
        assert made.post("login", data={"username": "me", "password": "secret"}).status_code == 200
        yield made


def join(client: httpx.Client, address: str, token: str) -> ClientConnection:
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return connect(f"{address.replace('http', 'ws')}s/{token}/ws", additional_headers={"Cookie": cookies})


def paths(server: Server, method: str) -> list[str]:
    """Of all routes; Gradio's own are in a router within the app's."""
    app = server.demo.app
    routes = [*app.routes, *(each for inner in app.routes for each in getattr(inner, "original_router", app).routes)]
    return sorted({each.path for each in routes if isinstance(each, Route) and method in (each.methods or ())})


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "x", path).lstrip("/")


def test_nothing_is_answered_or_parsed_before_the_login(served: tuple[Server, str]) -> None:
    server, address = served
    posts, gets = paths(server, "POST"), paths(server, "GET")
    assert len(posts) > 20, "Gradio's routes and ours"
    with httpx.Client(base_url=address, timeout=DEADLINE) as stranger:
        for path in posts:
            answer = stranger.post(filled(path), content=NESTED)
            assert answer.status_code in ((401,) if not is_public(path) else (405, 413)), path
        for path in gets:
            if not is_public(f"/{filled(path)}") and "logout" not in path:
                assert stranger.get(filled(path)).status_code == 401, path


def test_nothing_is_parsed_that_is_too_much_behind_it_either(served: tuple[Server, str]) -> None:
    server, address = served
    files = re.compile(r"/gradio_api/upload/?|/s/\{token\}/(upload|import|backdrop|send|live)|/login/?")
    with visitor(address) as client:
        for path in paths(server, "POST"):
            if not files.fullmatch(path):
                assert client.post(filled(path), content=NESTED).status_code == 413, path


def test_a_session_belongs_to_the_login_that_opened_it_and_ends_with_it(served: tuple[Server, str]) -> None:
    _, address = served
    with visitor(address) as mine, visitor(address) as yours:
        token, other = token_of(mine), token_of(yours)
        assert mine.post(f"s/{token}/upload?name=a.png", content=picture_bytes()).status_code == 202
        for path in (f"s/{token}/upload?name=a.png", f"s/{token}/send", f"s/{token}/bye"):
            assert yours.post(path, content=b"{}").status_code == 404
        with join(yours, address, token) as foreign, pytest.raises(ConnectionClosed) as closed:
            foreign.recv(DEADLINE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4404
        with join(mine, address, token) as socket, join(yours, address, other) as staying:
            assert unpack(_binary(socket))[0]["t"] == "hello"
            assert unpack(_binary(staying))[0]["t"] == "hello"
            assert mine.get("logout").status_code == 303
            with pytest.raises(ConnectionClosed) as closed:
                for _ in range(20):
                    socket.recv(DEADLINE)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4404
            staying.send(json.dumps({"t": "list_models"}))
            while unpack(_binary(staying))[0]["t"] != "models":
                pass
        assert mine.post(f"s/{token}/bye").status_code == 401


def _binary(socket: ClientConnection) -> bytes:
    message = socket.recv(DEADLINE)
    assert isinstance(message, bytes)
    return message


def test_a_program_logs_in_and_its_sessions_are_its_own(served: tuple[Server, str], tmp_path: Any) -> None:
    _, address = served
    (tmp_path / "a.png").write_bytes(picture_bytes())
    login = {"auth": ("me", "secret"), "verbose": False}
    mine, yours = Client(address, **login), Client(address, **login)  # type: ignore[arg-type]
    try:
        session = mine.predict(handle_file(tmp_path / "a.png"), api_name="/open")["session"]
        found = mine.predict(session, 0, 1, [[20, 24]], api_name="/prompt")
        assert found["area"] > 0
        with pytest.raises(Exception, match="session is unknown"):
            yours.predict(session, 0, 1, [[20, 24]], api_name="/prompt")
        yours.predict(session, api_name="/close")
        assert mine.predict(session, api_name="/masks")
    finally:
        mine.close()
        yours.close()


def test_the_page_comes_with_its_policy(served: tuple[Server, str]) -> None:
    _, address = served
    with visitor(address) as client:
        answer = client.get("")
        inline = re.findall(r"<script(?: data-gradio-mode)?>", answer.text)
        assert len(re.findall(r"'sha256-[^']+'", answer.headers["content-security-policy"])) == len(inline) >= 4
        cors = client.get("config", headers={"origin": address.rstrip("/")})
        assert (cors.status_code, "access-control-allow-origin" in cors.headers) == (200, False)
        preflight = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        assert client.options("gradio_api/run/predict", headers=preflight).status_code == 403


def test_others_stay_quick_while_one_floods(served: tuple[Server, str]) -> None:
    """Not a measurement: a loop that is held up for seconds fails it on any machine."""
    _, address = served
    with visitor(address) as client:
        token = token_of(client)
        with join(client, address, token) as socket:
            nested = '{"t":"list_models","x":[' + ",".join(["[]"] * 2_000_000) + "]}"
            for _ in range(2):
                socket.send(nested)
            for _ in range(3000):
                socket.send("{}")
            started = time.perf_counter()
            assert client.get("web/x/y").status_code == 404
            assert time.perf_counter() - started < 2
            with pytest.raises(ConnectionClosed) as closed:
                for _ in range(1000):
                    socket.recv(DEADLINE)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, "sends more" in closed.value.rcvd.reason) == (4429, True)
