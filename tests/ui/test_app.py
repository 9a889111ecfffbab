"""The files of the page, and the page as Gradio serves it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from PIL import Image

from sam2_core.media import EffectStack
from tests.fakes import FakeEngine
from tests.ui.house import launched
from ui.app import head, page_settings
from ui.examples import examples, thumbnail
from ui.settings import load_settings
from ui.web_files import STYLES, WEB, WebFiles, web_files

SCRIPTS = web_files().names()


def test_every_file_of_the_page_is_used_once() -> None:
    styles = [f"styles/{name}.css" for name in STYLES]
    listed = [*SCRIPTS, *styles, "page.html", "sign.svg"]
    assert sorted(listed) == sorted(path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.is_file())
    assert len(set(listed)) == len(listed)


def test_the_template_holds_nothing_that_gradio_would_evaluate() -> None:
    text = (WEB / "page.html").read_text("utf-8")
    for forbidden in ("${", "{{", "`", "\\", "<script", "onclick"):
        assert forbidden not in text


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for path in (path for path in WEB.rglob("*") if path.is_file()):
        addresses = re.findall(r"https?://[^\s\"')]+", path.read_text("utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, path.name


def test_the_sign_of_the_page_needs_no_address() -> None:
    """Browsers look for a favicon at the root of the host, which behind a proxy is not ours."""
    (sign,) = re.findall(r'<link rel="icon" [^>]*href="data:image/svg\+xml,([^">]*)"', head())
    assert unquote(sign) == (WEB / "sign.svg").read_text("utf-8")


def test_users_words_are_never_parsed_as_html() -> None:
    for name in SCRIPTS:
        text = (WEB / name).read_text("utf-8")
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert forbidden not in text, name


def test_every_element_that_scripts_look_for_exists() -> None:
    html = (WEB / "page.html").read_text("utf-8")
    classes = set(re.findall(r"mk-([\w-]+)", html))
    for name in SCRIPTS:
        for wanted in re.findall(r"\bfind\('([\w-]+)'", (WEB / name).read_text("utf-8")):
            assert wanted in classes, f"{name} looks for {wanted}"


def test_examples_have_pictures_of_a_handy_size() -> None:
    assert {"image", "clip"} == {example.kind for example in examples().values()}
    for name in examples():
        jpeg = thumbnail(name)
        assert jpeg is not None
        assert min(Image.open(BytesIO(jpeg)).size) <= 320
    assert thumbnail("../../etc/passwd") is None


@contextmanager
def browsing(*flags: str) -> Iterator[httpx.Client]:
    with launched(FakeEngine(), *flags) as (_, address), httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def open_page() -> Iterator[httpx.Client]:
    with browsing() as client:
        yield client


def test_our_addresses_come_before_gradios(open_page: httpx.Client) -> None:
    assert open_page.get("").status_code == 200
    assert open_page.get("s/nobody/frames/0").json() == {"error": "This session has expired. Reload the page."}
    assert open_page.get("examples/lion.jpg").headers["content-type"] == "image/jpeg"


def test_modules_are_sent_once_and_kept(open_page: httpx.Client) -> None:
    html = open_page.get("").text
    links = re.findall(r'<link rel="modulepreload" href="(web/[^"]+)">', html)
    assert len(links) == len(SCRIPTS)
    main = f"web/{web_files().version}/main.js"
    assert main in links
    for address in (main, main.replace("/main.js", ".2/main.js")):  # the second mount has instances of its own
        sent = open_page.get(address)
        assert sent.headers["content-type"].startswith("text/javascript")
        assert "immutable" in sent.headers["cache-control"]
        assert sent.headers["content-encoding"] == "gzip"
        assert sent.text == (WEB / "main.js").read_text("utf-8")
    plain = open_page.get(main, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == (WEB / "main.js").read_bytes()


@pytest.mark.parametrize("path", ["{version}/page.html", "0123/main.js", "{version}/%2e%2e/app.py"])
def test_nothing_but_modules_is_sent(open_page: httpx.Client, path: str) -> None:
    assert open_page.get(f"web/{path.format(version=web_files().version)}").status_code == 404


def test_the_version_of_the_modules_covers_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    versions = set()
    for path, text in (("main.js", "1"), ("core/a.js", "2"), ("core/a.js", "3"), ("b.js", "2")):
        (tmp_path / path).write_text(text)
        versions.add(WebFiles(tmp_path).version)
    assert len(versions) == 4


def test_a_password_guards_the_page() -> None:
    with browsing("--auth", "me:secret") as client:
        assert client.get("config").status_code == 401
        assert client.post("login", data={"username": "me", "password": "wrong"}).status_code == 400
        assert client.post("login", data={"username": "me", "password": "secret"}).status_code == 200
        assert client.get("config").status_code == 200


def test_the_page_can_show_all_that_the_tables_offer() -> None:
    """Kinds of files and effects may be added without a thought about the page, but not new sorts of knobs."""
    told = json.loads(json.dumps(page_settings(load_settings())))
    effects, download = ((WEB / name).read_text("utf-8") for name in ("panels/effects.js", "panels/download.js"))
    settings = [each for effect in told["effects"].values() for each in effect["settings"].values()]
    for setting in [*settings, *told["edges"].values()]:
        assert re.search(rf"^  {setting['kind']}\(", effects, re.MULTILINE), setting
    assert {effect["sort"] for effect in told["effects"].values()} <= {"background", "objects", "either", "marks"}
    for name, kind in told["kinds"].items():
        assert kind["endings"].keys() <= {"image", "clip", "album"}, name
        for option in set(kind["takes"]) - {"backdrops"}:  # these come with the look
            assert re.search(rf"^  {option}: \[|isTaken\('{option}'\)", download, re.MULTILINE), (name, option)
    for look in told["presets"].values():
        assert EffectStack.from_json(look).to_json() == look
