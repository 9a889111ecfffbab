"""The gateway around a small app."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.ui.house import settings_with
from ui.gateway.bodies import Body, BodyLimit, Refused
from ui.gateway.logins import LOGIN, Logins, digest
from ui.gateway.middleware import Gateway
from ui.gateway.page_document import PageDocument
from ui.gateway.page_policy import PagePolicy

EVIL = {"origin": "https://evil.example"}
OWN = {"origin": "http://testserver"}


class App:
    """What answers, and what came to it."""

    auth: Any = None
    cookie_id = "id"

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.bodies: list[bytes] = []
        self.scopes: list[Scope] = []

    async def answer(self, request: Request) -> Response:
        self.scopes.append(request.scope)
        if request.method == "POST":
            self.bodies.append(await request.body())
        if request.url.path == "/login":
            return self._log_in()
        if request.url.path == "/full":
            raise OSError(errno.ENOSPC, "No space left on device", "/secret/place")
        if request.url.path == "/events":
            return PlainTextResponse("data: {}\n\n", media_type="text/event-stream")
        # As Gradio answers any page.
        headers = {
            "access-control-allow-origin": request.headers.get("origin", ""),
            "access-control-allow-credentials": "true",
        }
        about = {"host": request.headers.get("host"), "client": request.client and request.client.host}
        return JSONResponse({**about, "scheme": request.url.scheme}, headers=headers)

    async def page(self, request: Request) -> Response:
        async def parts() -> Any:
            yield b"<html><scr"
            yield b"ipt>a()</script><script type='module' src='x.js'></script>"
            yield b"<script type='module'>b()</script><scripted>"

        return StreamingResponse(parts(), media_type="text/html")

    async def socket(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.scope[LOGIN])

    def _log_in(self) -> Response:
        if self.bodies[-1] != b"right":
            return PlainTextResponse("wrong", 400)
        self.tokens["token"] = "me"
        response = PlainTextResponse("right")
        response.set_cookie("access-token-id", "token", samesite="none", secure=True)
        response.set_cookie("access-token-unsecure-id", "token")
        return response


@contextmanager
def gateway(app: App | None = None, **changes: Any) -> Iterator[tuple[TestClient, App, list[str]]]:
    app, ended = app or App(), list[str]()
    routes = [
        Route("/page", app.page),
        WebSocketRoute("/s/{token}/ws", app.socket),
        Route("/{path:path}", app.answer, methods=["GET", "POST"]),
    ]
    settings = settings_with(**changes)
    inner = PageDocument(Starlette(routes=routes), PagePolicy(settings.frame_ancestors), lambda page, address: page)
    made = Gateway(inner, settings, asyncio.to_thread, Logins(app), ended.append)
    yield TestClient(made, follow_redirects=False, raise_server_exceptions=False), app, ended


# --- who asks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/", "/gradio_api/upload", "/gradio_api/run/predict", "/s/x/send", "/login", "/logout"]
)
def test_no_foreign_page_gets_anywhere(method: str, path: str) -> None:
    with gateway() as (client, app, _):
        for headers in (
            EVIL,
            {"origin": "null"},
            {**EVIL, "x-forwarded-host": "evil.example"},
            {**EVIL, "access-control-request-method": "POST"},
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        ):
            answer = client.request(method, path, headers=headers)
            assert answer.status_code == 403, headers
            assert "another page" in answer.json()["error"]
            assert not [name for name in answer.headers if name.startswith("access-control")]
        files = {"files": ("a.png", b"x")}
        assert client.post("/gradio_api/upload", files=files, headers=EVIL).status_code == 403
        assert app.scopes == []


def test_proxies_are_told_to_pass_events_on_at_once() -> None:
    with gateway() as (client, _, _):
        assert client.get("/events").headers["x-accel-buffering"] == "no"
        assert "x-accel-buffering" not in client.get("/").headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.nip.io:7860", "a b", ""])
def test_a_name_that_leads_here_from_elsewhere_is_not_answered(host: str) -> None:
    with gateway() as (client, app, _):
        answer = client.get("/", headers={"host": host})
        assert answer.status_code == 421
        assert "allowed_hosts" in answer.json()["error"]
        assert client.get("/metrics", headers={"host": host}).status_code == 421
        assert client.get("/health/ready", headers={"host": host}).status_code != 421, "platforms ask by any name"
        connecting = client.websocket_connect("/s/x/ws", headers={"host": host})
        with connecting as socket, pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
        assert closed.value.code == 4403
        assert [scope["path"] for scope in app.scopes] == ["/health/ready"]


def test_our_own_page_and_programs_pass_without_credentials_for_others() -> None:
    with gateway() as (client, _, _ended):
        for headers in (OWN, {}, {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}):
            answer = client.get("/x", headers=headers)
            assert answer.status_code == 200
            assert not [name for name in answer.headers if name.startswith("access-control")]
        with client.websocket_connect("/s/x/ws", headers=OWN) as socket:
            assert socket.receive_text() == ""


def test_another_page_that_is_allowed_may_call_without_cookies() -> None:
    with gateway(allowed_origins="https://friend.example") as (client, _, _ended):
        friend = {"origin": "https://friend.example"}
        asked = client.options("/gradio_api/call/open", headers={**friend, "access-control-request-method": "POST"})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, friend["origin"])
        answer = client.post("/gradio_api/call/open", json={"data": []}, headers=friend)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == friend["origin"]
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers
        assert client.post("/x", headers=EVIL).status_code == 403


@pytest.mark.parametrize(
    ("trusted", "counts"),
    [("", False), ("10.0.0.0/8", False), ("testclient", True), ("*", True), ("10.0.0.1, *", False)],
)
def test_forwarded_headers_count_only_from_proxies_that_are_named(trusted: str, counts: bool) -> None:
    headers = {
        "x-forwarded-host": "masklet.example",
        "x-forwarded-proto": "https",
        "x-forwarded-for": "203.0.113.5",
        "origin": "https://masklet.example",
    }
    with gateway(trusted_proxies=trusted, allowed_hosts="auto, masklet.example") as (client, _, _ended):
        about = client.get("/x", headers=headers).json()
        expected = ("masklet.example", "203.0.113.5", "https") if counts else ("testserver", "testclient", "http")
        assert (about["host"], about["client"], about["scheme"]) == expected
    with gateway(trusted_proxies=trusted) as (client, _, _ended):
        assert client.get("/x", headers=headers).status_code == (421 if counts else 403)


# --- logins -----------------------------------------------------------------------------------------------------------


def test_without_a_login_nothing_is_read() -> None:
    app = App()
    app.auth = {"me": "right"}
    with gateway(app) as (client, _, _ended):
        large = b'{"data":[' + b"[]," * 100_000 + b"[]]}"
        for path in ("/gradio_api/queue/join", "/gradio_api/upload", "/s/x/upload", "/gradio_api/call/open", "/config"):
            assert client.post(path, content=large).status_code == 401
        with client.websocket_connect("/s/x/ws") as socket, pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
        assert closed.value.code == 4404
        assert app.bodies == []
        assert client.get("/").status_code == client.get("/assets/a.js").status_code == 200


def test_a_login_comes_with_requests_and_ends_with_a_logout() -> None:
    app = App()
    app.auth = {"me": "right"}
    with gateway(app) as (client, _, ended):
        answer = client.post("/login", content=b"right")
        cookies = answer.headers.get_list("set-cookie")
        assert all("samesite=lax" in cookie.lower() for cookie in cookies), cookies
        assert client.get("/config").status_code == 200
        assert app.scopes[-1][LOGIN] == digest("token")
        with client.websocket_connect("/s/x/ws") as socket:
            assert socket.receive_text() == digest("token")
        foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        assert client.get("/logout", headers=foreign).status_code == 403
        assert client.get("/logout").status_code == 303
        assert ended == [digest("token")]
        assert app.tokens == {}
        assert client.get("/config").status_code == 401


def test_a_framed_page_keeps_its_cookie_of_a_third_party() -> None:
    app = App()
    app.auth = {"me": "right"}
    with gateway(app, frame_ancestors="https://huggingface.co") as (client, _, _ended):
        answer = client.post("/login", content=b"right")
        assert "samesite=none" in answer.headers.get_list("set-cookie")[0].lower()


def test_wrong_passwords_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("ui.gateway.middleware.asyncio.sleep", sleep)
    app = App()
    app.auth = {"me": "right"}
    with gateway(app, login_attempts=2) as (client, _, _ended):
        assert [client.post("/login", content=b"wrong").status_code for _ in range(4)] == [400] * 4
        assert slept[:2] == [0, 0]
        assert 0.5 < slept[2] <= 1
        answers = [client.post("/login", content=b"wrong") for _ in range(4)]
        assert answers[-1].status_code == 429
        assert "Too many wrong passwords" in answers[-1].json()["error"]


# --- bodies -----------------------------------------------------------------------------------------------------------

SMALL = [
    "/",
    "/x",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/component_server",
    "/s/x/bye",
    "/s/x/example/y",
]
CALLS = [
    "/gradio_api/run/predict",
    "/gradio_api/queue/join",
    "/gradio_api/call/open",
    "/gradio_api/api/x",
    "/gradio_api/mcp/",
]
FILES = ["/gradio_api/upload", "/s/x/upload", "/s/x/import", "/s/x/backdrop", "/s/x/send", "/s/x/live"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("path", "size"),
    [
        *((path, 65_000) for path in SMALL),
        *((path, 2_100_000) for path in CALLS),
        *((path, 10_100_000) for path in FILES),
        ("/login", 11_000),
    ],
)
def test_every_address_has_a_limit_of_bytes(path: str, size: int, chunked: bool) -> None:
    def parts() -> Iterator[bytes]:
        for start in range(0, size, 500_000):
            yield b" " * min(500_000, size - start)

    with gateway(max_upload_mb=1, max_album_mb=1, max_call_mb=2) as (client, app, _):
        answer = client.post(path, content=parts() if chunked else b" " * size)
        assert answer.status_code == 413, path
        assert "too large" in answer.json()["error"]
        assert app.bodies == []
        assert client.post(path, content=b" " * 1000).status_code in (200, 400)


@pytest.mark.parametrize("path", [*SMALL, *CALLS])
@pytest.mark.parametrize(
    "content",
    [
        b'{"data":[' + b"[]," * 250_000 + b"[]]}",
        b"[" * 60_000,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'{"data":["' + b'","' * 999_999,
    ],
)
def test_no_json_is_parsed_that_holds_too_much(path: str, content: bytes) -> None:
    with gateway() as (client, app, _):
        assert client.post(path, content=content).status_code == 413
        assert app.bodies == []


def test_what_calls_usually_say_passes_unchanged() -> None:
    call = {"data": [{"path": f"/tmp/{k}.png", "meta": {"_type": "gradio.FileData"}} for k in range(18_000)]}
    with gateway() as (client, app, _):
        assert client.post("/gradio_api/call/open_album", json=call).status_code == 200
        assert json.loads(app.bodies[-1]) == call


def test_the_length_that_is_announced_is_not_believed() -> None:
    for announced in ("-1", "x", "1" * 30, "²"):
        scope: Scope = {"type": "http", "headers": [(b"content-length", announced.encode("latin-1"))]}
        with pytest.raises(Refused, match="too large"):
            Body(scope, _never, BodyLimit(100), 1.0)


async def _never() -> Message:
    await asyncio.sleep(3600)
    raise AssertionError


def test_a_body_that_stops_or_drips_is_given_up() -> None:
    async def read(messages: Callable[[], Any], seconds: float) -> None:
        body = Body({"type": "http", "headers": []}, messages, BodyLimit(10_000), seconds)
        while True:
            await body.receive()

    async def drip() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    for messages in (_never, drip):
        with pytest.raises(Refused, match="in time"):
            asyncio.run(asyncio.wait_for(read(messages, 0.1), 5))


def test_after_its_end_a_body_may_be_waited_for() -> None:
    async def scene() -> None:
        messages = iter([{"type": "http.request", "body": b"x", "more_body": False}])

        async def receive() -> Message:
            message: Message | None = next(messages, None)
            if message is None:
                await asyncio.sleep(0.1)
                return {"type": "http.disconnect"}
            return message

        body = Body({"type": "http", "headers": []}, receive, BodyLimit(100), 0.02)
        await body.receive()
        assert (await body.receive())["type"] == "http.disconnect"

    asyncio.run(scene())


def test_a_full_disk_is_said_in_words_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def full(scope: Scope, receive: Any, send: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/place")

    client = TestClient(Gateway(full, settings_with(), asyncio.to_thread), raise_server_exceptions=False)
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            answer = client.post("/x")
            assert (answer.status_code, "disk is full" in answer.json()["error"]) == (503, True)
    assert len(caplog.records) == 1
    assert "/secret" not in caplog.text


# --- headers ----------------------------------------------------------------------------------------------------------


def test_every_answer_has_the_headers_of_the_policy() -> None:
    with gateway() as (client, _, _ended):
        for answer in (client.get("/x"), client.get("/", headers=EVIL), client.post("/x", content=b"x" * 65_000)):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
            assert "object-src 'none'" in answer.headers["content-security-policy"]


def test_the_scripts_of_the_page_run_and_no_others() -> None:
    with gateway() as (client, _, _ended):
        answer = client.get("/page")
        policy = answer.headers["content-security-policy"]
        scripts = next(rule for rule in policy.split("; ") if rule.startswith("script-src"))
        assert "'unsafe-inline'" not in scripts
        inline = re.findall(r"<script(?: type=.module.)?>(.*?)</script>", answer.text)
        assert set(re.findall(r"'(sha256-[^']+)'", scripts)) == {hash_of(each) for each in inline}
        assert len(inline) == 2
        assert "sha256" not in client.get("/x").headers["content-security-policy"]


def hash_of(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def test_a_page_can_be_shown_in_frames_that_are_named() -> None:
    with gateway(frame_ancestors="https://huggingface.co, https://*.hf.space") as (client, _, _ended):
        policy = client.get("/x").headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self' https://huggingface.co https://*.hf.space")
