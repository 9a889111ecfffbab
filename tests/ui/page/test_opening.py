"""Numbered pictures, ZIP files, what is too large, and warnings on their way to the page."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from tests.media.numbered import numbered_image, read_number
from tests.ui.house import House, open_house, picture_bytes


def png(number: int, height: int = 48, width: int = 72) -> bytes:
    content = io.BytesIO()
    Image.fromarray(numbered_image(number, height, width)).save(content, "PNG")
    return content.getvalue()


def packed(members: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def send(house: House, token: str, name: str, content: bytes, **query: Any) -> Any:
    return house.client.post(f"/s/{token}/upload", params={"name": name, **query}, content=content)


def frame_number(house: House, token: str, version: int, frame: int) -> int:
    answer = house.client.get(f"/s/{token}/frames/{frame}", params={"v": version})
    return read_number(np.asarray(Image.open(io.BytesIO(answer.content))))


def test_numbered_pictures_of_a_batch_are_a_clip(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        for left, number in enumerate((10, 9, 8)):
            send(house, token, f"f_{number}.png", png(number), batch="1", left=2 - left, clip=1)
        opened = page.receive("opened")
        assert (opened["medium"]["kind"], opened["medium"]["frames"], opened["warnings"]) == ("clip", 3, [])
        numbers = [frame_number(house, token, opened["version"], frame) for frame in range(3)]
        assert numbers == [8, 9, 10]


def test_a_clip_may_have_more_frames_than_an_album_has_photos() -> None:
    with open_house(max_pictures=2, max_frames=4) as house:
        token = house.session().token
        for extra, status in (({"left": 3, "clip": 1}, 202), ({"left": 4, "clip": 1}, 400), ({"left": 3}, 400)):
            assert send(house, token, "1.png", png(1), batch=str(extra), **extra).status_code == status


def test_a_zip_file_is_a_clip_or_an_album(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        send(house, token, "shot.zip", packed({f"shot/{number}.png": png(number) for number in (1, 2)}))
        assert page.receive("opened")["medium"]["kind"] == "clip"
        photos = {"cat.png": picture_bytes(), "dog.png": picture_bytes(30, 40)}
        send(house, token, "photos.zip", packed(photos))
        medium = page.receive("opened")["medium"]
        assert (medium["kind"], medium["names"]) == ("album", ["cat.png", "dog.png"])
        send(house, token, "text.zip", packed({"notes.txt": b"words"}))
        assert "no picture in this ZIP" in page.receive("error", job="ingest")["text"]


def test_what_is_too_large_can_be_sent_once_more_to_be_scaled_down() -> None:
    with open_house(max_pixels=2000) as house:
        session = house.session()
        with house.page(session.token) as page:
            send(house, session.token, "large.png", picture_bytes(50, 60))
            refused = page.receive("error", job="ingest")
            assert refused["too_large"]
            assert "the limit is 0.0 million" in refused["text"]
            send(house, session.token, "large.png", picture_bytes(50, 60), scale=1)
            opened = page.receive("opened")
            assert (opened["medium"]["width"], opened["medium"]["height"]) == (48, 40)
            assert "from 60 x 50 to 48 x 40" in opened["warnings"][0]
            send(house, session.token, "huge.png", picture_bytes(100, 100))
            assert "too_large" not in page.receive("error", job="ingest")


def test_other_errors_offer_nothing(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        send(house, token, "a.png", b"no picture")
        assert "too_large" not in page.receive("error", job="ingest")
