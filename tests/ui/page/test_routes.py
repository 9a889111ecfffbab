from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import re
import struct
import threading
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.websockets import WebSocketDisconnect

from sam2_core.errors import Busy
from sam2_core.media import open_store
from tests.media.numbered import make_clip, read_number
from tests.ui.house import DEADLINE, House, open_house, picture_bytes, unpack
from ui.examples import examples
from ui.jobs import RateLimit
from ui.page.connection import PageConnection
from ui.protocol import MAX_REQUEST_CHARACTERS

CLICK = {"points": [[20, 24, 1]]}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=12).read_bytes()


def test_a_picture_is_uploaded_clicked_and_downloaded(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        assert page.receive("hello")["medium"] is None
        assert page.receive("model")["ready"]
        assert house.upload(token, picture_bytes()).status_code == 202
        opened = page.receive("opened")
        assert {"kind": "image", "frames": 1, "height": 48, "width": 64}.items() <= opened["medium"].items()
        frame = house.client.get(f"/s/{token}/frames/0", params={"v": opened["version"]})
        assert Image.open(BytesIO(frame.content)).size == (64, 48)
        assert frame.headers["x-content-type-options"] == "nosniff"
        assert frame.headers["cache-control"].startswith("private")
        page.send("set_prompt", seq=7, frame=0, object=1, prompt=CLICK)
        masks, [picture, *candidates] = page.receive_all("masks", seq=7)
        assert len(candidates) == 3
        [told] = masks["objects"]
        assert (masks["object"], told["id"]) == (1, 1)
        alpha = np.asarray(Image.open(BytesIO(picture)).convert("RGBA"))[:, :, 3]
        left, top, width, height = told["place"]
        assert alpha.shape == (height, width)
        assert alpha[24 - top, 20 - left] == 255
        assert int((alpha > 0).sum()) == told["area"]
        page.send("export", format="masks", objects=[{"id": 1, "name": "Cat", "color": [1, 2, 3]}])
        done = page.receive("done", job="export")
        got = house.client.get(f"/s/{token}/{done['url']}")
        assert "attachment" in got.headers["content-disposition"]
        with zipfile.ZipFile(BytesIO(got.content)) as archive:
            mask = np.asarray(Image.open(archive.open("object_01.png")))
        assert mask.shape == (48, 64)
        assert mask[24, 20] == 255
        assert int((mask > 0).sum()) == told["area"]


def test_a_clip_is_tracked_both_ways_and_shows_its_frames(house: House, clip: bytes) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, clip, "clip.mp4")
        version = page.receive("opened")["version"]
        for number in (0, 7, 11):
            frame = house.client.get(f"/s/{token}/frames/{number}", params={"v": version}).content
            assert read_number(np.asarray(Image.open(BytesIO(frame)))) == number
        page.send("set_prompt", seq=1, frame=5, object=3, prompt=CLICK)
        page.receive("masks", seq=1)
        page.send("track", run=1, direction="both", frame=5)
        order = [page.receive("masks")["frame"] for _ in range(11)]
        assert order == [*range(6, 12), *range(4, -1, -1)]
        assert page.receive("done", job="track")["stopped"] is False
        page.send("get_masks", first=0, last=11)
        assert [page.receive("masks")["objects"][0]["id"] for _ in range(12)] == [3] * 12


def test_the_sound_of_a_clip_is_made_once(house: House, tmp_path: Path) -> None:
    session = house.session()
    address = f"/s/{session.token}/sound"
    with house.page(session.token) as page:
        clip = make_clip(tmp_path / "film.mp4", sound=("-c:a", "aac", "-shortest"))
        house.upload(session.token, clip.read_bytes(), "film.mp4")
        opened = page.receive("opened")
        assert opened["medium"]["has_sound"] is True
        whole = house.client.get(address, params={"v": opened["version"]})
        assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/mp4")
        (made,) = session.folder.rglob("sound.m4a")
        before = made.stat().st_mtime_ns
        part = house.client.get(address, params={"v": opened["version"]}, headers={"Range": "bytes=0-9"})
        assert (part.status_code, part.content) == (206, whole.content[:10])
        assert made.stat().st_mtime_ns == before
        assert house.client.get(address, params={"v": opened["version"] + 1}).status_code == 404
        house.upload(session.token, picture_bytes())
        opened = page.receive("opened")
        assert "has_sound" not in opened["medium"]
        assert house.client.get(address, params={"v": opened["version"]}).status_code == 400


def test_small_pictures_are_for_the_timeline(house: House, clip: bytes) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, clip, "clip.mp4")
        version = page.receive("opened")["version"]

        def get(frame: int, **about: object) -> Any:
            return house.client.get(f"/s/{token}/frames/{frame}", params={"v": version, **about})

        small = get(7, height=32)
        assert Image.open(BytesIO(small.content)).size == (48, 32)
        assert read_number(np.asarray(Image.open(BytesIO(small.content)))) == 7
        assert small.headers["cache-control"].startswith("private")
        assert Image.open(BytesIO(get(7, height=160).content)).size == (96, 64), "never larger than the frame"
        for height in ("15", "161", "-20", "1e2", "", "100000000000", "³²"):
            assert get(7, height=height).status_code == 400, height
        assert get(12, height=32).status_code == 404
        assert get(0, height=32, v=version + 1).status_code == 404


def test_whoever_asks_for_too_many_small_pictures_waits(house: House, clip: bytes) -> None:
    session = house.session()
    session.client.thumbnail_rate = RateLimit(3, lambda: 0.0)
    with house.page(session.token) as page:
        house.upload(session.token, clip, "clip.mp4")
        about = {"v": page.receive("opened")["version"], "height": 32}
        answers = [house.client.get(f"/s/{session.token}/frames/{k}", params=about).status_code for k in range(8)]
        assert answers == [200] * 6 + [400] * 2
        page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        assert page.receive("masks", seq=1), "clicks are counted by themselves"


def test_colors_and_choice_of_objects_reach_the_overlay(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes())
        page.receive("opened")
        for number, x in ((1, 10), (2, 50)):
            page.send("set_prompt", seq=number, frame=0, object=number, prompt={"points": [[x, 20, 1]]})
            page.receive("masks", seq=number)
        page.send(
            "export",
            format="png",
            effects={"layers": [{"effect": "overlay", "opacity": 1}]},
            objects=[{"id": 2, "name": "", "color": [10, 200, 30]}],
        )
        done = page.receive("done", job="export")
        drawn = np.asarray(Image.open(BytesIO(house.client.get(f"/s/{token}/{done['url']}").content)).convert("RGB"))
        source = np.asarray(Image.open(BytesIO(picture_bytes())))
        assert drawn[20, 50].tolist() == [10, 200, 30]
        assert drawn[20, 10].tolist() == source[20, 10].tolist()
        page.send("export", format="coco", objects=[{"id": 1, "name": "", "color": [0, 0, 0]}])
        again = page.receive("done", job="export")
        coco = json.loads(house.client.get(f"/s/{token}/{again['url']}").content)
        assert len(coco["annotations"]) == 1
        assert house.client.get(f"/s/{token}/{done['url']}").status_code == 404, "the next export replaces the last"


def test_nothing_of_one_visitor_is_there_for_another(house: House) -> None:
    mine, yours = house.session().token, house.session().token
    assert mine != yours
    with house.page(mine) as page, house.page(yours) as other:
        house.upload(mine, picture_bytes())
        version = page.receive("opened")["version"]
        page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        page.receive("masks", seq=1)
        page.send("export", format="masks", objects=[{"id": 1, "name": "", "color": [0, 0, 0]}])
        address = page.receive("done", job="export")["url"]
        get = house.client.get
        assert get(f"/s/{mine}/{address}").status_code == 200
        assert get(f"/s/{yours}/{address}").status_code == 404
        assert get(f"/s/{yours}/frames/0", params={"v": version}).status_code == 404
        assert get("/s/nobody/frames/0", params={"v": version}).status_code == 404
        other.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        assert "Open a picture" in other.receive("error")["text"]


def test_foreign_pages_get_nothing(house: House) -> None:
    token = house.session().token
    foreign = {"origin": "https://evil.example"}
    assert house.client.post(f"/s/{token}/bye", headers=foreign).status_code == 403
    with house.page(token, **foreign) as page, pytest.raises(WebSocketDisconnect) as closed:
        page.receive("hello")
    assert closed.value.code == 4403
    with house.page(token, origin="http://testserver") as page:
        assert page.receive("hello")
    claimed = {"origin": "https://evil.example", "x-forwarded-host": "evil.example"}
    with house.page(token, **claimed) as page, pytest.raises(WebSocketDisconnect):
        page.receive("hello")


def test_an_unknown_token_is_told_so(house: House) -> None:
    with house.page("x" * 32) as page, pytest.raises(WebSocketDisconnect) as closed:
        page.receive("hello")
    assert closed.value.code == 4404
    for method, path in (("POST", "upload"), ("POST", "say"), ("GET", "hear"), ("POST", "bye"), ("GET", "frames/0")):
        assert house.client.request(method, f"/s/nobody/{path}").status_code == 404


def test_the_server_says_that_it_is_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.page.socket.HEARTBEAT_SECONDS", 0.01)
    with house.page(house.session().token) as page:
        assert page.receive("heartbeat")
        assert page.receive("heartbeat")


def test_a_second_tab_takes_the_work_over(house: House) -> None:
    token = house.session().token
    with house.page(token) as first:
        first.receive("hello")
        with house.page(token) as second:
            second.receive("hello")
            with pytest.raises(WebSocketDisconnect) as closed:
                while True:
                    first.receive("nothing")
            assert closed.value.code == 4409


def test_the_same_works_without_sockets(house: House) -> None:
    token = house.session().token

    def hear(kind: str, first: str = "") -> dict[str, object]:
        for _ in range(20):
            body = house.client.get(f"/s/{token}/receive", params={"first": first}).content
            while body:
                (length,) = struct.unpack_from("<I", body)
                header, _pictures = unpack(body[4 : 4 + length])
                body = body[4 + length :]
                if header["t"] == kind:
                    return header
        raise AssertionError(kind)

    assert hear("hello", first="1")["medium"] is None
    house.upload(token, picture_bytes())
    hear("opened")
    message = {"t": "set_prompt", "seq": 3, "frame": 0, "object": 1, "prompt": CLICK}
    assert house.client.post(f"/s/{token}/send", json=message).status_code == 204
    assert hear("masks")["seq"] == 3
    assert house.client.post(f"/s/{token}/send", content=b"x" * (MAX_REQUEST_CHARACTERS + 1)).status_code == 413


def test_a_reloaded_page_gets_its_first_event_though_a_request_of_the_former_one_waits(house: House) -> None:
    session = house.session()
    assert isinstance(session.client, PageConnection)
    queue = session.client.queue
    answers: list[int] = []

    def receive(**first: str) -> httpx.Response:
        return house.client.get(f"/s/{session.token}/receive", params=first)

    def keep_receiving() -> None:
        while not answers or answers[-1] == 200:
            answers.append(receive().status_code)

    async def nothing_is_left() -> None:
        while queue._waiting or not queue.is_connected:
            await asyncio.sleep(0)

    receive(first="1", page="former")
    former = threading.Thread(target=keep_receiving)
    former.start()
    house.call(nothing_is_left)
    first_event = receive(first="1", page="new").content
    former.join(DEADLINE)
    assert unpack(first_event[4 : 4 + int.from_bytes(first_event[:4], "little")])[0]["t"] == "hello"
    assert answers[-1] == 409


def test_a_closed_tab_frees_everything(house: House) -> None:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        page.receive("opened")
        page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
        page.receive("masks", seq=1)
        assert len(house.engine.sessions) == 1
        assert house.client.post(f"/s/{session.token}/bye").status_code == 204
    house.now += house.settings.farewell_seconds + 1
    house.sweep()
    assert len(house.sessions) == 0
    assert house.engine.sessions == {}
    assert not session.folder.exists()


def test_a_reload_finds_its_work_again(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes())
        version = page.receive("opened")["version"]
        house.client.post(f"/s/{token}/bye")
    house.now += house.settings.farewell_seconds / 2
    house.sweep()
    with house.page(token) as page:
        assert page.receive("hello")["version"] == version
        house.now += house.settings.farewell_seconds * 2
        house.sweep()
        page.send("get_masks", first=0, last=0)
        assert page.receive("masks")["frame"] == 0


def test_stopping_the_server_leaves_nothing(tmp_path: Path) -> None:
    with open_house() as house:
        folder = house.session().folder
        assert folder.exists()
    assert not folder.parent.exists()


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE])
@pytest.mark.parametrize("path", ["upload?name=a.png", "import?name=a.json", "backdrop", "example/cheetah"])
def test_a_server_without_room_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch, path: str, reason: int, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(reason, os.strerror(reason), "/secret/place")

    token = house.session().token
    path = path.replace("cheetah", next(iter(examples())))
    monkeypatch.setattr(Path, "open", full)
    monkeypatch.setattr("ui.page.routes.shutil.copyfile", full)
    with caplog.at_level(logging.ERROR):
        answer = house.client.post(f"/s/{token}/{path}", content=b"" if "example" in path else picture_bytes())
    monkeypatch.undo()
    assert answer.status_code == 503
    assert re.search("disk is full|too many files", answer.json()["error"])
    assert caplog.records == []
    with house.page(token) as page:
        assert house.upload(token, picture_bytes()).status_code == 202
        assert page.receive("opened"), "it goes on as soon as there is room"


def test_a_medium_that_cannot_be_read_for_want_of_descriptors_is_not_lost(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes())
        version = page.receive("opened")["version"]
        session = house.sessions.find(token)
        assert session is not None
        assert session.workspace is not None
        folder = session.workspace.folder

        def full(*args: object, **kwargs: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", full)
            answer = house.client.get(f"/s/{token}/frames/0", params={"v": version})
            assert (answer.status_code, "too many files" in answer.json()["error"]) == (400, True)
            with pytest.raises(Busy, match="too many files"):
                open_store(folder)
        assert house.client.get(f"/s/{token}/frames/0", params={"v": version}).status_code == 200


def test_a_job_that_finds_the_disk_full_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    token = house.session().token
    with house.page(token) as page:
        monkeypatch.setattr("ui.files.ingest", full)
        house.upload(token, picture_bytes())
        assert "disk is full" in page.receive("error", job="ingest")["text"]
