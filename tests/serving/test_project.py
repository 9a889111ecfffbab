"""Project files: what they say, in the order in which it happened, and nothing that is damaged."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import BadPrompt
from sam2_core.media import EffectStack, MediaInfo, Provenance, color_of
from sam2_core.serving.edit_log import PromptEntry, RemoveEntry, TrackEntry
from sam2_core.serving.project import project_of, read_project
from sam2_core.types import Box, Mask, Point, Prompt

MEDIUM = {"kind": "clip", "name": "film.mp4", "frames": 10, "height": 48, "width": 64, "fps": 25.0}


def click(frame: int = 0, number: int = 1, x: float = 5) -> dict[str, Any]:
    return {"frame": frame, "object": number, "prompt": {"points": [[x, 6, 1]]}}


def clicked(frame: int = 0, number: int = 1, x: float = 5) -> PromptEntry:
    return PromptEntry(frame, number, Prompt((Point(x, 6),)))


def plain_of(*steps: list[dict[str, Any]], length: int | None = None, **changes: Any) -> dict[str, Any]:
    journal = {
        "steps": [{"entries": entries} for entries in steps],
        "length": len(steps) if length is None else length,
    }
    return {"format": "masklet-project", "version": 1, "medium": MEDIUM, "journal": journal, **changes}


def test_what_was_undone_does_not_count() -> None:
    project = project_of(plain_of([click()], [click(3)], [click(5, number=2)], length=2))
    assert project.entries == (clicked(), clicked(3))
    assert [each.id for each in project.objects] == [1]


def test_what_a_run_found_later_is_told_later() -> None:
    run = [
        {"track": [0, 2, 1], "objects": [1]},
        {"track": [2, 4, 1], "objects": [1], "after": 2},
        {"track": [4, 6, 1], "objects": [1, 2], "after": 3},
    ]
    steps = [[click()], run, [click(3)], [click(4, number=2)]]
    assert project_of(plain_of(*steps)).entries == (
        clicked(), TrackEntry(0, 2, 1, (1,)), clicked(3), TrackEntry(2, 4, 1, (1,)),
        clicked(4, 2), TrackEntry(4, 6, 1, (1, 2)),
    )  # fmt: skip
    # What came after a step that was undone is told where it stands.
    assert project_of(plain_of(*steps, length=3)).entries == (
        clicked(), TrackEntry(0, 2, 1, (1,)), TrackEntry(4, 6, 1, (1, 2)), clicked(3), TrackEntry(2, 4, 1, (1,)),
    )  # fmt: skip


def test_everything_that_can_be_said_is_read() -> None:
    mask = Mask.from_array([[0, 1] * 32] * 48)
    said = {"points": [[5, 6, 1], [7.5, 8, 0]], "boxes": [[1, 2, 3, 4]], "mask": mask.to_coco(), "choice": 2}
    entry = {"frame": 9, "object": 4, "prompt": {**said, "crop": [0, 0, 64, 48]}}
    project = project_of(plain_of([entry], [{"track": [8, -1, -1], "objects": [4]}], [{"forget": 4}]))
    points = (Point(5, 6), Point(7.5, 8, False))
    expected = Prompt(points, (Box(1, 2, 3, 4),), mask, 2, Box(0, 0, 64, 48))
    assert project.entries == (PromptEntry(9, 4, expected), TrackEntry(8, -1, -1, (4,)), RemoveEntry(4))
    assert project.objects == ()


def test_objects_are_called_what_the_user_called_them() -> None:
    traits = [
        {"traits": 1, "set": {"name": "  The \n ball ", "color": "#FF0010", "locked": True}},
        {"traits": 1, "set": {"label": "toy", "place": 9.5}},
        {"traits": 2, "set": {"name": 5, "color": "red", "label": None, "place": "first"}},
        {"traits": 66, "set": {"name": "x" * 100}},
    ]
    second, ball, far = project_of(plain_of([click(), click(number=2), click(number=66)], traits)).objects
    assert (second.id, second.name, second.label, second.color) == (2, "Object 2", "", color_of(2))
    assert (far.id, far.name, far.color) == (66, "x" * 80, color_of(2)), "the page begins its colours again after 64"
    assert (ball.id, ball.name, ball.label, ball.color) == (1, "The ball", "toy", (255, 0, 16))


def drawing_order(*entries: dict[str, Any], **changes: Any) -> list[int]:
    return [each.id for each in project_of(plain_of(list(entries), **changes)).objects]


def test_objects_lie_in_their_places() -> None:
    clicks = [click(number=number) for number in (3, 1, 2)]
    assert drawing_order(*clicks) == [1, 2, 3]
    assert drawing_order(*clicks, {"traits": 1, "set": {"place": 7}}) == [2, 3, 1]
    # Whoever is removed loses the place; whoever has nothing said any more is none.
    assert drawing_order(*clicks, {"traits": 1, "set": {"place": 7}}, {"forget": 1}, click()) == [1, 2, 3]
    assert drawing_order(*clicks, {"frame": 0, "object": 2, "prompt": {}}) == [1, 3]


@pytest.mark.parametrize(
    ("look", "visible"),
    [
        ({}, [1, 2]),
        ({"hidden": [2]}, [1]),
        ({"hidden": [2], "solo": 2}, [2]),
        ({"hidden": [1], "solo": 9}, [2]),  # it is gone, so nothing is looked at alone any more
        ({"hidden": [], "solo": 5}, []),  # the next object to be made, which is selected
    ],
)
def test_what_is_hidden_is_told(look: dict[str, Any], visible: list[int]) -> None:
    project = project_of(plain_of([click(), click(number=2)], look=look, active=5))
    assert [each.id for each in project.visible] == visible
    assert [each.id for each in project.objects] == [1, 2]


def test_the_range_and_the_effects() -> None:
    project = project_of(plain_of([click()], range={"first": 2, "last": 5}, effects=EffectStack.of("blur").to_json()))
    assert (project.frames, project.effects) == (range(2, 6), EffectStack.of("blur"))
    gap = EffectStack.of("blur", "picture").to_json()
    assert project_of(plain_of([click()], effects=gap)).effects == EffectStack.of("blur"), "no picture was chosen yet"
    bare = project_of(plain_of([click()], range=None, later="unknown"))
    assert (bare.frames, bare.effects) == (None, None)


def test_whether_it_is_about_this() -> None:
    medium = project_of(plain_of([click()])).medium
    assert medium.agrees(MediaInfo("clip", "renamed.mp4", 10, 48, 64, 48, 64, fps=30))
    assert not medium.agrees(MediaInfo("clip", "film.mp4", 11, 48, 64, 48, 64))
    assert not medium.agrees(MediaInfo("clip", "film.mp4", 10, 64, 48, 64, 48))
    sizes = [[48, 64], [20, 30]]
    album = {**MEDIUM, "kind": "album", "frames": 2, "sizes": sizes, "names": ["a.png", "b.png"]}
    photos = project_of(plain_of([click()], medium=album)).medium
    same = MediaInfo("album", "x", 2, 48, 64, 48, 64, sizes=((48, 64), (20, 30)), names=("c.png", "d.png"))
    assert photos.agrees(same)
    assert photos.size_of(1) == (20, 30)


MASK = Mask.from_array([[1] * 64] * 48).to_coco()
DAMAGES: dict[str, list[Any]] = {
    "medium": [None, {}, {**MEDIUM, "kind": "film"}, {**MEDIUM, "frames": 0}, {**MEDIUM, "frames": True},
               {**MEDIUM, "height": 1.5}, {**MEDIUM, "name": 5}, {**MEDIUM, "kind": "album"},
               {**MEDIUM, "kind": "album", "frames": 1, "sizes": [[1]], "names": ["a"]},
               {**MEDIUM, "kind": "album", "frames": 1, "sizes": [[48, 64]], "names": [5]}],
    "journal": [None, {}, {"steps": {}, "length": 0}, {"steps": [], "length": 1}, {"steps": [], "length": -1},
                {"steps": [5], "length": 1}, {"steps": [{"entries": 5}], "length": 1},
                {"steps": [{"entries": [{}] * 20_001}], "length": 1}],
    "look": [None, {"hidden": 5}, {"hidden": ["1"]}, {"solo": 0}],
    "range": [5, {}, {"first": 3, "last": 2}, {"first": 0, "last": 10}],
    "effects": [5, {"layers": [{"effect": "magic"}]}],
    "version": [None, 2, "1", True],
}  # fmt: skip
WRONG_ENTRIES: list[Any] = [
    None, 5, {}, {"forget": 0}, {"forget": "1"}, {"traits": -1, "set": {}},
    {**click(), "frame": 10}, {**click(), "frame": -1}, {**click(), "object": 0}, {**click(), "object": 1.5},
    {**click(), "prompt": None}, {**click(), "prompt": {"points": 5}}, {**click(), "prompt": {"points": [[1, 2]]}},
    {**click(), "prompt": {"points": [[65, 2, 1]]}}, {**click(), "prompt": {"points": [["1", 2, 1]]}},
    {**click(), "prompt": {"points": [[1, 2, 1]] * 257}}, {**click(), "prompt": {"boxes": [[1, 2, 3]]}},
    {**click(), "prompt": {"boxes": [[1, 2, 3, 49]]}}, {**click(), "prompt": {"boxes": [[1, 2, 3, 4]] * 65}},
    {**click(), "prompt": {"choice": 4}}, {**click(), "prompt": {"crop": [0, 0, 99, 9]}},
    {**click(), "prompt": {"mask": {**MASK, "size": [64, 48]}}}, {**click(), "prompt": {"mask": 5}},
    *({**click(), "prompt": {"mask": {**MASK, "counts": counts}}} for counts in ([1], "05", "0" * 500_001)),
    {"track": [0, 4], "objects": [1]}, {"track": [0, 4, 2], "objects": [1]}, {"track": [4, 0, 1], "objects": [1]},
    {"track": [0, 11, 1], "objects": [1]}, {"track": [10, 5, -1], "objects": [1]}, {"track": [0, 4, 1]},
    {"track": [0, 4, 1], "objects": [0]}, {"track": [0, 4, 1], "objects": [1] * 1001},
    {"track": [0, 4.5, 1], "objects": []},
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in DAMAGES.items() for value in values])
def test_a_damaged_file_is_refused(name: str, value: Any) -> None:
    assert project_of(plain_of([click()])).objects
    with pytest.raises(BadPrompt):
        project_of(plain_of([click()], **{name: value}))


@pytest.mark.parametrize("entry", WRONG_ENTRIES)
def test_a_wrong_entry_is_refused(entry: Any) -> None:
    with pytest.raises(BadPrompt):
        project_of(plain_of([click()], [entry]))


@pytest.mark.parametrize("entry", WRONG_ENTRIES)
def test_a_wrong_entry_is_refused_although_it_was_undone(entry: Any) -> None:
    with pytest.raises(BadPrompt):
        project_of(plain_of([click()], [entry], length=1))


@pytest.mark.parametrize(
    "text", ["", "[]", "5", "{", '{"format": "else"}', "[" * 100_000, '{"format": NaN}', '"\\ud800"']
)
def test_something_else_is_no_project(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text, "utf-8")
    with pytest.raises(BadPrompt, match=r"x\.json is not a project file"):
        read_project(tmp_path / "x.json")


def test_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = plain_of([click()])
    before = copy.deepcopy(plain)
    (tmp_path / "film.masklet.json").write_text(json.dumps(plain), "utf-8")
    assert read_project(tmp_path / "film.masklet.json") == project_of(plain)
    assert plain == before
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadPrompt, match="not a project file"):
        read_project(tmp_path / "x.json")
    monkeypatch.setattr("sam2_core.serving.project.MAX_FILE_BYTES", 10)
    with pytest.raises(BadPrompt, match="too large"):
        read_project(tmp_path / "film.masklet.json")


def test_how_masks_were_made_is_kept_as_far_as_it_is_valid() -> None:
    made = {"stage": "semi-automatic", "source": "confirmed", "seconds": 2.5, "predicted_iou": 0.9, "rating": "good"}
    traits = [
        {"traits": 1, "set": {**made, "stability_score": 7}},
        {"traits": 2, "set": {"source": [], "seconds": -1, "rating": "splendid"}},
    ]
    first, second = project_of(plain_of([click(), click(number=2)], traits)).objects
    assert first.provenance == Provenance(**made)
    assert second.provenance == Provenance()
