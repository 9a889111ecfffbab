"""What a page had open, on the next server; and what is not kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import ConfigError
from tests.ui.house import House, open_house, picture_bytes, unpack
from ui.kept_media import KeptMedia, name_of
from ui.page.connection import PageConnection
from ui.sessions import Session

DAY = 86_400.0


@pytest.fixture
def state(tmp_path: Path) -> str:
    return str(tmp_path / "state")


def visit(house: House, login: str = "") -> Session:
    """A page is opened in a browser."""
    connect = partial(PageConnection, clock=house.sessions.clock)
    session: Session = house.call(partial(house.sessions.open, connect, login=login, can_return=True))
    return session


def work(house: House, token: str) -> None:
    """A page opens a picture and clicks into it."""
    with house.page(token) as page:
        assert page.receive("hello")["medium"] is None
        house.upload(token, picture_bytes())
        assert page.receive("opened")["version"] == 1
        click(page)


def click(page: Any) -> None:
    page.send("set_prompt", seq=1, frame=0, object=1, prompt={"points": [[20, 24, 1]]})
    assert page.receive("masks")["objects"]


def folders(state: str) -> set[str]:
    return {path.name for path in Path(state).iterdir() if path.is_dir()}


def test_a_page_finds_its_medium_on_the_next_servers(state: str) -> None:
    with open_house(state=state) as house:
        token = visit(house).token
        work(house, token)
        stranger = visit(house).token
    assert folders(state) == {name_of(token)}, "of a session that had nothing open nothing is kept"
    for version in (2, 3):
        with open_house(state=state) as house:
            with house.page(token) as page:
                hello = page.receive("hello")
                assert (hello["medium"]["name"], hello["version"]) == ("picture.png", version)
                click(page)
                assert house.client.get(f"/s/{token}/frames/0", params={"v": version}).status_code == 200
            assert house.client.get(f"/s/{stranger}/receive", params={"first": 1}).status_code == 404
            assert len(house.sessions) == 1


def test_a_page_without_a_socket_finds_it_too(state: str) -> None:
    with open_house(state=state) as house:
        token = visit(house).token
        work(house, token)
    with open_house(state=state) as house:
        assert house.client.get(f"/s/{token}/frames/0", params={"v": 2}).status_code == 404
        events = house.client.get(f"/s/{token}/receive", params={"first": 1}).content
        hello, _ = unpack(events[4 : 4 + int.from_bytes(events[:4], "little")])
        assert hello["medium"]["name"] == "picture.png"


def test_a_newer_medium_takes_the_place_of_the_one_before(state: str) -> None:
    with open_house(state=state) as house:
        token = visit(house).token
        work(house, token)
        with house.page(token) as page:
            house.upload(token, picture_bytes(20, 30), "other.png")
            assert page.receive("opened", version=2)["medium"]["name"] == "other.png"
    [place] = Path(state).glob(name_of(token))
    assert {path.name for path in place.iterdir()} == {"medium-2", "index.json"}


def test_nothing_stays_without_the_setting_or_after_a_goodbye_or_a_logout(state: str) -> None:
    with open_house(state=state, farewell_seconds=5.0, grace_seconds=1e6) as house:
        left, kept = visit(house).token, visit(house).token
        for token in (left, kept):
            work(house, token)
            house.client.post(f"/s/{token}/bye")
        house.call(house.sessions.touch, house.sessions.find(kept))  # that was a reload
        house.now = 6.0
        house.sweep()
        assert folders(state) == {name_of(kept)}
        owner = visit(house, login="digest")
        house.call(partial(house.sessions._kept.make_place, owner.token))  # type: ignore[union-attr]
        house.call(house.sessions.end_login, "digest")
        house.call(partial(_end_of_closing, house))
        assert folders(state) == {name_of(kept)}
    with open_house() as house:
        token = visit(house).token
        work(house, token)
    with open_house() as house:
        assert house.client.get(f"/s/{token}/receive", params={"first": 1}).status_code == 404


async def _end_of_closing(house: House) -> None:
    for each in tuple(house.sessions._closing):
        await each


def test_a_lost_connection_leaves_the_medium_for_the_same_server(state: str) -> None:
    with open_house(state=state, grace_seconds=10.0) as house:
        token = visit(house).token
        work(house, token)
        house.now = 11.0
        house.sweep()
        assert len(house.sessions) == 0
        with house.page(token) as page:
            assert page.receive("hello")["version"] == 2


def test_a_medium_that_is_damaged_is_given_up(state: str) -> None:
    with open_house(state=state) as house:
        token = visit(house).token
        work(house, token)
    for file in Path(state, name_of(token), "medium-1").iterdir():
        file.write_bytes(b"?")
    with open_house(state=state) as house:
        assert house.client.get(f"/s/{token}/receive", params={"first": 1}).status_code == 404
        assert (folders(state), len(house.sessions)) == (set(), 0)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptMedia]:
    made = KeptMedia(tmp_path / "state", 7, 1000)
    yield made
    made.close()


def keep(media: KeptMedia, token: str, size: int, days: float) -> Path:
    place = media.make_place(token)
    (place / "medium-1").mkdir()
    (place / "medium-1" / "file").write_bytes(bytes(size))
    media.note(token, place / "medium-1", 1)
    at = time.time() - days * DAY
    os.utime(place / "index.json", (at, at))
    return place


def test_what_is_too_old_or_too_much_goes(kept: KeptMedia) -> None:
    old, used, newer, newest = (keep(kept, name, 250, days) for name, days in zip("abcd", (8, 9, 2, 1), strict=True))
    kept.sweep({used.name})
    assert (old.exists(), used.exists(), newer.exists(), newest.exists()) == (False, True, True, True)
    keep(kept, "e", 600, 0)
    kept.sweep({used.name})
    assert (used.exists(), newer.exists(), newest.exists()) == (True, False, False), "the longest unused first"
    kept.touch("b")
    kept.sweep(())
    assert used.exists(), "it was used until now"


def test_only_a_whole_medium_is_found(kept: KeptMedia) -> None:
    place = keep(kept, "a", 1, 0)
    (place / "medium-2").mkdir()  # that came in when the server was killed
    assert kept.find("a") == (place / "medium-1", 1)
    assert not (place / "medium-2").exists()
    (place / "index.json").write_text('{"medium": "../../elsewhere", "version": 1}')
    assert kept.find("a") is None
    (place / "index.json").write_text("[]")
    assert kept.find("a") is None
    assert kept.find("../state") is None
    assert place.parent.stat().st_mode & 0o077 == 0 or os.name == "nt", "nobody else may read it"


def test_each_server_needs_a_folder_of_its_own(kept: KeptMedia, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Another server uses"):
        KeptMedia(kept.folder, 1, 1)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be used"):
        KeptMedia(tmp_path / "file" / "state", 1, 1)
