from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media import ImportedAnnotations, ImportedMask, SkippedItem
from sam2_core.media.readers.frame_matching import NameMatch
from sam2_core.serving.local import EngineLimits
from sam2_core.types import Box, Mask, Prompt
from tests.media.numbered import make_clip
from tests.media.readers.media import CLIP, rle, square
from tests.ui.house import House, open_house, picture_bytes
from ui.page.imports import MAX_MATCHES, MAX_PROMPTS, ImportOptions, propose, read_import_options
from ui.protocol import MAX_REQUEST_CHARACTERS, Bounds, parse_request
from ui.sessions import Session

ROOMY = ImportOptions(boxes=False, objects=100, prompts=1000, characters=10**6)


def found(frames: Sequence[int], track: int = 1, name: str = "", label: str = "") -> tuple[ImportedMask, ...]:
    mask = Mask.from_array(square(3, 4))
    return tuple(ImportedMask(frame, track, name, label, mask, None) for frame in frames)


def coco(*frames: int, size: tuple[int, int] = (64, 96)) -> bytes:
    """A square of one object on these frames of a clip."""
    images = [{"id": frame, "file_name": f"{frame:05d}.jpg", "frame_index": frame} for frame in frames]
    mask = rle(square(10, 20, side=8, size=size))
    annotations = [{"image_id": frame, "segmentation": mask, "track_id": 3, "category_id": 1} for frame in frames]
    categories = [{"id": 1, "name": "cat"}]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()


# --- what is proposed ---


def test_the_pictures_that_names_stand_for_are_listed_guesses_first() -> None:
    matches = (NameMatch("1.png", 1, "number"), NameMatch("", 0, "order"))
    answer = propose(ImportedAnnotations(found([0, 1]), (), (), matches), CLIP, ROOMY)
    assert answer["matches"] == [
        {"name": "", "frame": 0, "guess": True},
        {"name": "1.png", "frame": 1, "guess": False},
    ]
    assert answer["matched"] == 2
    many = tuple(NameMatch(f"{number}.png", number, "number") for number in range(MAX_MATCHES + 5))
    answer = propose(ImportedAnnotations(found([0]), (), (), many), CLIP, ROOMY)
    assert (len(answer["matches"]), answer["matched"]) == (MAX_MATCHES, MAX_MATCHES + 5)


def test_masks_or_the_boxes_around_them() -> None:
    read = ImportedAnnotations(
        (*found([2], name="Tom", label="cat"), ImportedMask(3, 2, "Object 2", "", None, Box(1, 2, 3, 4))), ()
    )
    masks = propose(read, CLIP, ROOMY)
    assert masks["objects"] == [{"id": 1, "name": "Tom", "label": "cat"}, {"id": 2, "name": "", "label": ""}]
    assert masks["entries"] == [
        {"frame": 2, "object": 1, "prompt": {"mask": rle(square(3, 4))}},
        {"frame": 3, "object": 2, "prompt": {"boxes": [[1, 2, 3, 4]]}},
    ]
    assert [masks[name] for name in ("frames", "of", "every", "boxes", "skipped")] == [2, 10, 1, 1, []]
    boxes = propose(read, CLIP, ImportOptions(True, 100, 1000, 10**6))
    assert [Prompt.from_json(each["prompt"]).boxes for each in boxes["entries"]] == [
        (Box(3, 4, 8, 9),),
        (Box(1, 2, 3, 4),),
    ]
    json.dumps([masks, boxes])


def test_where_there_is_little_room_every_nth_mask_of_each_object_is_taken() -> None:
    read = ImportedAnnotations((*found(range(10)), *found([5, 7], track=2)), ())
    proposed = propose(read, CLIP, ImportOptions(False, 100, 5, 10**6))
    taken = [(each["frame"], each["object"]) for each in proposed["entries"]]
    assert (taken, proposed["every"]) == ([(0, 1), (3, 1), (6, 1), (9, 1), (5, 2)], 3)
    assert proposed["frames"] == 10
    few = propose(read, CLIP, ImportOptions(False, 100, 1000, 5 * len(json.dumps(proposed["entries"][0]))))
    assert 1 < few["every"] <= 4
    assert len(json.dumps(few["entries"])) <= 5 * len(json.dumps(proposed["entries"][0]))


def test_objects_on_few_frames_go_first() -> None:
    read = ImportedAnnotations((*found([0], track=1), *found([0, 1], track=2), *found([3, 4, 5], track=3)), ())
    proposed = propose(read, CLIP, ImportOptions(False, 2, 1000, 10**6))
    assert {each["frame"] for each in proposed["entries"]} == {0, 1, 3, 4, 5}
    assert [each["id"] for each in proposed["objects"]] == [1, 2]
    [skipped] = proposed["skipped"]
    assert (skipped["count"], skipped["reason"]) == (
        1,
        "There is room for 2 more objects. Those on the fewest frames are left out.",
    )


def test_where_not_even_one_mask_of_each_object_fits_some_are_left_out() -> None:
    read = ImportedAnnotations(
        tuple(one for track in range(1, 6) for one in found([0, 1], track)), (SkippedItem(1, "Why.", ()),)
    )
    proposed = propose(read, CLIP, ImportOptions(False, 100, 3, 10**6))
    assert (len(proposed["entries"]), len(proposed["objects"])) == (3, 3)
    assert [each["count"] for each in proposed["skipped"]] == [1, 2]
    for request in (
        ImportOptions(False, 100, 0, 10**6),
        ImportOptions(False, 100, 9, 5),
        ImportOptions(False, 0, 9, 10**6),
    ):
        with pytest.raises(MediaError, match=r"room for"):
            propose(read, CLIP, request)


def test_masks_that_are_too_intricate_are_left_out() -> None:
    noise = Mask.from_array(np.random.default_rng(0).integers(0, 2, (1500, 1500)))
    read = ImportedAnnotations((*found([0]), ImportedMask(1, 1, "", "", noise, None)), ())
    proposed = propose(read, CLIP, ROOMY)
    assert len(proposed["entries"]) == 1
    assert "too intricate" in proposed["skipped"][0]["reason"]


def test_the_wish_of_an_address() -> None:
    assert read_import_options({}) == ImportOptions(False, 1000, MAX_PROMPTS, MAX_REQUEST_CHARACTERS)
    assert read_import_options({"as": "boxes", "objects": "5", "prompts": "99999999"}) == ImportOptions(
        True, 5, MAX_PROMPTS, MAX_REQUEST_CHARACTERS
    )
    for query in ({"as": "points"}, {"objects": "-1"}, {"prompts": "1e3"}, {"characters": "²"}, {"objects": "9" * 20}):
        with pytest.raises(BadPrompt):
            read_import_options(query)
    assert EngineLimits().max_prompts == MAX_PROMPTS


# --- over the wire ---


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=12).read_bytes()


def send(house: House, token: str, content: bytes, **query: str) -> Any:
    return house.client.post(f"/s/{token}/import", params=query, content=content)


def kept(session: Session) -> list[Path]:
    return list(session.folder.rglob("incoming-*"))


def test_a_file_is_read_and_not_kept(house: House, clip: bytes) -> None:
    session = house.session()
    token = session.token
    with house.page(token) as page:
        assert "Open the picture or clip first" in send(house, token, coco(1)).json()["error"]
        house.upload(token, clip, "clip.mp4")
        page.receive("opened")
        answer = send(house, token, coco(1, 4), name="../../x.json")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert told["objects"] == [{"id": 1, "name": "", "label": "cat"}]
        assert [(each["frame"], each["object"]) for each in told["entries"]] == [(1, 1), (4, 1)]
        boxes = send(house, token, coco(1), **{"as": "boxes"}).json()["entries"]
        assert boxes == [{"frame": 1, "object": 1, "prompt": {"boxes": [[10, 20, 18, 28]]}}]
        for content, words in ((coco(1, size=(9, 9)), "9 × 9 pixels"), (b"?", "no annotations"), (b"", "is empty")):
            refused = send(house, token, content)
            assert refused.status_code == 400
            assert words in refused.json()["error"]
        assert send(house, token, coco(1), prompts="many").status_code == 400
        assert send(house, "nobody", coco(1)).status_code == 404
        assert kept(session) == []
        page.send("get_masks", first=0, last=3)
        assert page.receive("masks", frame=1)["objects"] == [], "nothing is said yet"


def test_a_file_that_is_too_large_is_refused(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.page.routes.MAX_FILE", 2_000_000)
    session = house.session()
    token = session.token
    with house.page(token) as page:
        house.upload(token, picture_bytes())
        page.receive("opened")
        assert "larger than 2 MB" in send(house, token, b" " * 2_000_001).json()["error"]
        assert kept(session) == []


def test_reading_can_be_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = house.session()

    def work(file: Path, info: Any, options: ImportOptions, report: Any) -> dict[str, Any]:
        house.call(session.client.handle, '{"t": "cancel", "job": "import"}')
        report(0.5, "Reading the annotations")
        return {}

    monkeypatch.setattr("ui.page.connection.read_and_propose", work)
    with house.page(session.token) as page:
        house.upload(session.token, picture_bytes())
        page.receive("opened")
        refused = send(house, session.token, b"x")
        assert (refused.status_code, refused.json()["error"]) == (400, "The import was given up.")
        assert kept(session) == []
        assert not session.is_busy


def test_many_prompts_come_to_one_on_each_frame(house: House, clip: bytes) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, clip, "clip.mp4")
        version = page.receive("opened")["version"]
        page.send("set_prompt", seq=1, frame=5, object=1, prompt={"points": [[20, 24, 1]]})
        page.receive("masks", seq=1)
        page.send("track", run=1, direction="both", frame=5)
        page.receive("done", job="track")
        mask = {"mask": rle(square(10, 20, side=8, size=(64, 96)))}
        entries = [{"frame": frame, "object": number, "prompt": mask} for frame in (2, 3) for number in (2, 3)]
        house.engine.calls.clear()
        page.send("edit_log", seq=2, entries=entries, more=True)
        assert page.receive("done", job="replay") == {"t": "done", "job": "replay", "seq": 2, "stopped": False}
        assert page.receive("stale")["version"] == version
        assert [call for call in house.engine.calls if call in ("open", "Track", "SetPrompt")] == ["SetPrompt"] * 4
        page.send("get_masks", first=2, last=2)
        told = page.receive("masks", frame=2)["objects"]
        assert [(each["id"], each["area"]) for each in told][1:] == [(2, 64), (3, 64)]
        page.send("edit_log", seq=3, entries=[{"forget": 2}, {"forget": 3}], more=True)
        page.receive("done", job="replay", seq=3)
        page.send("get_masks", first=2, last=2)
        assert [each["id"] for each in page.receive("masks", frame=2)["objects"]] == [1]


def test_many_prompts_survive_a_lost_session(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes())
        page.receive("opened")
        page.send("set_prompt", seq=1, frame=0, object=1, prompt={"points": [[20, 24, 1]]})
        page.receive("masks", seq=1)
        house.engine.sessions.clear()
        more = [{"frame": 0, "object": 2, "prompt": {"boxes": [[1, 2, 30, 40]]}}]
        page.send("edit_log", seq=2, entries=more, more=True)
        page.receive("done", job="replay", seq=2)
        page.send("get_masks", first=0, last=0)
        assert [each["id"] for each in page.receive("masks")["objects"]] == [1, 2]


def test_too_many_objects_are_refused_as_a_whole(clip: bytes) -> None:
    with open_house(max_objects=2) as house:
        token = house.session().token
        with house.page(token) as page:
            house.upload(token, clip, "clip.mp4")
            page.receive("opened")
            box = {"boxes": [[1, 2, 30, 40]]}
            entries = [{"frame": 0, "object": number, "prompt": box} for number in (1, 2, 3)]
            page.send("edit_log", seq=1, entries=entries, more=True)
            error = page.receive("error")
            assert (error["job"], error["seq"]) == ("replay", 1)
            assert "At most 2 objects" in error["text"]
            assert "SetPrompt" not in house.engine.calls


def test_more_is_yes_or_no() -> None:
    with pytest.raises(BadPrompt, match="true or false"):
        parse_request(json.dumps({"t": "edit_log", "seq": 1, "entries": [], "more": 1}), Bounds(1, 2, 3, 4, 5))
