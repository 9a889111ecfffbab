from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sam2_core.errors import BadPrompt
from sam2_core.media import ExportOptions, MediaInfo, ObjectTraits, mask_png
from sam2_core.serving.edit_log import PromptEntry, RemoveEntry, TrackEntry
from sam2_core.types import (
    MAX_MASK_LENGTH,
    Box,
    Candidate,
    FrameMasks,
    FrameSpan,
    Mask,
    MaskWarning,
    ObjectMask,
    Point,
    Prompt,
)
from ui.protocol import (
    LARGE_REQUEST_CHARACTERS,
    MAX_REQUEST_CHARACTERS,
    Bounds,
    CancelRequest,
    ChooseModelRequest,
    DoneEvent,
    EditLogRequest,
    ErrorEvent,
    ExportRequest,
    GetMasksRequest,
    HelloEvent,
    ListModelsRequest,
    PreviewRequest,
    ProgressEvent,
    RemoveObjectRequest,
    SetPromptRequest,
    StopRequest,
    TrackRequest,
    UntrackRequest,
    check_request,
    describe_medium,
    is_large,
    is_preview,
    json_schema,
    pack,
    pack_masks,
    pack_preview,
    parse_request,
    request_subject,
    stale_event,
)

BOUNDS = Bounds(frames=10, height=48, width=64, max_objects=3, max_points=4)
MASK = Mask.from_array(np.tri(48, 64))
GENERATED = Path(__file__).parents[2] / "ui" / "web" / "protocol.d.ts"


def read(**message: Any) -> Any:
    return parse_request(json.dumps(message), BOUNDS)


def test_every_request_is_parsed() -> None:
    parsed = read(
        t="set_prompt", seq=1, frame=2, object=3, prompt={"points": [[1, 2, 1], [3.5, 4, 0]], "boxes": [[0, 0, 64, 48]]}
    )
    prompt = Prompt((Point(1, 2), Point(3.5, 4, False)), (Box(0, 0, 64, 48),))
    assert parsed == SetPromptRequest(seq=1, frame=2, object=3, prompt=prompt)
    assert read(t="set_prompt", seq=1, frame=0, object=1, prompt={}).prompt.is_empty
    plain = {"points": [[1, 2, 1]], "choice": 2, "crop": [0, 4, 20, 48]}
    prompt = Prompt((Point(1, 2),), choice=2, crop=Box(0, 4, 20, 48))
    parsed = read(t="preview", seq=4, frame=2, object=3, prompt=plain)
    assert parsed == PreviewRequest(seq=4, frame=2, object=3, prompt=prompt)
    assert read(t="remove_object", seq=2, object=1) == RemoveObjectRequest(seq=2, object=1)
    track = read(t="track", run=7, direction="both", frame=9)
    assert track == TrackRequest(run=7, direction="both", frame=9, first=0, last=9, pause=False)
    track = read(t="track", run=7, direction="update", frame=9, first=2, last=5, pause=True)
    assert track == TrackRequest(run=7, direction="update", frame=9, first=2, last=5, pause=True)
    assert (track.first, track.last) == (2, 5)
    untrack = read(t="untrack", seq=3, frames=[2, 4], objects=[1, 2])
    assert untrack == UntrackRequest(seq=3, frames=(2, 4), objects=(1, 2))
    assert untrack.frame_range == range(2, 5)
    assert read(t="stop") == StopRequest()
    masks = read(t="get_masks", first=3, last=5)
    assert masks == GetMasksRequest(first=3, last=5)
    assert masks.frame_range == range(3, 6)
    assert read(t="cancel", job="export") == CancelRequest(job="export")
    assert read(t="cancel", job="model") == CancelRequest(job="model")
    choose = ChooseModelRequest(name="nano")
    assert read(t="choose_model", name="nano") == parse_request('{"t": "choose_model", "name": "nano"}', None) == choose
    assert read(t="list_models") == parse_request('{"t": "list_models"}', None) == ListModelsRequest()
    export = read(t="export", format="coco", objects=[{"id": 1, "name": "x" * 500, "color": [0, 128, 255]}])
    assert isinstance(export, ExportRequest)
    assert (export.objects[0].color, len(export.objects[0].name)) == ((0, 128, 255), 80)
    assert export.objects[0].label == "", "a label may be missing"
    assert (export.frame_range, export.options) == (range(10), ExportOptions("coco"))
    named = {"id": 7, "name": " a\n b ", "label": "y" * 500, "color": [0, 0, 0]}
    export = read(t="export", format="coco", objects=[named], first=2, last=8, every=3, polygons=True, largest_side=99)
    assert export.objects == (ObjectTraits(7, "a b", "y" * 80, (0, 0, 0)),)
    assert (export.frame_range, export.options) == (range(2, 9, 3), ExportOptions("coco", polygons=True, max_side=99))
    entries = [
        {"frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]]}},
        {"track": [0, 10, 1], "objects": [1]},
        {"forget": 1},
    ]
    log = (PromptEntry(0, 1, Prompt((Point(1, 1),))), TrackEntry(0, 10, 1, (1,)), RemoveEntry(1))
    assert read(t="edit_log", seq=1, entries=entries) == EditLogRequest(entries=log, seq=1)
    assert read(t="edit_log", seq=5, entries=[]) == EditLogRequest(entries=(), seq=5)
    assert read(t="cancel", job="replay") == CancelRequest(job="replay")


def test_masks_are_parsed_in_prompts_and_edit_logs() -> None:
    plain = {"mask": MASK.to_coco(), "boxes": [[1, 1, 5, 5], [2, 2, 9, 9]], "points": [[1, 1, 1]]}
    prompt = Prompt((Point(1, 1),), (Box(1, 1, 5, 5), Box(2, 2, 9, 9)), MASK)
    assert read(t="set_prompt", seq=1, frame=0, object=1, prompt=plain).prompt == prompt
    parsed = read(t="edit_log", seq=1, entries=[{"frame": 3, "object": 1, "prompt": plain}, {"track": [3, 10, 1]}])
    assert parsed == EditLogRequest(entries=(PromptEntry(3, 1, prompt), TrackEntry(3, 10, 1)), seq=1)


def test_a_prompt_of_an_earlier_version_has_one_box() -> None:
    entry = {"frame": 3, "object": 1, "prompt": {"box": [1, 1, 5, 5]}}
    [parsed] = read(t="edit_log", seq=1, entries=[entry]).entries
    assert parsed == PromptEntry(3, 1, Prompt(boxes=(Box(1, 1, 5, 5),)))


@pytest.mark.parametrize("wrap", ["prompt", "edit_log"])
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
        {"size": [48, 64], "counts": "0" * (MAX_MASK_LENGTH + 1)},
        {"size": [10**9, 10**9], "counts": "0"},
    ],
    ids=range(10),
)
def test_a_mask_of_another_kind_or_size_is_refused(mask: Any, wrap: str) -> None:
    about = {"frame": 0, "object": 1, "prompt": {"mask": mask}}
    with pytest.raises(BadPrompt):
        read(t="edit_log", seq=1, entries=[about]) if wrap == "edit_log" else read(t="set_prompt", seq=1, **about)


def test_each_photo_of_an_album_has_bounds_of_its_own() -> None:
    album = Bounds(frames=2, height=90, width=64, max_objects=3, max_points=4, sizes=((48, 64), (90, 40)))
    prompts: list[dict[str, Any]] = [
        {"points": [[30, 80, 1]]},
        {"mask": Mask.from_array(np.ones((90, 40))).to_coco()},
        {"boxes": [[0, 50, 40, 90]]},
    ]
    for prompt in prompts:
        entry = {"frame": 1, "object": 1, "prompt": prompt}
        assert parse_request(json.dumps({"t": "set_prompt", "seq": 1, **entry}), album)
        assert parse_request(json.dumps({"t": "edit_log", "seq": 1, "entries": [entry]}), album)
        elsewhere = entry | {"frame": 0}
        for message in (
            {"t": "set_prompt", "seq": 1, **elsewhere},
            {"t": "edit_log", "seq": 1, "entries": [elsewhere]},
        ):
            with pytest.raises(BadPrompt):
                parse_request(json.dumps(message), album)


def test_only_so_many_masks_are_sent_at_once() -> None:
    huge = Bounds(frames=100_000, height=4, width=4, max_objects=1, max_points=1)
    assert len(parse_request('{"t": "get_masks", "first": 0, "last": 99999}', huge).frame_range) == 64  # type: ignore[union-attr]


NAN, INFINITE = float("nan"), float("inf")
WILD = (10**400, -(10**400), -1, 0.5, 1e308, NAN, INFINITE, None, True, "x", "", "\ud800", [], [[]], {}, {"t": 1})


def wild(plain: Any) -> Iterator[Any]:
    """The same message with each of its values in turn replaced by something wild."""
    places = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for place, value in places:
        for other in (*WILD, *wild(value)):
            changed = plain.copy()
            changed[place] = other
            yield changed


def is_read(message: Any) -> bool:
    try:
        parse_request(json.dumps(message), BOUNDS)
    except BadPrompt:
        return False
    return True


def test_whatever_stands_in_a_message_it_is_read_or_refused() -> None:
    prompt = {"points": [[1, 2, 1]], "boxes": [[0, 0, 9, 9]], "mask": MASK.to_coco(), "choice": 1, "crop": [0, 0, 9, 9]}
    effects = {"layers": [{"effect": "text", "text": "a", "size": 20}, {"effect": "glow", "size": 9}], "feather": 1}
    named = {"id": 1, "name": "a", "label": "b", "color": [1, 2, 3]}
    entries = [{"frame": 0, "object": 1, "prompt": prompt}, {"track": [0, 9, 1], "objects": [1]}, {"forget": 1}]
    messages: list[dict[str, Any]] = [
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": prompt},
        {"t": "track", "run": 1, "direction": "both", "frame": 0, "first": 0, "last": 9, "pause": False},
        {"t": "untrack", "seq": 1, "frames": [0, 1], "objects": [1]},
        {"t": "get_masks", "first": 0, "last": 9, "seq": 1},
        {"t": "export", "format": "coco", "effects": effects, "objects": [named], "every": 1, "largest_side": 9},
        {"t": "edit_log", "seq": 1, "entries": entries, "more": True},
    ]
    assert all(is_read(message) for message in messages)
    answers = [is_read(changed) for message in messages for changed in wild(message)]
    assert answers.count(False) > 500


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"t": "shutdown"},
        {"t": ["set_prompt"]},
        {"t": "set_prompt", "seq": 1, "frame": 10, "object": 1, "prompt": {}},
        {"t": "set_prompt", "seq": 1, "frame": -1, "object": 1, "prompt": {}},
        {"t": "set_prompt", "seq": 1, "frame": 0.5, "object": 1, "prompt": {}},
        {"t": "set_prompt", "seq": 1, "frame": True, "object": 1, "prompt": {}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 0, "prompt": {}},
        {"t": "set_prompt", "seq": -1, "frame": 0, "object": 1, "prompt": {}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": []},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 2]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [["evil", 2, 1]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[65, 2, 1]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[NAN, 2, 1]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, INFINITE, 1]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]] * 5}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": 5}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[5, 5, 5, 9]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[9, 5, 5, 9]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, 65, 9]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, 9]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]], "choice": 9}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, 9, 9]] * 17}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"boxes": [[0, 0, NAN, 9]]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]], "crop": [5, 5, 5, 9]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"crop": [0, 0, 65, 9]}},
        {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"crop": [0, NAN, 9, 9]}},
        {"t": "preview", "seq": 1, "frame": 10, "object": 1, "prompt": {}},
        {"t": "preview", "seq": 1, "frame": 0, "object": 1, "prompt": {"points": [[65, 2, 1]]}},
        {"t": "remove_object", "seq": 1},
        {"t": "choose_model"},
        {"t": "choose_model", "name": ["nano"]},
        {"t": "choose_model", "name": "n" * 81},
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
        {"t": "get_masks", "first": 0, "last": 99},
        {"t": "cancel", "job": "nothing"},
        {"t": "edit_log", "seq": "5", "entries": []},
        {"t": "edit_log", "seq": -5, "entries": []},
        {"t": "export", "format": "masks", "objects": []},
        {"t": "export", "format": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}] * 4},
        {"t": "export", "format": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}] * 2},
        {"t": "export", "format": "masks", "objects": [5]},
        {"t": "export", "format": "masks", "objects": [{"id": 10**9, "name": "", "color": [0, 0, 0]}]},
        {"t": "export", "format": "masks", "objects": [{"id": 1, "name": [[]], "color": [0, 0, 0]}]},
        {"t": "export", "format": "masks", "objects": [{"id": 1, "name": "", "color": [0.5, 0, 0]}]},
        {"t": "export", "format": "exe", "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}]},
        {"t": "export", "format": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0, 256]}]},
        {"t": "export", "format": "masks", "objects": [{"id": 1, "name": "", "color": [0, 0]}]},
        {
            "t": "export",
            "format": "masks",
            "effects": {"feather": 99},
            "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}],
        },
        {
            "t": "export",
            "format": "masks",
            "first": 3,
            "last": 2,
            "objects": [{"id": 1, "name": "", "color": [0, 0, 0]}],
        },
        {"t": "edit_log", "seq": 1, "entries": 5},
        {"t": "edit_log", "seq": 1, "entries": [{"something": 1}]},
        {"t": "edit_log", "seq": 1, "entries": [{"frame": 99, "object": 1, "prompt": {}}]},
        {"t": "edit_log", "seq": 1, "entries": [{"frame": 0, "object": 10**9, "prompt": {}}]},
        {"t": "edit_log", "seq": 1, "entries": [{"track": [0, 10**9, 1]}]},
        {"t": "edit_log", "seq": 1, "entries": [{"track": [0, 10, 0]}]},
        {"t": "edit_log", "seq": 1, "entries": [{"track": [0, 10, 1], "objects": "x"}]},
        {"t": "edit_log", "seq": 1, "entries": [{"track": [0, 10, 1], "objects": [1] * 1001}]},
        {"t": "edit_log", "seq": 1, "entries": [{"forget": 1}] * 20_001},
    ],
)
def test_nonsense_is_refused_in_words(message: dict[str, Any]) -> None:
    with pytest.raises(BadPrompt) as refused:
        read(**message)
    assert len(str(refused.value)) > 15


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "5", '"prompt"', "[" * 100_000, "x" * (MAX_REQUEST_CHARACTERS + 1)]
)
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(BadPrompt):
        parse_request(text, BOUNDS)


def test_without_a_medium_only_a_job_can_be_cancelled() -> None:
    assert parse_request('{"t": "cancel", "job": "ingest"}', None) == CancelRequest(job="ingest")
    with pytest.raises(BadPrompt, match="Open a picture"):
        parse_request('{"t": "stop"}', None)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"t": "set_prompt", "seq": 5, "frame": 99}, {"seq": 5}),
        ({"t": "remove_object", "seq": 6}, {"seq": 6}),
        ({"t": "untrack", "seq": 8}, {"seq": 8}),
        ({"t": "track", "run": 7}, {"job": "track", "run": 7}),
        ({"t": "export"}, {"job": "export"}),
        ({"t": "get_masks"}, {}),
        ({"t": "set_prompt", "seq": "x"}, {}),
        ({"t": ["set_prompt"]}, {}),
        ([], {}),
        (None, {}),
    ],
)
def test_a_refusal_names_what_it_is_about(message: object, named: dict[str, object]) -> None:
    assert request_subject(json.dumps(message)) == named


def test_a_refusal_of_garbage_names_nothing() -> None:
    assert request_subject("[" * 100_000) == {}
    assert request_subject("\x00") == {}


@pytest.mark.parametrize("text", ['{"t":"preview","seq":1}', '{ "t": "preview" }'])
def test_a_preview_is_known_before_it_is_parsed(text: str) -> None:
    assert is_preview(text)


@pytest.mark.parametrize("text", ['{"t":"set_prompt","x":"preview"}', '{"seq":1,"t":"preview"}', "preview", ""])
def test_all_else_counts_as_any_message(text: str) -> None:
    assert not is_preview(text)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"t": "remove_object", "seq": -1, "object": 1}, "`seq` must be a whole number from 0 to"),
        ({"t": "remove_object", "seq": 1, "object": 0}, "`object` must be a whole number from 1 to 1000000"),
        ({"t": "get_masks", "first": 0, "last": 10}, "`last` must be a whole number from 0 to 9"),
        ({"t": "untrack", "seq": 1, "frames": [0, 10], "objects": []}, "whole number from 0 to 9"),
        ({"t": "track", "run": 1, "frame": 0}, "`direction` must be one of forward, backward, both, one, update"),
        ({"t": "track", "run": 1, "frame": 0, "direction": "one", "pause": 1}, "`pause` must be true or false"),
        ({"t": "track", "run": 1, "frame": 0, "direction": "both", "last": 10}, "`last` must be a whole number from 0"),
        ({"t": "cancel", "job": "track"}, "`job` must be one of ingest, import"),
        ({"t": "export", "format": "masks", "objects": []}, "Select something first"),
        ({"t": "edit_log", "seq": 1, "entries": {}}, "no journal at all"),
        ({"t": "edit_log", "seq": 1, "entries": [{"frame": 10, "object": 1, "prompt": {}}]}, "another picture or clip"),
        ({"t": "edit_log", "seq": 1, "entries": [{"track": [0, 11, 1]}]}, "another picture or clip"),
        (
            {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"choice": 4}},
            "`choice` must be 0, 1, 2 or 3",
        ),
        (
            {"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"mask": {"size": [1, 1], "counts": "1"}}},
            "64 × 48",
        ),
        ({"t": "set_prompt", "seq": 1, "frame": 0, "object": 1, "prompt": {"words": 3}}, "A prompt has points"),
    ],
)
def test_a_refusal_says_what_is_expected(message: dict[str, Any], words: str) -> None:
    with pytest.raises(BadPrompt, match=words):
        read(**message)


def test_what_an_endpoint_gets_is_checked_like_a_message() -> None:
    request = check_request(UntrackRequest, BOUNDS, seq=1, frames=[2, 3], objects=[1])
    assert request == UntrackRequest(seq=1, frames=(2, 3), objects=(1,))
    with pytest.raises(BadPrompt, match="`frame` must be a whole number from 0 to 9"):
        check_request(SetPromptRequest, BOUNDS, seq=1, frame="2", object=1, prompt={})


def test_only_long_messages_are_large() -> None:
    assert not is_large("x" * LARGE_REQUEST_CHARACTERS)
    assert is_large("x" * (LARGE_REQUEST_CHARACTERS + 1))


def unpacked(message: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def test_fields_that_are_absent_are_left_out_and_those_that_are_unknown_are_null() -> None:
    assert unpacked(pack(ErrorEvent(text="It is broken.", seq=0))) == (
        {"t": "error", "text": "It is broken.", "seq": 0},
        b"",
    )
    assert unpacked(pack(DoneEvent(job="replay", stopped=False)))[0] == {"t": "done", "job": "replay", "stopped": False}
    progress = {"t": "progress", "job": "export", "fraction": None, "message": "Waiting"}
    assert unpacked(pack(ProgressEvent(job="export", fraction=None, message="Waiting")))[0] == progress
    run = {"run": 1, "direction": "both", "frame": 2, "first": 0, "last": 9, "pause": False}
    nothing = {"opening": False, "restored": False, "editor": "", "edits": 0}
    hello = HelloEvent(version=0, medium=None, **nothing, tracking=read(t="track", **run))
    assert unpacked(pack(hello))[0] == {"t": "hello", "version": 0, "medium": None, **nothing, "tracking": run}


def test_masks_come_with_their_pictures_and_candidates_with_answers_to_prompts() -> None:
    png, (x, y, width, height) = mask_png(MASK)
    empty = Mask.from_array(np.zeros((48, 64)))
    objects = (
        ObjectMask(1, MASK, 0.91234, 5.12345, (Candidate(MASK, 0.9, "good"), Candidate(empty, 0.8)), stale=True),
        ObjectMask(2, empty, 0.5, -1.0, fresh=True, warnings=(MaskWarning("lost", 0.98765),), rating="poor"),
    )
    shape = {"area": MASK.area, "place": [x, y, width, height], "bytes": len(png)}
    nothing = {"area": 0, "place": [0, 0, 0, 0], "bytes": 0}
    first = {"id": 1, "predicted_iou": 0.9123, "object_score": 5.123, "stale": True, "fresh": False, **shape}
    second = {"id": 2, "predicted_iou": 0.5, "object_score": -1.0, "stale": False, "fresh": True, **nothing}
    second |= {"rating": "poor", "warnings": [{"kind": "lost", "score": 0.988}]}
    masks = {"t": "masks", "version": 4, "frame": 3, "revision": 7}
    header, pictures = unpacked(pack_masks(FrameMasks(3, 7, objects), version=4, run=5, step=-1))
    assert header == {**masks, "run": 5, "step": -1, "objects": [first, second]}
    assert pictures == png
    header, pictures = unpacked(pack_masks(FrameMasks(3, 7, objects), version=4, seq=8, object=1))
    candidates = [{"predicted_iou": 0.9, **shape, "rating": "good"}, {"predicted_iou": 0.8, **nothing}]
    assert header == {**masks, "seq": 8, "object": 1, "objects": [{**first, "candidates": candidates}, second]}
    assert pictures == png + png
    header, pictures = unpacked(pack_preview(FrameMasks(3, 7, objects[:1]), version=4, seq=8))
    assert header == {**masks, "t": "preview", "seq": 8, "objects": [first]}


def test_stale_frames_are_listed_by_object() -> None:
    event = stale_event([FrameSpan(range(5, 2, -1), (1, 2)), FrameSpan(range(7, 9), (1,))], version=4)
    objects = [{"id": 1, "frames": [[3, 5], [7, 8]]}, {"id": 2, "frames": [[3, 5]]}]
    assert unpacked(pack(event))[0] == {"t": "stale", "version": 4, "objects": objects}


def test_a_medium_is_described_with_what_concerns_its_kind() -> None:
    clip = MediaInfo("clip", "a.mp4", 3, 48, 64, 48, 64, fps=25.0)
    plain = {"kind": "clip", "name": "a.mp4", "frames": 3, "fps": 25.0, "height": 48, "width": 64, "times": None}
    assert describe_medium(clip, [0, 0.04, 0.08]).model_dump() == plain
    uneven = MediaInfo("clip", "a.mp4", 3, 48, 64, 48, 64, fps=25.0, constant_rate=False)
    assert describe_medium(uneven, [0, 0.04, 0.2]).times == (0, 0.04, 0.2)
    album = MediaInfo("album", "", 2, 48, 64, 48, 64, sizes=((48, 64), (9, 9)), names=("a", "b"))
    described = describe_medium(album, [0, 1])
    assert (described.sizes, described.names) == (((48, 64), (9, 9)), ("a", "b"))


def test_the_pages_types_know_every_message_and_field() -> None:
    generated = GENERATED.read_text("utf-8")
    for name, definition in json_schema()["$defs"].items():
        assert f"export interface {name} {{" in generated or f"export type {name} =" in generated, (
            "run npm run protocol"
        )
        for field in definition.get("properties", {}):
            assert f"  {field}:" in generated or f"  {field}?:" in generated, "run npm run protocol"
