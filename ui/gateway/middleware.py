"""The ASGI middleware before all routes. It stands outside of Gradio's own, which would let any page read answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sam2_core.errors import Busy, MaskletError, shortage
from ui.gateway.bodies import Body, BodyLimits, ReadOffLoop, Refused
from ui.gateway.hosts import HostRules, TrustedProxies, is_probed
from ui.gateway.logins import LOGIN, Logins, LoginThrottle, is_public
from ui.gateway.page_policy import PagePolicy
from ui.settings import Settings

FOREIGN, GONE = 4403, 4404  # close codes of sockets; a refusal before accept would reach no script
_FOREIGN = "This request comes from another page."
_ABOUT_HOST = "Let it pass Host on (nginx: proxy_set_header Host $http_host), or allow the name: allowed_hosts."
_LOG_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Gateway:
    """Checks who asks, from where and how much, before anything is parsed; adds the headers of `PagePolicy`.

    Args:
        app: All routes.
        settings: See configs/app.yaml.
        off_loop: Runs a function in a thread for long messages.
        logins: Who is logged in.
        on_logout: Is called with a login that has ended.
        on_refusal: Is called with what somebody is told in place of an answer.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        off_loop: ReadOffLoop,
        logins: Logins | None = None,
        on_logout: Callable[[str], None] = lambda login: None,
        on_refusal: Callable[[MaskletError], None] = lambda error: None,
    ) -> None:
        self._app, self._off_loop = app, off_loop
        self.hosts = HostRules(settings.allowed_hosts, settings.allowed_origins, settings.host)
        self.policy = PagePolicy(settings.frame_ancestors)
        self._limits, self._body_seconds = BodyLimits(settings), settings.body_seconds
        self._logins, self._on_logout, self._on_refusal = logins or Logins(), on_logout, on_refusal
        self._throttle = LoginThrottle(settings.login_attempts)
        self._checked = TrustedProxies(self._check, settings.trusted_proxies)
        self._logged_at = -_LOG_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await self._checked(scope, receive, send)

    async def _check(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.hosts.is_tunneled(Headers(scope=scope).get("host", "")):
            scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"
        if scope["type"] == "websocket":
            if (code := self._socket_refusal(scope)) is None:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.accept"})
                await send({"type": "websocket.close", "code": code})
            return
        origin = Headers(scope=scope).get("origin", "").rstrip("/")
        send = partial(self._send_with_headers, send, origin if self.hosts.may_call(origin) else "")
        try:
            answer = self._answer(scope, origin)
            if answer is not None:
                await answer(scope, receive, send)
            elif _path(scope).rstrip("/") == "/login" and scope["method"] == "POST":
                await self._log_in(scope, receive, send)
            else:
                await self._pass_on(scope, receive, send)
        except Refused as refused:
            self._on_refusal(refused)
            await _refusal(refused)(scope, receive, send)

    # --- who asks -------------------------------------------------------------------------------------------------

    def _socket_refusal(self, scope: Scope) -> int | None:
        headers = Headers(scope=scope)
        origin, host = headers.get("origin", ""), headers.get("host", "")
        if not self.hosts.allows(host) or (origin and not self.hosts.is_own(origin, host)):
            return FOREIGN
        scope[LOGIN] = login = self._logins.of(scope)
        return GONE if login is None else None

    def _answer(self, scope: Scope, origin: str) -> Response | None:
        """What is answered here; None where the request may go on. Raises `Refused`."""
        headers, path = Headers(scope=scope), _path(scope)
        host = headers.get("host", "")
        if not self.hosts.allows(host) and not is_probed(path):
            raise Refused(
                421,
                f"This server does not answer to the name {host[:100]!r}. Whoever runs it can allow it: allowed_hosts.",
            )
        if origin and self.hosts.may_call(origin):
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                return Response(status_code=204)
        elif _is_embedded(headers):
            raise Refused(403, _FOREIGN)
        elif origin and not self.hosts.is_own(origin, host):
            if headers.get("sec-fetch-site") == "same-origin":  # which only browsers say, and they know
                self._log_seldom(f"Of a page at {origin[:100]} a proxy asks for {host[:100]}: {_ABOUT_HOST}")
                raise Refused(403, f"{_FOREIGN} Or a proxy changed the name in Host. {_ABOUT_HOST}")
            raise Refused(403, _FOREIGN)
        scope[LOGIN] = login = self._logins.of(scope)
        if path.rstrip("/") == "/logout" and self._logins.required:
            return self._log_out(scope, headers)
        if login is None and not is_public(path):
            raise Refused(401, "Not authenticated")
        return None

    def _log_out(self, scope: Scope, headers: Headers) -> Response:
        if headers.get("sec-fetch-site") == "cross-site":
            raise Refused(403, _FOREIGN)
        if ended := self._logins.end(scope):
            self._on_logout(ended)
        response = RedirectResponse(f"{scope.get('root_path', '')}/", 303)
        for name in self._logins.cookie_names():
            response.delete_cookie(name)
        return response

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        try:
            wait = self._throttle.begin(address)
        except Busy as error:
            raise Refused(429, str(error)) from error
        await asyncio.sleep(wait)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                self._throttle.succeeded(address)
            await send(message)

        await self._pass_on(scope, receive, noting)

    # --- what is sent ---------------------------------------------------------------------------------------------

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the routes answer, from a body that keeps to its limits; what they say about one that does not is
        replaced by the refusal."""
        body = Body(scope, receive, self._limits.of(_path(scope)), self._body_seconds)
        refused: Refused | None = None
        has_begun = False

        async def limited() -> Message:
            nonlocal refused
            try:
                return await body.receive()
            except Refused as error:
                refused = error
                return {"type": "http.disconnect"}

        async def send_unless_refused(message: Message) -> None:
            nonlocal has_begun
            if refused is None or has_begun:
                has_begun = True
                await send(message)

        checked = await body.read_checked(self._off_loop) if body.is_checked else limited
        try:
            await self._app(scope, checked, send_unless_refused)
        except Exception as error:
            if (busy := shortage(error)) is not None:
                self._log_seldom(f"A request could not be answered: {busy}")
                refused = Refused(503, str(busy))
            elif refused is None:
                raise
        if refused is not None and not has_begun:
            raise refused

    def _log_seldom(self, text: str) -> None:
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            _log.error("%s", text)

    async def _send_with_headers(self, send: Send, caller: str, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": list(message.get("headers", ()))}
            headers = MutableHeaders(raw=message["headers"])
            for name in [name for name in headers if name.startswith("access-control-")]:
                del headers[name]  # Gradio's: any page, with credentials
            if caller:
                headers["Access-Control-Allow-Origin"] = caller
                headers["Access-Control-Allow-Methods"] = "GET, POST"
                headers["Access-Control-Allow-Headers"] = "Content-Type"
                headers.add_vary_header("Origin")
            self.policy.apply(headers)
            if headers.get("content-type", "").startswith("text/event-stream"):
                headers["X-Accel-Buffering"] = "no"  # proxies would keep events back until there are many
            if caller:
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            cookie = _partitioned if self.policy.is_framed else _same_site
            message["headers"] = [
                (name, cookie(value) if name.lower() == b"set-cookie" else value) for name, value in message["headers"]
            ]
        await send(message)


def _path(scope: Scope) -> str:
    """The path below the root path, as routes see it."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path.removeprefix(root) if root and path.startswith(f"{root}/") else path


def _is_embedded(headers: Headers) -> bool:
    """Whether a page of another site loads this as a part of itself; links to here are no parts."""
    return headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode", "navigate") != "navigate"


def _partitioned(value: bytes) -> bytes:
    """Of a page within those of others, browsers keep a cookie only for use below the same one."""
    lower = value.lower()
    can_be = b"samesite=none" in lower and b"secure" in lower and b"partitioned" not in lower
    return value + b"; Partitioned" if can_be else value


def _same_site(value: bytes) -> bytes:
    """Gradio's cookie would go with requests of any page."""
    return value.replace(b"SameSite=none", b"SameSite=lax").replace(b"samesite=none", b"samesite=lax")


def _refusal(refused: Refused) -> Response:
    headers = {"Cache-Control": "no-store"} | ({"Connection": "close"} if refused.status == 408 else {})
    return JSONResponse({"error": refused.text, "detail": refused.text}, refused.status, headers)
