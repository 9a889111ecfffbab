from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import BadPrompt, Busy
from sam2_core.media import EffectStack, ObjectTraits
from tests.media.numbered import make_clip, read_number
from tests.ui.house import DEADLINE, House, Page, open_house, picture_bytes
from ui.jobs import RateLimit
from ui.page.previews import MAX_EFFECTS, EffectPreviews, PreviewOptions, read_preview_options

FILLED = json.dumps({"layers": [{"effect": "overlay", "opacity": 1, "outline": 0}]})
PLAIN = json.dumps({"layers": []})
WISH = {"effects": FILLED, "objects": "1.0ac81e", "side": "1280"}
GREEN = (10, 200, 30)


class Guest:
    """A session with a picture of 48 x 64 pixels open and one object clicked at (20, 24)."""

    def __init__(self, house: House, page: Page, token: str) -> None:
        self.house, self.page, self.token = house, page, token
        house.upload(token, picture_bytes())
        self.version = page.receive("opened")["version"]
        self.prompt(1, 20, 24)

    def prompt(self, number: int, x: int, y: int) -> None:
        self.page.send("set_prompt", seq=number, frame=0, object=number, prompt={"points": [[x, y, 1]]})
        self.page.receive("masks", seq=number)

    def get(self, frame: int = 0, **about: object) -> Any:
        query = {"v": self.version, **WISH, **about}
        return self.house.client.get(f"/s/{self.token}/effects/{frame}", params=query)

    def painted(self, **about: object) -> np.ndarray:
        answer = self.get(**about)
        assert answer.status_code == 200, answer.text
        return np.asarray(Image.open(BytesIO(answer.content)).convert("RGB")).astype(int)


@contextmanager
def guest_of(house: House) -> Iterator[Guest]:
    token = house.session().token
    with house.page(token) as page:
        yield Guest(house, page, token)


@pytest.fixture
def guest(house: House) -> Iterator[Guest]:
    with guest_of(house) as guest:
        yield guest


def is_green(pixel: np.ndarray) -> bool:
    return bool(np.abs(pixel - GREEN).max() < 25)


def test_a_frame_is_painted_with_its_look(guest: Guest) -> None:
    answer = guest.get()
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "no-store")
    painted = guest.painted()
    assert painted.shape == (48, 64, 3)
    assert is_green(painted[24, 20])
    plain = guest.painted(effects=PLAIN)
    assert np.abs(painted[:, 40:] - plain[:, 40:]).max() < 5
    assert not is_green(plain[24, 20])


def test_small_pictures_of_looks_do_not_disturb_the_large_one(guest: Guest) -> None:
    client = guest.house.sessions.find(guest.token).client
    guest.get()
    kept = client.effect_previews._painter
    answer = guest.house.client.get(
        f"/s/{guest.token}/presets/0", params={"v": guest.version, **WISH, "effects": PLAIN, "side": "160"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    guest.get()
    assert client.effect_previews._painter is kept is not None


def test_only_the_objects_that_are_named_are_painted(guest: Guest) -> None:
    guest.prompt(2, 50, 24)
    one, both = guest.painted(objects="2.0ac81e"), guest.painted(objects="1.0ac81e,2.ff0000")
    assert not is_green(one[24, 20])
    assert is_green(one[24, 50])
    assert is_green(both[24, 20])
    assert both[24, 50, 0] > 200


def test_what_was_clicked_meanwhile_is_painted(guest: Guest) -> None:
    assert not is_green(guest.painted()[10, 50])
    guest.page.send("set_prompt", seq=2, frame=0, object=1, prompt={"points": [[20, 24, 1], [50, 10, 1]]})
    guest.page.receive("masks", seq=2)
    assert is_green(guest.painted()[10, 50])
    guest.page.send("remove_object", seq=3, object=1)
    guest.page.receive("object_removed", seq=3)
    assert not is_green(guest.painted()[24, 20])


def test_a_preview_is_no_larger_than_asked(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes(900, 1500))
        query = {"v": page.receive("opened")["version"], "effects": PLAIN}
        for side, size in (("1280", (1280, 768)), ("160", (160, 96))):
            answer = house.client.get(f"/s/{token}/effects/0", params={**query, "side": side})
            assert Image.open(BytesIO(answer.content)).size == size
        assert "open" not in house.engine.calls, "without masks there is nothing to ask the engine"


def test_each_frame_of_a_clip_is_its_own(house: House, tmp_path: Path) -> None:
    token, clip = house.session().token, make_clip(tmp_path / "clip.mp4", frames=12).read_bytes()
    with house.page(token) as page:
        house.upload(token, clip, "clip.mp4")
        query = {"v": page.receive("opened")["version"], **WISH}
        for number in (0, 7, 11):
            answer = house.client.get(f"/s/{token}/effects/{number}", params=query)
            assert read_number(np.asarray(Image.open(BytesIO(answer.content)))) == number


@pytest.mark.parametrize(
    "wrong",
    [
        {"effects": ""}, {"effects": "no json"}, {"effects": "[]"}, {"effects": "[" * 9000},
        {"effects": " " * (MAX_EFFECTS + 1)}, {"effects": '{"layers": [{"effect": "sparkle"}]}'},
        {"effects": '{"layers": [{"effect": "overlay", "opacity": 2}]}'},
        {"objects": "1"}, {"objects": "0.000000"}, {"objects": "1.00000g"}, {"objects": "1.000000,1.000000"},
        {"objects": "1.000000,"}, {"objects": "٣.000000"}, {"objects": "1.000000," * 300},
        {"side": "159"}, {"side": "1281"}, {"side": ""}, {"side": "-200"}, {"side": "³²"}, {"side": "1" * 5000},
    ],
    ids=str,
)  # fmt: skip
def test_a_preview_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    assert read_preview_options(3, WISH, 200).objects == (ObjectTraits(1, "", "", GREEN),)
    with pytest.raises(BadPrompt):
        read_preview_options(3, {**WISH, **wrong}, 200)


def test_refusals_reach_the_page(guest: Guest) -> None:
    assert guest.get(v=guest.version + 1).status_code == 404
    assert guest.get(frame=1).status_code == 404
    answer = guest.get(side=5)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "The side of a preview goes from 160 to 1280 pixels."},
    )
    assert guest.house.client.get("/s/nobody/effects/0").status_code == 404


def test_there_are_no_more_objects_than_fit() -> None:
    with open_house(max_objects=2) as house, guest_of(house) as guest:
        assert guest.get(objects="1.000000,2.000000").status_code == 200
        assert guest.get(objects="1.000000,2.000000,3.000000").status_code == 400


def test_whoever_asks_too_often_waits(house: House) -> None:
    session = house.session()
    session.client.effect_previews.rate = RateLimit(3, lambda: 0.0)
    with house.page(session.token) as page:
        guest = Guest(house, page, session.token)
        assert [guest.get().status_code for _ in range(8)] == [200] * 6 + [400] * 2
        guest.prompt(2, 50, 24)  # clicks are counted by themselves


class SlowPreviews(EffectPreviews):
    """Paints when the test says so."""

    gate = threading.Event()

    def _paint(self, *arguments: Any) -> tuple[bytes, str]:
        assert self.gate.wait(DEADLINE)
        return b"painted", "image/jpeg"


def test_a_visitor_has_few_previews_waiting(house: House) -> None:
    async def scene() -> list[Any]:
        previews, workspace = SlowPreviews(house.services), SimpleNamespace()
        options = PreviewOptions(0, EffectStack(), (), 160)
        tasks = [asyncio.create_task(previews.paint(workspace, options, {})) for _ in range(6)]  # type: ignore[arg-type]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        previews.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(scene())
    assert answers[:4] == [(b"painted", "image/jpeg")] * 4
    assert [type(answer) for answer in answers[4:]] == [Busy, Busy]


def test_a_lost_session_is_brought_back(guest: Guest) -> None:
    guest.house.engine.sessions.clear()
    with ThreadPoolExecutor(1) as threads:
        painting = threads.submit(guest.painted)
        guest.page.receive("done", job="replay")
        assert is_green(painting.result(DEADLINE)[24, 20])


# --- backdrops ---


def send(guest: Guest, content: bytes) -> Any:
    return guest.house.client.post(f"/s/{guest.token}/backdrop", content=content)


def backdrop(number: int, side: int = 40) -> bytes:
    return picture_bytes(side, side + number)


def look_with(name: str) -> str:
    return json.dumps(EffectStack.of("picture", name=name).to_json())


def test_a_backdrop_is_called_after_its_content(guest: Guest) -> None:
    answer = send(guest, backdrop(1))
    assert answer.status_code == 201
    name = answer.json()["name"]
    assert len(name) == 32
    assert send(guest, backdrop(1)).json()["name"] == name
    assert send(guest, backdrop(2)).json()["name"] != name
    assert guest.get(effects=look_with(name)).status_code == 200


def test_a_backdrop_is_painted_behind_the_object(guest: Guest) -> None:
    violet = BytesIO()
    Image.new("RGB", (40, 40), (200, 20, 160)).save(violet, "PNG")
    painted = guest.painted(effects=look_with(send(guest, violet.getvalue()).json()["name"]))
    assert np.abs(painted[24, 60] - (200, 20, 160)).max() < 9
    assert np.abs(painted[22:26, 18:22] - guest.painted(effects=PLAIN)[22:26, 18:22]).mean() < 15


def test_what_can_be_seen_through_is_a_png(guest: Guest) -> None:
    answer = guest.get(effects=json.dumps(EffectStack.of("cutout").to_json()))
    assert answer.headers["content-type"] == "image/png"
    pixels = np.asarray(Image.open(BytesIO(answer.content)))
    assert pixels[24, 20, 3] == 255
    assert pixels[24, 60].tolist() == [0, 0, 0, 0]


def test_the_backdrop_used_least_recently_makes_room(guest: Guest) -> None:
    names = [send(guest, backdrop(number)).json()["name"] for number in range(4)]
    assert guest.get(effects=look_with(names[0])).status_code == 200
    send(guest, backdrop(4))
    assert guest.get(effects=look_with(names[0])).status_code == 200
    gone = guest.get(effects=look_with(names[1]))
    assert (gone.status_code, "Choose it again" in gone.json()["error"]) == (400, True)
    session = guest.house.sessions.find(guest.token)
    assert session is not None
    assert len(list((session.folder / "backdrops").iterdir())) == 4
    assert not list(session.folder.glob("incoming-*"))


def test_a_backdrop_of_another_visitor_is_none(guest: Guest) -> None:
    name = send(guest, backdrop(1)).json()["name"]
    with guest_of(guest.house) as other:
        assert other.get(effects=look_with(name)).status_code == 400


@pytest.mark.parametrize("content", [b"", b"this is no picture", picture_bytes()[:200]])
def test_a_bad_backdrop_is_explained(guest: Guest, content: bytes) -> None:
    answer = send(guest, content)
    assert (answer.status_code, "damaged" in answer.json()["error"]) == (400, True)
    session = guest.house.sessions.find(guest.token)
    assert session is not None
    assert not list(session.folder.glob("incoming-*"))


def test_a_backdrop_has_the_limits_of_a_photo() -> None:
    with open_house(max_upload_mb=1, max_pixels=4000) as house, guest_of(house) as guest:
        assert "larger than 1 MB" in send(guest, bytes(1_000_001)).json()["error"]
        assert "million pixels" in send(guest, backdrop(100)).json()["error"]


def test_a_large_backdrop_is_scaled_down(guest: Guest) -> None:
    name = send(guest, picture_bytes(20, 4000)).json()["name"]
    session = guest.house.sessions.find(guest.token)
    assert session is not None
    with Image.open(session.folder / "backdrops" / f"{name}.jpg") as image:
        assert image.size == (1920, 10)


def test_a_download_gets_its_backdrops(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    orders: list[Any] = []

    def note(folder: Path, material: object, order: Any, *rest: object) -> Path:
        orders.append(order)
        (folder / "file.png").write_bytes(b"1234567")
        return folder / "file.png"

    monkeypatch.setattr("sam2_core.serving.workspace.export", note)
    name = send(guest, backdrop(0)).json()["name"]
    request: dict[str, Any] = {"format": "png", "objects": [{"id": 1, "name": "", "color": [1, 2, 3]}]}
    guest.page.send("export", **request, effects=json.loads(look_with(name)))
    assert guest.page.receive("done", job="export")["size"] == 7
    assert {key: pixels.shape for key, pixels in orders[0].backdrops.items()} == {name: (40, 40, 3)}
    assert replace(orders[0], backdrops={}).effects == EffectStack.of("picture", name=name)
    guest.page.send("export", **request, effects=json.loads(look_with("f" * 32)))
    assert "Choose it again" in guest.page.receive("error", job="export")["text"]
