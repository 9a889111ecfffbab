"""Who is logged in, and how fast passwords may be tried. Gradio checks the password and keeps the tokens."""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.types import Scope

from sam2_core.errors import Busy
from ui.addresses import customer_of

LOGIN = "masklet.login"
"""Key in an ASGI scope: the digest of a login's token, empty where nobody has to log in."""
MAX_WAIT = 10.0  # seconds between two attempts
FORGET_SECONDS = 900.0
MAX_ADDRESSES = 10_000
_PUBLIC = re.compile(
    r"/|/login/?|/health(/.*)?|/metrics|/(static|assets|svelte|web)/.*|/(favicon\.ico|theme\.css|manifest\.json|robots\.txt)|/pwa_icon(/.*)?"
    r"|/gradio_api/(theme\.css|app_id/?|login_check/?|startup-events|custom_component/.*)"
)


class GradioApp(Protocol):
    """What is used of Gradio's app."""

    auth: Any
    tokens: dict[str, str]
    cookie_id: str


class Logins:
    """The logins of one server; nobody has to log in where it has no password."""

    def __init__(self, app: GradioApp | None = None) -> None:
        self._app = app

    @property
    def required(self) -> bool:
        """Whether the server has a password."""
        return self._app is not None and self._app.auth is not None

    def of(self, scope: Scope) -> str | None:
        """The login of a request; None where there is none that is valid, empty where nobody has to log in."""
        if not self.required:
            return ""
        token = self._token(scope)
        return None if token is None else digest(token)

    def end(self, scope: Scope) -> str:
        """Log out; the login that has ended, empty where there was none."""
        token = self._token(scope)
        if self._app is None or token is None:
            return ""
        del self._app.tokens[token]
        return digest(token)

    def cookie_names(self) -> tuple[str, ...]:
        """Names of the cookies that hold the token: one for https, one for http."""
        assert self._app is not None  # noqa: S101
        return f"access-token-{self._app.cookie_id}", f"access-token-unsecure-{self._app.cookie_id}"

    def _token(self, scope: Scope) -> str | None:
        if self._app is None:
            return None
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(Headers(scope=scope).get("cookie", ""))
        except CookieError:
            return None
        sent = (cookies[name].value for name in self.cookie_names() if name in cookies)
        return next((token for token in sent if token in self._app.tokens), None)


def login_of(request: Any) -> str:
    """The login of a request of Gradio's, empty where there is none."""
    return "" if request is None else str(request.request.scope.get(LOGIN) or "")


def is_public(path: str) -> bool:
    """Whether a path must be there before somebody is logged in: the login page, the program's own files, and what asks
    for itself who comes (see ui/health.py)."""
    return _PUBLIC.fullmatch(path) is not None


def digest(token: str) -> str:
    """What names a login without being the key to it."""
    return hashlib.sha256(token.encode()).hexdigest()


class LoginThrottle:
    """Lets passwords be tried a few times, and then ever more slowly: after each wrong one twice the wait.

    Args:
        free_attempts: so many wrong ones from one address cost no wait.
    """

    def __init__(self, free_attempts: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._free_attempts, self._clock = free_attempts, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # address -> how many, when the last

    def begin(self, address: str) -> float:
        """An attempt, which counts as failed until `succeeded`: in how many seconds the password may be checked.

        Raises `Busy` where others from there wait already.
        """
        key, now = customer_of(address), self._clock()
        count, last = self._failures.get(key, (0, now - FORGET_SECONDS))
        if now - last >= FORGET_SECONDS:
            count = 0
        gap = min(MAX_WAIT, 2.0 ** (count - self._free_attempts)) if count >= self._free_attempts else 0.0
        wait = max(0.0, last + gap - now)
        if wait > MAX_WAIT:
            raise Busy("Too many wrong passwords came from your network. Try again in a minute.")
        self._failures[key] = (count + 1, now + wait)
        self._failures.move_to_end(key)
        if len(self._failures) > MAX_ADDRESSES:
            self._failures.popitem(last=False)
        return wait

    def succeeded(self, address: str) -> None:
        """The password of the last attempt was right."""
        self._failures.pop(customer_of(address), None)
