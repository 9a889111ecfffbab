from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import BadPrompt
from sam2_core.media import ObjectTraits
from sam2_core.types import Box, Mask, Point, Prompt, PromptEntry, RemoveEntry, TrackEntry
from ui.reading import MAX_MASK, MAX_MESSAGE, is_hover, parse, subject
from ui.wire import (
    Bounds,
    Cancel,
    Choose,
    Export,
    Forget,
    Hover,
    ListModels,
    Retell,
    Say,
    Show,
    Stop,
    Track,
    Untrack,
)

BOUNDS = Bounds(frames=10, height=48, width=64, max_objects=3, max_points=4)
MASK = Mask.from_array(np.tri(48, 64))


def read(**message: Any) -> Any:
    return parse(json.dumps(message), BOUNDS)


def test_every_message_is_read() -> None:
    said = read(
        t="prompt", seq=1, frame=2, object=3, prompt={"points": [[1, 2, 1], [3.5, 4, 0]], "boxes": [[0, 0, 64, 48]]}
    )
    assert said == Say(1, 2, 3, Prompt((Point(1, 2), Point(3.5, 4, False)), (Box(0, 0, 64, 48),)))
    assert read(t="prompt", seq=1, frame=0, object=1, prompt={}).prompt.is_empty
    crop = {"points": [[1, 2, 1]], "choice": 2, "crop": [0, 4, 20, 48]}
    assert read(t="hover", seq=4, frame=2, object=3, prompt=crop) == Hover(
        4, 2, 3, Prompt((Point(1, 2),), choice=2, crop=Box(0, 4, 20, 48))
    )
    assert read(t="forget", seq=2, object=1) == Forget(2, 1)
    assert read(t="track", run=7, direction="both", frame=9) == Track(7, "both", 9, 0, 9, pause=False)
    track = read(t="track", run=7, direction="update", frame=9, first=2, last=5, pause=True)
    assert track == Track(7, "update", 9, 2, 5, pause=True)
    assert read(t="untrack", seq=3, frames=[2, 4], objects=[1, 2]) == Untrack(3, range(2, 5), (1, 2))
    assert read(t="stop") == Stop()
    assert read(t="masks", first=3, last=5) == Show(range(3, 6))
    assert read(t="cancel", job="export") == Cancel("export")
    assert read(t="cancel", job="model") == Cancel("model")
    assert read(t="model", name="nano") == parse('{"t": "model", "name": "nano"}', None) == Choose("nano")
    assert read(t="models") == parse('{"t": "models"}', None) == ListModels()
    export = read(t="export", kind="coco", objects=[{"id": 1, "name": "x" * 500, "color": [0, 128, 255]}])
    assert isinstance(export, Export)
    assert (export.objects[0].color, len(export.objects[0].name)) == ((0, 128, 255), 80)
    assert export.objects[0].label == "", "a label may be missing"
    named = {"id": 7, "name": " a\n b ", "label": "y" * 500, "color": [0, 0, 0]}
    export = read(t="export", kind="coco", objects=[named])
    assert export.objects == (ObjectTraits(7, "a b", "y" * 80, (0, 0, 0)),)
    entries = [
        {"frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]]}},
        {"track": [0, 10, 1], "objects": [1]},
        {"forget": 1},
    ]
    told = read(t="journal", entries=entries)
    assert told == Retell((PromptEntry(0, 1, Prompt((Point(1, 1),))), TrackEntry(0, 10, 1, (1,)), RemoveEntry(1)))
    assert read(t="journal", seq=5, entries=[]) == Retell((), 5)
    assert read(t="cancel", job="replay") == Cancel("replay")


def test_masks_are_read_in_prompts_and_journals() -> None:
    said = {"mask": MASK.to_coco(), "boxes": [[1, 1, 5, 5], [2, 2, 9, 9]], "points": [[1, 1, 1]]}
    prompt = Prompt((Point(1, 1),), (Box(1, 1, 5, 5), Box(2, 2, 9, 9)), MASK)
    assert read(t="prompt", seq=1, frame=0, object=1, prompt=said).prompt == prompt
    told = read(t="journal", entries=[{"frame": 3, "object": 1, "prompt": said}, {"track": [3, 10, 1]}])
    assert told == Retell((PromptEntry(3, 1, prompt), TrackEntry(3, 10, 1)))


@pytest.mark.parametrize("wrap", ["prompt", "journal"])
@pytest.mark.parametrize(
    "mask",
    [
        7,
        {},
        {"size": [48, 64]},
        {"size": [64, 48], "counts": MASK.to_coco()["counts"]},
        {"size": [48, 65], "counts": MASK.to_coco()["counts"]},
        {"size": [48, 64], "counts": "0"},
        {"size": [48, 64], "counts": ""},
        {"size": [48, 64], "counts": [1, 48 * 64 - 1]},
        {"size": [48, 64], "counts": "0" * (MAX_MASK + 1)},
        {"size": [10**9, 10**9], "counts": "0"},
    ],
    ids=range(10),
)
def test_a_mask_of_another_kind_or_size_is_refused(mask: Any, wrap: str) -> None:
    about = {"frame": 0, "object": 1, "prompt": {"mask": mask}}
    with pytest.raises(BadPrompt):
        read(t="journal", entries=[about]) if wrap == "journal" else read(t="prompt", seq=1, **about)


def test_each_photo_of_an_album_has_bounds_of_its_own() -> None:
    album = Bounds(frames=2, height=90, width=64, max_objects=3, max_points=4, sizes=((48, 64), (90, 40)))
    prompts: list[dict[str, Any]] = [
        {"points": [[30, 80, 1]]},
        {"mask": Mask.from_array(np.ones((90, 40))).to_coco()},
        {"boxes": [[0, 50, 40, 90]]},
    ]
    for prompt in prompts:
        entry = {"frame": 1, "object": 1, "prompt": prompt}
        assert parse(json.dumps({"t": "prompt", "seq": 1, **entry}), album)
        assert parse(json.dumps({"t": "journal", "entries": [entry]}), album)
        elsewhere = entry | {"frame": 0}
        for message in ({"t": "prompt", "seq": 1, **elsewhere}, {"t": "journal", "entries": [elsewhere]}):
            with pytest.raises(BadPrompt):
                parse(json.dumps(message), album)


def test_only_so_many_masks_are_sent_at_once() -> None:
    huge = Bounds(frames=100_000, height=4, width=4, max_objects=1, max_points=1)
    assert len(parse('{"t": "masks", "first": 0, "last": 99999}', huge).frames) == 64  # type: ignore[union-attr]


NAN, INFINITE = float("nan"), float("inf")
WILD = (10**400, -(10**400), -1, 0.5, 1e308, NAN, INFINITE, None, True, "x", "", "\ud800", [], [[]], {}, {"t": 1})


def wild(said: Any) -> Iterator[Any]:
    """The same message with each of its values in turn replaced by something wild."""
    places = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for place, value in places:
        for other in (*WILD, *wild(value)):
            changed = said.copy()
            changed[place] = other
            yield changed


def is_read(message: Any) -> bool:
    try:
        parse(json.dumps(message), BOUNDS)
    except BadPrompt:
        return False
    return True


def test_whatever_stands_in_a_message_it_is_read_or_refused() -> None:
    said = {"points": [[1, 2, 1]], "boxes": [[0, 0, 9, 9]], "mask": MASK.to_coco(), "choice": 1, "crop": [0, 0, 9, 9]}
    look = {"layers": [{"effect": "text", "text": "a", "size": 20}, {"effect": "glow", "size": 9}], "feather": 1}
    named = {"id": 1, "name": "a", "label": "b", "color": [1, 2, 3]}
    entries = [{"frame": 0, "object": 1, "prompt": said}, {"track": [0, 9, 1], "objects": [1]}, {"forget": 1}]
    messages: list[dict[str, Any]] = [
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": said},
        {"t": "track", "run": 1, "direction": "both", "frame": 0, "first": 0, "last": 9, "pause": False},
        {"t": "untrack", "seq": 1, "frames": [0, 1], "objects": [1]},
        {"t": "masks", "first": 0, "last": 9, "seq": 1},
        {"t": "export", "kind": "coco", "look": look, "objects": [named], "every": 1, "largest_side": 9},
        {"t": "journal", "seq": 1, "entries": entries, "more": True},
    ]
    assert all(is_read(message) for message in messages)
    answers = [is_read(changed) for message in messages for changed in wild(message)]
    assert answers.count(False) > 500


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"t": "shutdown"},
        {"t": ["prompt"]},
        {"t": "prompt", "seq": 1, "frame": 10, "object": 1, "prompt": {}},
        {"t": "prompt", "seq": 1, "frame": -1, "object": 1, "prompt": {}},
        {"t": "prompt", "seq": 1, "frame": 0.5, "object": 1, "prompt": {}},
        {"t": "prompt", "seq": 1, "frame": True, "object": 1, "prompt": {}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 0, "prompt": {}},
        {"t": "prompt", "seq": -1, "frame": 0, "object": 1, "prompt": {}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": []},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 2]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [["evil", 2, 1]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[65, 2, 1]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[NAN, 2, 1]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, INFINITE, 1]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]] * 5}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": 5}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[5, 5, 5, 9]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[9, 5, 5, 9]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, 65, 9]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, 9]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]], "choice": 9}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, 9, 9]] * 17}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, NAN, 9]]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]], "crop": [5, 5, 5, 9]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"crop": [0, 0, 65, 9]}},
        {"t": "prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"crop": [0, NAN, 9, 9]}},
        {"t": "hover", "seq": 1, "frame": 10, "object": 1, "prompt": {}},
        {"t": "hover", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[65, 2, 1]]}},
        {"t": "forget", "seq": 1},
        {"t": "model"},
        {"t": "model", "name": ["nano"]},
        {"t": "model", "name": "n" * 81},
        {"t": "track", "run": 1, "direction": "up", "frame": 0},
        {"t": "track", "run": 1, "direction": ["both"], "frame": 0},
        {"t": "track", "run": 1, "direction": "both", "frame": 0, "first": -1},
        {"t": "track", "run": 1, "direction": "both", "frame": 0, "last": 10},
        {"t": "track", "run": 1, "direction": "both", "frame": 0, "first": 5, "last": 4},
        {"t": "track", "run": 1, "direction": "both", "frame": 0, "pause": 1},
        {"t": "untrack", "seq": 1, "frames": [0, 10], "objects": [1]},
        {"t": "untrack", "seq": 1, "frames": [0], "objects": [1]},
        {"t": "untrack", "seq": 1, "frames": 3, "objects": [1]},
        {"t": "untrack", "seq": 1, "frames": [0, 1], "objects": [0]},
        {"t": "untrack", "seq": 1, "frames": [0, 1], "objects": [1] * 1001},
        {"t": "untrack", "seq": 1, "frames": [0, 1]},
        {"t": "untrack", "frames": [0, 1], "objects": [1]},
        {"t": "masks", "first": 0, "last": 99},
        {"t": "cancel", "job": "everything"},
        {"t": "journal", "seq": "5", "entries": []},
        {"t": "journal", "seq": -5, "entries": []},
        {"t": "export", "kind": "masks", "objects": []},
        {"t": "export", "kind": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}] * 4},
        {"t": "export", "kind": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}] * 2},
        {"t": "export", "kind": "masks", "objects": [5]},
        {"t": "export", "kind": "masks", "objects": [{"id": 10**9, "name": "", "color": [0, 0, 0]}]},
        {"t": "export", "kind": "masks", "objects": [{"id": 1, "name": [[]], "color": [0, 0, 0]}]},
        {"t": "export", "kind": "masks", "objects": [{"id": 1, "name": "", "color": [0.5, 0, 0]}]},
        {"t": "export", "kind": "exe", "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}]},
        {"t": "export", "kind": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0, 256]}]},
        {"t": "export", "kind": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0]}]},
        {
            "t": "export",
            "kind": "masks",
            "look": {"feather": 99},
            "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}],
        },
        {"t": "export", "kind": "masks", "first": 3, "last": 2, "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}]},
        {"t": "journal", "entries": 5},
        {"t": "journal", "entries": [{"something": 1}]},
        {"t": "journal", "entries": [{"frame": 99, "object": 1, "prompt": {}}]},
        {"t": "journal", "entries": [{"frame": 0, "object": 10**9, "prompt": {}}]},
        {"t": "journal", "entries": [{"track": [0, 10**9, 1]}]},
        {"t": "journal", "entries": [{"track": [0, 10, 0]}]},
        {"t": "journal", "entries": [{"track": [0, 10, 1], "objects": "x"}]},
        {"t": "journal", "entries": [{"track": [0, 10, 1], "objects": [1] * 1001}]},
        {"t": "journal", "entries": [{"forget": 1}] * 20_001},
    ],
)
def test_nonsense_is_refused_in_words(message: dict[str, Any]) -> None:
    with pytest.raises(BadPrompt) as refused:
        read(**message)
    assert len(str(refused.value)) > 15


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "5", '"prompt"', "[" * 100_000, "x" * (MAX_MESSAGE + 1)])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(BadPrompt):
        parse(text, BOUNDS)


def test_without_a_medium_only_a_job_can_be_cancelled() -> None:
    assert parse('{"t": "cancel", "job": "ingest"}', None) == Cancel("ingest")
    with pytest.raises(BadPrompt, match="Open a picture"):
        parse('{"t": "stop"}', None)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"t": "prompt", "seq": 5, "frame": 99}, {"seq": 5}),
        ({"t": "forget", "seq": 6}, {"seq": 6}),
        ({"t": "untrack", "seq": 8}, {"seq": 8}),
        ({"t": "track", "run": 7}, {"job": "track", "run": 7}),
        ({"t": "export"}, {"job": "export"}),
        ({"t": "masks"}, {}),
        ({"t": "prompt", "seq": "x"}, {}),
        ({"t": ["prompt"]}, {}),
        ([], {}),
        (None, {}),
    ],
)
def test_a_refusal_names_what_it_is_about(message: object, named: dict[str, object]) -> None:
    assert subject(json.dumps(message)) == named


def test_a_refusal_of_garbage_names_nothing() -> None:
    assert subject("[" * 100_000) == {}
    assert subject("\x00") == {}


@pytest.mark.parametrize("text", ['{"t":"hover","seq":1}', '{ "t": "hover" }'])
def test_a_hover_is_known_before_it_is_read(text: str) -> None:
    assert is_hover(text)


@pytest.mark.parametrize("text", ['{"t":"prompt","x":"hover"}', '{"seq":1,"t":"hover"}', "hover", ""])
def test_all_else_counts_as_any_message(text: str) -> None:
    assert not is_hover(text)
