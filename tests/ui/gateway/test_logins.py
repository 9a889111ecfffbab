from __future__ import annotations

import pytest

from sam2_core.errors import Busy
from ui.gateway import logins
from ui.gateway.logins import MAX_WAIT, Logins, LoginThrottle, digest, is_public


class App:
    auth: object = {"me": "secret"}
    cookie_id = "id"

    def __init__(self) -> None:
        self.tokens = {"good": "me"}


def scope(cookie: str) -> dict[str, object]:
    return {"type": "http", "headers": [(b"cookie", cookie.encode("latin-1"))]}


@pytest.mark.parametrize(
    ("cookie", "login"),
    [
        ("access-token-id=good", "good"),
        ("a=b; access-token-unsecure-id=good", "good"),
        ("access-token-id=bad; access-token-unsecure-id=good", "good"),
        ("access-token-id=bad", None),
        ("access-token-other=good", None),
        ("access-token-id", None),
        ("", None),
        ("\xff=\x00;;;", None),
    ],
)
def test_a_login_is_known_by_its_cookie(cookie: str, login: str | None) -> None:
    assert Logins(App()).of(scope(cookie)) == (None if login is None else digest(login))


def test_nobody_has_to_log_in_where_there_is_no_password() -> None:
    app = App()
    app.auth = None
    assert Logins(app).of(scope("")) == Logins().of(scope("")) == ""
    assert not Logins(app).required


def test_only_the_login_that_logs_out_ends() -> None:
    app = App()
    app.tokens["other"] = "me"
    made = Logins(app)
    assert made.end(scope("access-token-unsecure-id=good")) == digest("good")
    assert app.tokens == {"other": "me"}
    assert made.end(scope("access-token-unsecure-id=good")) == ""


@pytest.mark.parametrize(
    "path", ["/", "/login", "/login/", "/assets/index.js", "/web/1/page.js", "/gradio_api/theme.css"]
)
def test_what_the_login_page_needs_is_public(path: str) -> None:
    assert is_public(path)


@pytest.mark.parametrize(
    "path",
    [
        "/config",
        "/s/x/ws",
        "/gradio_api/upload",
        "/gradio_api/queue/join",
        "/gradio_api/info",
        "//",
        "/loginx",
        "/x/assets/",
    ],
)
def test_all_else_is_not(path: str) -> None:
    assert not is_public(path)


def test_wrong_passwords_are_slowed_down() -> None:
    now = [0.0]
    throttle = LoginThrottle(3, lambda: now[0])
    assert [throttle.begin("10.0.0.1") for _ in range(3)] == [0, 0, 0]
    waits = []
    for _ in range(6):
        waits.append(throttle.begin("10.0.0.1"))
        now[0] += waits[-1]
    assert waits == [1, 2, 4, 8, MAX_WAIT, MAX_WAIT]
    assert throttle.begin("10.0.0.2") == 0, "others do not wait"
    throttle.begin("10.0.0.1")
    with pytest.raises(Busy, match="Too many wrong passwords"):
        throttle.begin("10.0.0.1")
    now[0] += MAX_WAIT
    assert throttle.begin("10.0.0.1") > 0, "a refusal does not count as an attempt"
    throttle.succeeded("10.0.0.1")
    assert throttle.begin("10.0.0.1") == 0


def test_after_a_while_wrong_passwords_are_forgotten() -> None:
    now = [0.0]
    throttle = LoginThrottle(1, lambda: now[0])
    for _ in range(3):
        throttle.begin("a")
    now[0] += logins.FORGET_SECONDS + 10
    assert throttle.begin("a") == 0


def test_a_network_of_ipv6_counts_as_one_and_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    throttle = LoginThrottle(1, lambda: now[0])
    assert throttle.begin("2001:db8::1") == 0
    assert throttle.begin("2001:db8::2") == 1
    assert throttle.begin("2001:db8:0:1::1") == 0
    monkeypatch.setattr(logins, "MAX_ADDRESSES", 2)
    throttle = LoginThrottle(1, lambda: now[0])
    for address in ("a", "b", "c"):
        throttle.begin(address)
    assert throttle.begin("a") == 0, "the oldest made room"
