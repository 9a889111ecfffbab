"""Files of visitors that are read by processes of their own, as a server does by default."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.media import stand_in_decoders
from tests.media.numbered import make_clip
from tests.media.test_decoders import is_alive, wait_for_end
from tests.ui.house import House, open_house, picture_bytes
from tests.ui.page.test_imports import coco

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
OBJECT = {"id": 1, "name": "Cat", "color": [1, 2, 3]}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """It lasts for all tests: a process takes a second to start."""
    with open_house(decode_seconds=300) as house:
        house.services.decoders.start()
        yield house
        former = house.services.decoders.process_ids
    assert former
    assert not any(map(is_alive, former))


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if "backdrops" not in str(path) and path.name != "downloads")


def test_uploads_of_all_kinds_are_read(house: House, tmp_path: Path) -> None:
    session = house.session()
    clip = make_clip(tmp_path / "clip.mp4", frames=6).read_bytes()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        assert page.receive("opened")["medium"]["kind"] == "image"
        house.client.post(f"/s/{session.token}/upload", params={"name": "b.png", "add": 1}, content=picture_bytes())
        assert page.receive("opened")["medium"]["frames"] == 2
        for content, left in ((picture_bytes(), 1), (b"no picture", 0)):
            query = {"name": f"{left}.png", "batch": "x", "left": left}
            house.client.post(f"/s/{session.token}/upload", params=query, content=content)
        assert [each["name"] for each in page.receive("opened")["skipped"]] == ["0.png"]
        house.upload(session.token, clip, "clip.mp4")
        assert page.receive("progress", job="ingest", message="Ready")["fraction"] == 1
        assert page.receive("opened")["medium"]["frames"] == 6
        answer = house.client.post(f"/s/{session.token}/import", content=coco(1, 4))
        assert [each["frame"] for each in answer.json()["entries"]] == [1, 4]
        refused = house.client.post(f"/s/{session.token}/import", content=b"?")
        assert "no annotations" in refused.json()["error"]
        backdrop = house.client.post(f"/s/{session.token}/backdrop", content=picture_bytes())
        assert len(backdrop.json()["name"]) == 32
        refused = house.client.post(f"/s/{session.token}/backdrop", content=b"no picture")
        assert "damaged" in refused.json()["error"] or "picture" in refused.json()["error"]
        house.upload(session.token, b"no picture")
        assert "neither a picture nor a clip" in page.receive("error")["text"]
        assert len(house.services.decoders.process_ids) == 1, "one process did all of this"
    house.call(house.sessions.close, session)


def test_a_file_that_lets_the_decoder_crash_leaves_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = house.session()
    with house.page(session.token) as page:
        with monkeypatch.context() as patch:
            patch.setattr("ui.files.read_files", stand_in_decoders.crash_reading)
            house.upload(session.token, picture_bytes())
            assert "decoder crash" in page.receive("error", job="ingest")["text"]
        assert left_behind(session.folder) == []
        house.upload(session.token, picture_bytes())
        page.receive("opened")
    house.call(house.sessions.close, session)


@pytest.mark.parametrize("how", ["cancelled", "closed"])
def test_giving_up_ends_the_process_at_once(house: House, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.files.read_files", stand_in_decoders.hang_writing)
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        processes = list(map(int, page.receive("progress", job="ingest", fraction=0.5)["message"].split()))
        assert "half" in left_behind(session.folder)
        if how == "cancelled":
            page.send("cancel", job="ingest")
            for process in processes:
                wait_for_end(process)
            page.send("ping")
        else:
            house.call(house.sessions.close, session)
            assert not session.folder.exists()
            assert not is_alive(processes[0])
    if how == "cancelled":
        house.call(house.sessions.close, session)
    assert not session.folder.exists()


def test_exports_and_the_sound_are_made_by_these_processes(house: House, tmp_path: Path) -> None:
    session = house.session()
    clip = make_clip(tmp_path / "clip.mp4", frames=6, sound=("-c:a", "aac", "-shortest"))
    former = house.services.decoders.process_ids
    with house.page(session.token) as page, pytest.MonkeyPatch.context() as patch:
        for module in ("sam2_core.media.source_frames", "sam2_core.media.rendering.audio"):
            patch.setattr(f"{module}.Ffmpeg", None)  # of this process
        house.upload(session.token, clip.read_bytes(), "clip.mp4")
        version = page.receive("opened")["version"]
        page.send("export", format="mp4", objects=[OBJECT])
        done = page.receive("done", "error", job="export")
        assert house.client.get(f"/s/{session.token}/{done['url']}").content[4:8] == b"ftyp"
        sound = house.client.get(f"/s/{session.token}/sound", params={"v": version})
        assert sound.content[4:8] == b"ftyp"
        assert house.services.decoders.process_ids == former
    house.call(house.sessions.close, session)


def test_an_export_ends_with_a_sentence_and_the_server_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        page.receive("opened")
        (source,) = session.folder.rglob("source")
        with monkeypatch.context() as patch:
            patch.setattr("sam2_core.media.source_frames._write_frames", stand_in_decoders.crash_after_a_frame)
            page.send("export", format="png", objects=[OBJECT])
            assert "decoder crash" in page.receive("done", "error", job="export")["text"]
        source.write_bytes(picture_bytes()[:60])
        page.send("export", format="png", objects=[OBJECT])
        assert "damaged" in page.receive("done", "error", job="export")["text"]
        source.write_bytes(picture_bytes())
        page.send("export", format="png", objects=[OBJECT])
        assert page.receive("done", "error", job="export")["name"].endswith(".png")
        assert not list(session.folder.rglob(".frames-*"))
    house.call(house.sessions.close, session)


def test_giving_up_an_export_ends_the_process(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = house.session()
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        page.receive("opened")
        [process] = house.services.decoders.process_ids
        monkeypatch.setattr("sam2_core.media.source_frames._write_frames", stand_in_decoders.hang_after_a_frame)
        page.send("export", format="png", objects=[OBJECT])
        for _ in range(3):  # the same again, while it waits
            page.receive("progress", job="export")
        page.send("cancel", job="export")
        wait_for_end(process)
    house.call(house.sessions.close, session)
    assert not session.folder.exists()
