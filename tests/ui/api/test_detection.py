"""Text prompts of the API; the detector is a fake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sam2_core.errors import BadPrompt
from tests.ui.api.test_endpoints import FRAMES, Program, cache, clip, open_program, program

__all__ = ["cache", "clip", "program"]


def detect(program: Program, session: str, text: str, **about: Any) -> Any:
    return program.do(lambda: program.endpoints.detect(session, text, **about))


def test_what_a_text_names_becomes_objects(program: Program, clip: bytes) -> None:
    session = program.open(clip)
    found = detect(program, session, "dog, unicorn, wheel")
    assert [(each["object"], each["name"], each["score"]) for each in found["objects"]] == [
        (1, "dog", 0.8),
        (2, "wheel", 0.8),
    ]
    assert found["missing"] == ["unicorn"]
    assert all(each["area"] > 0 and each["mask"]["size"] for each in found["objects"])
    again = detect(program, session, "dog", box_threshold=0.1)
    assert [(each["object"], each["score"]) for each in again["objects"]] == [(3, 0.2)]  # the other one is there


def test_a_clip_is_looked_through(program: Program, clip: bytes) -> None:
    session = program.open(clip)

    async def listen() -> Any:
        run = program.endpoints.detect_and_track(session, "dog, cat", every=5, direction="both", frame=5)
        return [news async for news in run]

    *_, last = program.do(listen)
    assert (last["finished"], last["changed"]) == (True, FRAMES)
    masks = program.do(lambda: program.endpoints.masks(session, 0, FRAMES - 1))
    assert [[each["object"] for each in frame["objects"]] for frame in masks] == [[1, 2]] * FRAMES


@pytest.mark.parametrize(
    ("about", "complaint"),
    [
        ({"text": ",,"}, "Say in words"),
        ({"text": 7}, "text is too long"),
        ({"text": "dog", "box_threshold": 3}, "^`box_threshold` must be a number from 0 to 1"),
        ({"text": "dog", "text_threshold": "low"}, "^`text_threshold` must be a number from 0 to 1"),
        ({"text": "dog", "detector": "dino"}, "does not offer that detector"),
        ({"text": "dog", "frame": 99}, "`frame` must be"),
    ],
)
def test_what_cannot_be_asked_is_refused(program: Program, clip: bytes, about: dict[str, Any], complaint: str) -> None:
    session = program.open(clip)
    with pytest.raises(BadPrompt, match=complaint):
        program.do(lambda: program.endpoints.detect(session, **about))


def test_a_server_may_offer_none(cache: Path, clip: bytes) -> None:
    with open_program(cache, detectors="") as program:
        assert program.do(program.endpoints.detectors) == []
        with pytest.raises(BadPrompt, match="offers no text prompts"):
            detect(program, program.open(clip), "dog")
