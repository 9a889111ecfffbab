"""The files of the page, and the page as Gradio serves it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from PIL import Image

from sam2_core.media import EffectStack
from sam2_core.types import Mask, Prompt
from tests.fakes import FakeEngine
from tests.ui.house import launched
from ui.app import page_settings
from ui.document import complete_document
from ui.examples import GALLERY, examples, hero, thumbnail
from ui.settings import load_settings
from ui.web_files import JOINED, LINK_PICTURE, STYLE_SHEET, STYLES, WEB, WebFiles, web_files

SCRIPTS = web_files().names


def test_every_file_of_the_page_is_used_once() -> None:
    styles = [f"styles/{name}.css" for name in STYLES]
    listed = [
        *SCRIPTS,
        *styles,
        *web_files().tables.values(),
        "page.html",
        "sign.svg",
        "types.d.ts",
        "elements.d.ts",
        "protocol.d.ts",
    ]
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
    page = complete_document('<base href="./"><gradio-app>', "")
    (sign,) = re.findall(r'<link rel="icon" href="data:image/svg\+xml,([^">]*)"', page)
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


class Elements(HTMLParser):
    """Names of classes that begin with mk- and the tags of their elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, set[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name in (dict(attrs).get("class") or "").split():
            self.tags.setdefault(name.removeprefix("mk-"), set()).add(tag)


def test_editors_know_the_types_of_elements() -> None:
    """elements.d.ts lists what `find` returns, wherever that is more than any HTML element."""
    page = Elements()
    page.feed((WEB / "page.html").read_text("utf-8"))
    kinds = {
        "a": "Anchor", "button": "Button", "canvas": "Canvas", "details": "Details", "dialog": "Dialog", "form": "Form",
        "img": "Image", "input": "Input", "label": "Label", "output": "Output", "select": "Select",
        "template": "Template", "textarea": "TextArea", "video": "Video",
    }  # fmt: skip
    texts = [(WEB / name).read_text("utf-8") for name in SCRIPTS]
    wanted = sorted({name for text in texts for name in re.findall(r"\bfind\(\s*'([\w-]+)'", text)})
    types = {
        name: " | ".join(sorted({f"HTML{kinds.get(tag, '')}Element" for tag in page.tags[name]})) for name in wanted
    }
    listed = re.findall(r"^  '?([\w-]+)'?: (.*);$", (WEB / "elements.d.ts").read_text("utf-8"), re.MULTILINE)
    assert dict(listed) == {name: kind for name, kind in types.items() if kind != "HTMLElement"}


def test_the_gallery_has_photos_and_clips_with_ideas_and_credits() -> None:
    gallery = [example for example in examples().values() if example.idea]
    credits = (GALLERY / "ATTRIBUTION.md").read_text("utf-8")
    assert sum(example.kind == "image" for example in gallery) >= 4
    assert sum(example.kind == "clip" for example in gallery) >= 3
    for example in gallery:
        assert example.path.parent == GALLERY
        assert f"| {example.path.name} |" in credits
    media = {path for path in GALLERY.iterdir() if path.suffix in (".jpg", ".mp4")}
    assert media == {example.path for example in gallery}
    assert sum(path.stat().st_size for path in media) < 8e6


def test_the_masks_of_the_start_screen_belong_to_its_picture() -> None:
    example = examples()[hero()["picture"]]
    with Image.open(example.path) as picture:
        width, height = picture.size
    assert len({each["name"] for each in hero()["objects"]}) == len(hero()["objects"]) >= 3
    for each in hero()["objects"]:
        mask = Mask.from_coco(each["mask"])
        assert (mask.height, mask.width) == (height, width)
        assert not Prompt.from_json(each["prompt"]).is_empty
        for x, y, positive in each["prompt"].get("points", []):
            assert mask.to_array()[y, x] == bool(positive), each["name"]


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
    assert open_page.get("examples/coffee/picture").content == examples()["coffee"].path.read_bytes()
    assert open_page.get("examples/car/picture").status_code == 404
    assert "CC BY" in open_page.get("examples/credits").text


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("main.js", "text/javascript", "attach("),
        (JOINED, "text/javascript", "attach("),
        (STYLE_SHEET, "text/css", ".mk"),
    ],
)
def test_files_are_sent_once_and_kept(open_page: httpx.Client, name: str, kind: str, content: str) -> None:
    page = open_page.get("").text
    assert all(f'href="web/{web_files().version}/{linked}"' in page for linked in (JOINED, STYLE_SHEET))
    address = f"web/{web_files().version}/{name}"
    for encoding in ("br", "gzip"):
        sent = open_page.get(address, headers={"accept-encoding": encoding})
        assert sent.headers["content-type"].startswith(kind)
        assert "immutable" in sent.headers["cache-control"]
        assert sent.headers["content-encoding"] == encoding
    plain = open_page.get(address, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == sent.text
    assert content in plain.text


def test_gradios_own_files_are_kept_as_well(open_page: httpx.Client) -> None:
    (name,) = re.findall(r'src="\./(assets/index-[^"]+\.js)"', open_page.get("").text)
    assert "immutable" in open_page.get(name).headers["cache-control"]
    assert "immutable" not in open_page.get("theme.css").headers.get("cache-control", "")
    assert "immutable" not in open_page.get("assets/index-00000000.js").headers.get("cache-control", "")


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity", "br;q=0, gzip"])
def test_the_document_is_packed_and_sent_again_only_if_it_has_changed(open_page: httpx.Client, encoding: str) -> None:
    first = open_page.get("", headers={"accept-encoding": encoding})
    assert first.headers.get("content-encoding") == {"identity": None, "br": "br"}.get(encoding, "gzip")
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Accept-Encoding" in first.headers["vary"]
    assert first.num_bytes_downloaded < (400_000 if encoding == "identity" else 45_000)
    kept = open_page.get("", headers={"if-none-match": first.headers["etag"]})
    assert (kept.status_code, kept.content) == (304, b"")
    assert kept.headers["content-security-policy"] == first.headers["content-security-policy"], "browsers merge them"
    assert open_page.get("", headers={"if-none-match": 'W/"0"'}).status_code == 200


def test_what_is_seen_first_needs_no_script(open_page: httpx.Client) -> None:
    body = open_page.get("").text.partition("<body")[2]
    still = body.partition("<gradio-app")[0]
    assert "Choose files" in still
    assert "inert" in still
    assert "mk-work" not in still, "only the start screen"


def test_a_link_to_the_page_shows_what_it_is(open_page: httpx.Client) -> None:
    page = open_page.get("", headers={"host": "masks.local:81"}).text
    told = dict(re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)">', page))
    assert "Gradio" not in "".join(told.values())
    assert page.count("og:title") == page.count('og:image"') == 1
    assert told["og:title"].startswith("Masklet")
    assert "mask" in told["description"] == told["og:description"]
    assert told["og:image"] == f"http://masks.local:81/web/{web_files().version}/{LINK_PICTURE}"
    picture = open_page.get(f"web/{web_files().version}/{LINK_PICTURE}")
    with Image.open(BytesIO(picture.content)) as opened:
        assert opened.size == (int(told["og:image:width"]), int(told["og:image:height"]))


def test_modules_need_no_password() -> None:
    with browsing("--auth", "me:secret") as client:
        assert client.get(f"web/{web_files().version}/{JOINED}").status_code == 200


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
        assert "mk-still" not in client.get("").text
        assert client.get("config").status_code == 401
        assert client.post("login", data={"username": "me", "password": "wrong"}).status_code == 400
        assert client.post("login", data={"username": "me", "password": "secret"}).status_code == 200
        assert client.get("config").status_code == 200
        assert "mk-still" in client.get("").text


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
            assert re.search(rf"^  {option}: \[|takes\('{option}'\)", download, re.MULTILINE), (name, option)
    for look in told["presets"].values():
        assert EffectStack.from_json(look).to_json() == look


def test_gradios_settings_are_those_that_it_was_imported_with() -> None:
    """It reads them once, so they must be set before, and in one place."""
    script = (
        "import ui.app, os; print(*(os.environ[f'GRADIO_ANALYTICS_{n}'] for n in ('MAX_EVENTS', 'CACHE_FREQUENCY')))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRADIO_")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["50", "100000"]
    assert "GRADIO_ANALYTICS" not in (WEB.parent / "app.py").read_text("utf-8")
