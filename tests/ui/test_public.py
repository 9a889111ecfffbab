"""What visitors are told, whatever an error or a network says."""

from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest

from sam2_core.types import AutomaticMask, Box, Candidate, FrameMasks, Mask, ObjectMask, Point
from ui.api.results import automatic_mask_result, frame_result, prompt_result
from ui.protocol import (
    ErrorEvent,
    MediumData,
    ModelEvent,
    OpenedEvent,
    ProgressEvent,
    SkippedData,
    finite,
    pack,
    pack_live_masks,
    pack_masks,
    pack_preview,
    public_text,
)
from ui.protocol.events import _Event


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cannot identify image file <_io.BytesIO object at 0x7fd2ad01e200>", "image file <_io.BytesIO object>"),
        ("cannot read '/tmp/masklet-abc/x/upload': broken", "cannot read 'upload': broken"),
        ("/home/me/models/mine.pt is missing.", "mine.pt is missing."),
        ("see (/var/lib/a/b.txt).", "see (b.txt)."),
        (r"cannot open C:\Users\me\film.mp4.", "cannot open film.mp4."),
        ("frame " + "9" * 300 + " is none", "frame 999999… is none"),
        ("x" * 5000, "x" * 1000 + "…"),
    ],
)
def test_no_place_in_this_machine_is_told(text: str, told: str) -> None:
    assert public_text(text).endswith(told)


@pytest.mark.parametrize(
    "text",
    [
        "Begin anew (/reset in the API), or open another one.",
        "See https://github.com/facebookresearch/sam2/issues and http://localhost:7860/x/y.",
        "photos/cat.jpg has 12/30 frames, and/or more: 1 / 2.",
        "At 0x7f of 12345678901234567890 pixels.",
        "The picture has 8000 x 7000 = 56.0 million pixels.",
        "facebook/sam2.1-hiera-tiny, owner/name",
    ],
)
def test_all_else_stays(text: str) -> None:
    assert public_text(text) == text


def header(message: bytes) -> str:
    (length,) = struct.unpack_from("<I", message)
    return message[4 : 4 + length].decode()


MEDIUM = MediumData(kind="image", name="a", frames=1, fps=0, height=1, width=1, times=None)
SECRET = "broken: /tmp/masklet-1/x <A object at 0x7fd2ad01e200> " + "1" * 300


@pytest.mark.parametrize(
    "event",
    [
        ErrorEvent(text=SECRET),
        ProgressEvent(job="ingest", fraction=None, message=SECRET),
        ModelEvent(ready=False, fraction=None, message=SECRET, error=SECRET, name="a", title="a", device=""),
        SkippedData(name="a", reason=SECRET),
        OpenedEvent(version=1, medium=MEDIUM, added=False, skipped=(), warnings=(SECRET,)),
    ],
)
def test_events_pass_through_it(event: _Event) -> None:
    told = event.model_dump_json()
    assert "/tmp" not in told
    assert "0x7f" not in told
    assert "1" * 30 not in told


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_told_as_zero(score: float) -> None:
    mask = Mask.from_array(np.array([[True, False]]))
    masks = FrameMasks(0, 1, (ObjectMask(1, mask, score, score, candidates=(Candidate(mask, score),)),))
    for message in (
        pack_masks(masks, version=1, object=1),
        pack_preview(masks, version=1, seq=1),
        pack_live_masks(masks),
    ):
        told = json.loads(header(message), parse_constant=lambda name: pytest.fail(name))
        for found in told["objects"]:
            assert (found["predicted_iou"], found["object_score"]) == (0, 0)
            assert all(each["predicted_iou"] == 0 for each in found.get("candidates", ()))
    automatic = AutomaticMask(mask, score, score, Box(0, 0, 1, 1), Point(0, 0), Box(0, 0, 1, 1))
    for result in (frame_result(masks), prompt_result(masks, 1, (1, 2)), automatic_mask_result(automatic)):
        json.dumps(result, allow_nan=False)
    assert pack(ErrorEvent(text="x"))
    assert finite(0.5) == 0.5
