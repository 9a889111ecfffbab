"""Several photos on their way in, opened as one album, and more of them added."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.media.numbered import make_clip
from tests.ui.house import House, Page, open_house, picture_bytes

SIZES = [(48, 64), (90, 40), (30, 30)]
FILES = {f"photo{number}.png": picture_bytes(*size) for number, size in enumerate(SIZES)}
CLICK = {"points": [[20, 24, 1]]}
OBJECT = {"id": 1, "name": "Cat", "color": [1, 2, 3]}


def send(house: House, token: str, files: dict[str, bytes], batch: str = "a", **more: Any) -> list[Any]:
    """One upload after the other, up to one that is refused, as the page sends them; their answers."""
    answers: list[Any] = []
    for number, (name, content) in enumerate(files.items()):
        params = {"name": name, "batch": batch, "left": len(files) - 1 - number, **more}
        answers.append(house.client.post(f"/s/{token}/upload", params=params, content=content))
        if answers[-1].status_code != 202:
            break
    return answers


def open_album(house: House, page: Page, token: str, files: dict[str, bytes] = FILES, **more: Any) -> dict[str, Any]:
    assert [answer.status_code for answer in send(house, token, files, **more)] == [202] * len(files)
    return page.receive("opened")


def leftovers(house: House, token: str) -> list[str]:
    session = house.sessions.find(token)
    assert session is not None
    return sorted(path.name.split("-")[0] for path in session.folder.iterdir())


def test_several_photos_are_opened_clicked_and_downloaded(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        opened = open_album(house, page, token)
        medium, version = opened["medium"], opened["version"]
        assert (medium["kind"], medium["frames"], medium["names"]) == ("album", 3, list(FILES))
        assert medium["sizes"] == [list(size) for size in SIZES]
        assert (opened["added"], opened["skipped"]) == (False, [])
        for frame, (height, width) in enumerate(SIZES):
            jpeg = house.client.get(f"/s/{token}/frames/{frame}", params={"v": version}).content
            assert Image.open(BytesIO(jpeg)).size == (width, height)
            page.send("set_prompt", seq=frame, frame=frame, object=1, prompt=CLICK)
            [told] = page.receive("masks", seq=frame)["objects"]
            assert told["area"] > 0
        page.send("export", format="coco", objects=[OBJECT])
        coco = house.client.get(f"/s/{token}/{page.receive('done', job='export')['url']}").json()
        assert [(each["file_name"], each["height"]) for each in coco["images"]] == [
            (name, height) for name, (height, _) in zip(FILES, SIZES, strict=True)
        ]
        page.send("export", format="jpg", objects=[OBJECT])
        done = page.receive("done", job="export")
        assert done["name"] == "3_photos_edited.zip"
        content = house.client.get(f"/s/{token}/{done['url']}").content
        assert zipfile.ZipFile(BytesIO(content)).namelist() == ["photo0.jpg", "photo1.jpg", "photo2.jpg"]
        page.send("track", run=1, direction="forward", frame=0)
        assert "nothing to track" in page.receive("error", job="track", run=1)["text"]
    with house.page(token) as page:
        assert page.receive("hello")["medium"] == medium


def test_a_click_must_lie_in_its_own_photo(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        open_album(house, page, token)
        low = {"points": [[20, 80, 1]]}
        page.send("set_prompt", seq=1, frame=1, object=1, prompt=low)
        assert page.receive("masks", seq=1)
        page.send("set_prompt", seq=2, frame=0, object=1, prompt=low)
        assert "outside" in page.receive("error", seq=2)["text"]
        page.send("edit_log", entries=[{"frame": 2, "object": 1, "prompt": low}])
        assert "outside" in page.receive("error")["text"]


def test_a_damaged_photo_is_named_and_the_others_are_opened(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        opened = open_album(house, page, token, {"broken.png": picture_bytes()[:60], **FILES, "notes.txt": b"words"})
        assert opened["medium"]["names"] == list(FILES)
        assert [each["name"] for each in opened["skipped"]] == ["broken.png", "notes.txt"]
        assert all(each["reason"] for each in opened["skipped"])
        assert leftovers(house, token) == ["medium"]


def test_where_no_photo_can_be_used_the_open_one_stays(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        version = open_album(house, page, token)["version"]
        send(house, token, {"a.png": b"no picture", "b.png": b"none either"})
        assert "None of these" in page.receive("error", job="ingest")["text"]
        assert house.client.get(f"/s/{token}/frames/2", params={"v": version}).status_code == 200
        assert leftovers(house, token) == ["medium"]


def test_photos_are_added_to_an_album_and_to_a_single_picture(house: House) -> None:
    token = house.session().token
    names = list(FILES)
    with house.page(token) as page:
        house.upload(token, FILES[names[0]], names[0])
        assert page.receive("opened")["added"] is False
        opened = open_album(house, page, token, {names[1]: FILES[names[1]]}, add=1)
        assert (opened["added"], opened["medium"]["names"]) == (True, names[:2])
        opened = open_album(house, page, token, {names[2]: FILES[names[2]]}, add=1)
        assert (opened["added"], opened["medium"]["names"]) == (True, names)
        assert opened["medium"]["sizes"] == [list(size) for size in SIZES]
        page.send("set_prompt", seq=1, frame=2, object=1, prompt=CLICK)
        assert page.receive("masks", seq=1)["objects"]
        assert leftovers(house, token) == ["medium"]


def test_photos_cannot_be_added_to_a_clip_or_to_nothing(house: House, tmp_path: Any) -> None:
    token = house.session().token
    with house.page(token) as page:
        assert "photos only" in send(house, token, FILES, add=1)[0].json()["error"]
        house.upload(token, make_clip(tmp_path / "film.mp4", frames=3).read_bytes(), "film.mp4")
        page.receive("opened")
        assert "photos only" in send(house, token, FILES, add=1)[0].json()["error"]
        assert leftovers(house, token) == ["medium"]


def test_what_waits_is_thrown_away_by_another_batch_and_by_giving_up(house: House) -> None:
    token = house.session().token
    first, *_ = FILES.items()
    with house.page(token) as page:
        house.client.post(f"/s/{token}/upload", params={"name": "x", "batch": "a", "left": 2}, content=first[1])
        assert leftovers(house, token) == ["incoming"]
        assert open_album(house, page, token, batch="b")["medium"]["names"] == list(FILES)
        assert leftovers(house, token) == ["medium"]
        house.client.post(f"/s/{token}/upload", params={"name": "x", "batch": "c", "left": 1}, content=first[1])
        page.send("cancel", job="ingest")
        page.send("get_masks", first=0, last=0)
        page.receive("masks")  # the answer proves that the request before it was heard
        house.client.post(f"/s/{token}/upload", params={"name": "y.png", "batch": "c", "left": 0}, content=first[1])
        medium = page.receive("opened")["medium"]
        assert (medium["kind"], medium["name"]) == ("image", "y.png"), "the file before was given up"
        house.client.post(f"/s/{token}/upload", params={"name": "x", "batch": "d", "left": 1}, content=first[1])
        house.client.post(f"/s/{token}/example/lion")
        assert page.receive("opened")["medium"]["kind"] == "image"
        assert leftovers(house, token) == ["medium"]


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [({"max_pictures": 2}, "Up to 2 photos"), ({"max_album_mb": 1}, "more than 1 MB together")],
)
def test_too_many_photos_are_refused_and_removed(limits: dict[str, int], complaint: str) -> None:
    with open_house(**limits) as house:
        token = house.session().token
        large = {name: content + bytes(400_000) for name, content in FILES.items()}
        last = send(house, token, large)[-1]
        assert last.status_code == 400
        assert complaint in last.json()["error"]
        assert leftovers(house, token) == []


def test_photos_that_are_open_count_when_more_are_added() -> None:
    with open_house(max_pictures=3) as house:
        token = house.session().token
        with house.page(token) as page:
            open_album(house, page, token)
            [answer] = send(house, token, {"one more.png": picture_bytes()}, add=1)
            assert "4 photos are too many" in answer.json()["error"]
            assert leftovers(house, token) == ["medium"]


@pytest.mark.parametrize(
    "params", [{"left": "-1"}, {"left": "x"}, {"left": "9" * 9}, {"left": "²"}, {"batch": "x" * 99}]
)
def test_nonsense_about_a_file_is_refused(house: House, params: dict[str, str]) -> None:
    token = house.session().token
    answer = house.client.post(f"/s/{token}/upload", params=params, content=picture_bytes())
    assert (answer.status_code, len(answer.json()["error"]) > 15) == (400, True)
    assert leftovers(house, token) == []


def test_thumbnails_are_as_high_as_asked_for(house: House) -> None:
    token = house.session().token
    files = {
        "high.png": picture_bytes(800, 100),
        "wide.png": picture_bytes(40, 900),
        "large.png": picture_bytes(900, 900),
    }
    with house.page(token) as page:
        version = open_album(house, page, token, files)["version"]

        def get(frame: int, height: str) -> Any:
            return house.client.get(f"/s/{token}/frames/{frame}", params={"v": version, "height": height})

        sizes = [Image.open(BytesIO(get(frame, "72").content)).size for frame in range(3)]
        assert sizes == [(9, 72), (900, 40), (72, 72)]
        assert [get(0, height).status_code for height in ("0", "9999", "x", "²")] == [400] * 4
