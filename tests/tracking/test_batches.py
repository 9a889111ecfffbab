"""Objects that are tracked as one batch get what each gets alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from sam2_core.model.network import ImageFeatures
from sam2_core.tracking import segmenter as segmenter_module
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.segmenter import FrameOutput, Segmenter, Selection
from tests.networks import TINY, tiny_network

FRAME, FRAMES = 9, 20


@pytest.fixture(autouse=True)
def _inference() -> Iterator[None]:
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


def remembered() -> FrameOutput:
    side = TINY.embedding_size
    return FrameOutput(
        logits=torch.randn(1, 1, 4 * side, 4 * side),
        pointer=torch.randn(1, TINY.width),
        object_score=torch.ones(1, 1),
        predicted_iou=torch.ones(1, 1),
        memory=torch.randn(1, TINY.memory_width, side, side).bfloat16(),
    )


def selection(prompted_on: int) -> Selection:
    """What an object that was prompted on this frame, and tracked from there, remembers."""
    rules = MemoryRules(TINY.memory_slots, TINY.max_pointers)
    bank = MemoryBank(rules, {prompted_on: remembered()})
    bank.tracked = {frame: remembered() for frame in range(prompted_on + 1, FRAME)}
    return bank.select(FRAME, reverse=False, frames=FRAMES)


def features() -> ImageFeatures:
    return Segmenter(tiny_network()).encode(torch.randn(3, TINY.image_size, TINY.image_size))


@pytest.mark.parametrize("limit", [1, 2, 16])
def test_batches_give_what_single_objects_get(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tracked: list[int] = []
    once = Segmenter._track_batch

    def counted(self: Segmenter, image: ImageFeatures, selections: list[Selection]) -> FrameOutput:
        tracked.append(len(selections))
        return once(self, image, selections)

    image, selections = features(), [selection(frame) for frame in (0, 7, 0, 7, 0, 3)]
    alone = [Segmenter(tiny_network()).track(image, each) for each in selections]
    monkeypatch.setattr(Segmenter, "_track_batch", counted)
    monkeypatch.setattr(segmenter_module, "_CPU_BATCH", limit)
    together = Segmenter(tiny_network()).track_all(image, selections)
    assert sorted(tracked) == {1: [1] * 6, 2: [1, 1, 2, 2], 16: [1, 2, 3]}[limit]
    for found, expected in zip(together, alone, strict=True):
        for name in ("logits", "pointer", "object_score", "predicted_iou"):
            torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=1e-4, atol=1e-4)
        # Memories are stored in bfloat16, which has eight bits.
        torch.testing.assert_close(found.memory, expected.memory, rtol=1e-2, atol=1e-2)


def test_an_object_of_a_batch_keeps_only_its_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenter_module, "_CPU_BATCH", 2)
    image, selections = features(), [selection(0), selection(0)]
    output = Segmenter(tiny_network()).track_all(image, selections)[0]
    for value in (output.logits, output.pointer, output.memory):
        assert value is not None and value.untyped_storage().nbytes() == value.nbytes


def test_nothing_to_track_is_nothing() -> None:
    assert Segmenter(tiny_network()).track_all(features(), []) == []
