"""Files on their way in: broken, too large, misnamed, one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, House, open_house, picture_bytes

CLICK = {"points": [[20, 24, 1]]}


@pytest.mark.parametrize("content", [b"", b"no picture at all", picture_bytes()[:60]])
def test_a_broken_file_leaves_the_open_one_alone(house: House, content: bytes) -> None:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        version = page.receive("opened")["version"]
        house.upload(session.token, content, "broken.mp4")
        assert len(page.receive("error", job="ingest")["text"]) > 20
        assert house.client.get(f"/s/{session.token}/frames/0", params={"v": version}).status_code == 200
        page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        assert page.receive("masks", seq=1)["objects"]
        assert [path.name for path in session.folder.iterdir()] == [f"medium-{version}"]


def test_a_new_medium_replaces_the_old_one_and_its_addresses(house: House) -> None:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        old = page.receive("opened")["version"]
        house.upload(session.token, picture_bytes(30, 30))
        new = page.receive("opened")["version"]
        get = house.client.get
        assert get(f"/s/{session.token}/frames/0", params={"v": old}).status_code == 404
        assert get(f"/s/{session.token}/frames/0", params={"v": new}).status_code == 200
        assert get(f"/s/{session.token}/frames/1", params={"v": new}).status_code == 404
        assert [path.name for path in session.folder.iterdir()] == [f"medium-{new}"]
        assert len(house.engine.sessions) <= 1


def test_a_file_over_the_limit_is_refused_and_removed() -> None:
    with open_house(max_upload_mb=1) as house:
        session = house.session()
        big = bytes(1_000_001)
        refused = house.upload(session.token, big)
        chunked = house.client.post(f"/s/{session.token}/upload", content=iter([big[:600_000], big[600_000:]]))
        for answer in (refused, chunked):
            assert answer.status_code == 400
            assert "larger than 1 MB" in answer.json()["error"]
        assert list(session.folder.iterdir()) == []
        assert house.upload(session.token, picture_bytes()).status_code == 202


@pytest.mark.parametrize(
    ("limit", "complaint"), [({"max_clip_side": 80}, "the limit is 80"), ({"max_store_mb": 1}, "more than 1.0 MB")]
)
def test_a_clip_over_a_limit_is_refused(tmp_path: Path, limit: dict[str, Any], complaint: str) -> None:
    noise = "noise=alls=100:allf=t:all_seed=1,scale=960:640"
    content = make_clip(tmp_path / "noisy.mp4", filters=noise).read_bytes()
    with open_house(**limit) as house:
        session = house.session()
        with house.page(session.token) as page:
            house.upload(session.token, content, "noisy.mp4")
            assert complaint in page.receive("error", job="ingest")["text"]


def test_an_upload_waits_until_the_one_before_has_been_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session, portal = house.session(), house.client.portal
    assert portal is not None
    portal.call(session.receiving.acquire)
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(house.upload, session.token, picture_bytes())
        portal.call(session.receiving.release)
        assert answer.result(DEADLINE).status_code == 202
    portal.call(session.receiving.acquire)
    monkeypatch.setattr("ui.page.routes.FORMER_UPLOAD_SECONDS", 0.01)
    assert "still on its way" in house.upload(session.token, picture_bytes()).json()["error"]
    portal.call(session.receiving.release)


def test_file_names_mean_nothing_to_the_file_system(house: House) -> None:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes(), "../../../etc/$(rm)\x00<b>\\x.png")
        name = page.receive("opened")["medium"]["name"]
        assert name == "$(rm)_<b>\\x.png"
        assert {path.parent for path in session.folder.iterdir()} == {session.folder}


@pytest.mark.parametrize(
    "name",
    [
        "100% #1?&=.png", "semi;colon'quote\".png", "con.png", "trailing. ", ".hidden.png", "हिन्दी.png",
        "e\u0301 \U0001f3ac.png",
        "字" * 200 + ".png", "<img src=x onerror=alert(1)>.png",
    ],
)  # fmt: skip
def test_a_users_name_comes_back_in_downloads(house: House, name: str) -> None:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes(), name)
        assert page.receive("opened")["medium"]["name"] == name
        page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        page.receive("masks", seq=1)
        page.send("export", format="coco", objects=[{"id": 1, "name": "x", "color": [0, 0, 0]}])
        done = page.receive("done", job="export")
        answer = house.client.get("/s/" + quote(f"{session.token}/{done['url']}"))
        assert [each["file_name"] for each in answer.json()["images"]] == [name]
        disposition = answer.headers["content-disposition"]
        assert disposition.isascii()
        plain = f'filename="{done["name"]}"'
        assert f"filename*=utf-8''{quote(done['name'])}" in disposition or plain in disposition
        assert not set(done["name"]) & set('<>:"/\\|?*')


def test_photos_of_several_folders_keep_their_folders(house: House) -> None:
    session = house.session()
    with house.page(session.token) as page:
        for left, name in ((1, "trip/front/1.jpg"), (0, "trip/rear/1.jpg")):
            params: dict[str, Any] = {"name": name, "batch": "a", "left": left}
            house.client.post(f"/s/{session.token}/upload", params=params, content=picture_bytes())
        assert page.receive("opened")["medium"]["names"] == ["front/1.jpg", "rear/1.jpg"]
        params = {"name": "other/rear/1.jpg", "batch": "b", "left": 0, "add": 1}
        house.client.post(f"/s/{session.token}/upload", params=params, content=picture_bytes())
        assert page.receive("opened")["medium"]["names"] == ["front/1.jpg", "rear/1.jpg", "1.jpg"]
        house.client.post(f"/s/{session.token}/upload", params=params | {"batch": "c"}, content=picture_bytes())
        assert page.receive("opened")["medium"]["names"][3] == "other/rear/1.jpg"


def test_examples_open_like_files_and_have_thumbnails(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        assert house.client.post(f"/s/{token}/example/lion").status_code == 202
        assert page.receive("opened")["medium"]["kind"] == "image"
    assert house.client.post(f"/s/{token}/example/..%2Fapp").status_code == 404
    assert house.client.post(f"/s/{token}/example/unknown").status_code == 404
    picture = house.client.get("/examples/lion.jpg")
    assert Image.open(BytesIO(picture.content)).format == "JPEG"
    assert house.client.get("/examples/unknown.jpg").status_code == 404
