from __future__ import annotations

import socket

import pytest

from ui.gateway.hosts import HostRules, host_name


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1:7860", "127.0.0.1"),
        ("[::1]:7860", "::1"),
        ("[::1]", "::1"),
        ("Masklet.Example.ORG", "masklet.example.org"),
        ("masklet.example.org.:443", "masklet.example.org"),
        ("nas", "nas"),
        ("", None),
        (".", None),
        (":80", None),
        ("a b", None),
        ("a@b", None),
        ("a/b", None),
        ("a,b", None),
        ("a:b", None),
        ("a" * 300, None),
        ("é.example", None),
    ],
)
def test_the_name_in_host(host: str, name: str | None) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7860", "localhost", "[::1]:7860", "192.168.1.7", "nas:7860", "nas.local", "nas.lan", "a.localhost"],
)
def test_by_default_names_are_good_that_nobody_can_register(host: str) -> None:
    rules = HostRules("auto")
    assert rules.allows(host)
    assert rules.allows(socket.gethostname())


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.nip.io", "localhost.evil.example", "local", "", "x y"])
def test_by_default_no_name_is_good_that_can_lead_here_from_elsewhere(host: str) -> None:
    assert HostRules("auto").allows(host) == (host == "local")


def test_names_can_be_allowed() -> None:
    rules = HostRules("masklet.example.org, *.example.net")
    assert rules.allows("masklet.example.org:443")
    assert rules.allows("a.b.example.net")
    assert not rules.allows("example.net")
    assert not rules.allows("evilexample.net")
    assert not rules.allows("nas")
    assert not rules.allows("192.168.1.7")
    assert HostRules("*").allows("anything.example")
    assert not HostRules("*").allows("not a name")
    rules.add_tunneled("New.example")
    assert rules.allows("new.example")
    assert rules.is_tunneled("new.example:443")
    assert not rules.is_tunneled("masklet.example.org")


def test_a_server_answers_to_its_own_address_whatever_is_allowed() -> None:
    rules = HostRules("masklet.example.org", address="10.0.0.7")
    for host in ("localhost:7860", "127.0.0.1:7860", "[::1]:7860", "10.0.0.7:7860"):
        assert rules.allows(host)
        assert not rules.is_own(f"http://{host}", "masklet.example.org"), "which does not make pages from there its own"
    assert not rules.allows("10.0.0.8:7860")


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://localhost:7860", "localhost:7860", True),
        ("https://Masklet.example.org", "masklet.example.org", True),
        ("https://masklet.example.org", "127.0.0.1:7860", True),  # a proxy put its own name into Host
        ("http://localhost:7860", "127.0.0.1:7860", False),
        ("http://localhost:8000", "localhost:7860", False),
        ("https://evil.example", "localhost:7860", False),
        ("null", "localhost:7860", False),
        ("file://", "localhost:7860", False),
        ("chrome-extension://localhost:7860", "localhost:7860", False),
        ("", "", False),
        ("https://masklet.example.org.evil.example", "masklet.example.org", False),
    ],
)
def test_whose_page_it_is(origin: str, host: str, own: bool) -> None:
    assert HostRules("auto, masklet.example.org").is_own(origin, host) == own


def test_other_pages_can_be_allowed_to_call() -> None:
    rules = HostRules("auto", "https://example.org, http://localhost:3000/")
    assert rules.may_call("https://Example.org")
    assert rules.may_call("http://localhost:3000")
    assert not rules.may_call("http://example.org")
    assert not rules.may_call("")
