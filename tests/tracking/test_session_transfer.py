"""What crosses between two processes: tensors once each, and of a dictionary what has changed."""

from __future__ import annotations

import pytest
import torch

from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.object_history import ObjectHistory, PromptedFrame, PromptInterval, TrackedMask
from sam2_core.tracking.objects import TrackedObject
from sam2_core.tracking.session_transfer import (
    ChangeRecorder,
    EntryChanges,
    TransferTable,
    apply_changes,
    needed_objects,
)
from sam2_core.types import Mask, ObjectMask, Prompt

CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int32, torch.bool])
@pytest.mark.parametrize("shape", [(1, 2, 3), (), (1, 0)])
def test_a_tensor_arrives_as_it_is(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = torch.ones(shape, dtype=dtype)
    arrived = TransferTable(CPU).unpack(TransferTable(CPU).pack({"it": tensor}))["it"]
    assert arrived.dtype == dtype and torch.equal(arrived, tensor)


def test_a_part_of_a_tensor_takes_its_memory_along_only() -> None:
    assert len(TransferTable(CPU).pack(torch.zeros(1000, 1000)[5, :10])) < 1000


def test_what_has_crossed_is_only_named_and_is_the_same_again() -> None:
    here, there = TransferTable(CPU), TransferTable(CPU)
    tensor, added = torch.rand(1000), torch.rand(1000)
    arrived = there.unpack(here.pack([tensor, tensor]))
    assert arrived[0] is arrived[1]
    back = there.pack((arrived[0], added))
    assert len(back) < 6000, "one of two"
    first, second = here.unpack(back)
    assert first is tensor and torch.equal(second, added)
    assert here.unpack(there.pack(added)) is second


def test_changes_of_a_dictionary() -> None:
    old, new = [1], [1]
    before, after = {1: old, 2: old, 3: old}, {1: old, 3: new, 4: old}
    changes = EntryChanges.between(before, after)
    assert changes == EntryChanges({3: new, 4: old}, (2,))
    changes.apply(before)
    assert before == after and before[3] is new


def prompted(frame: int) -> PromptedFrame:
    mask = Mask(2, 2, b"\x04")
    return PromptedFrame(frame, Prompt(), ObjectMask(1, mask, 0.5, 1.0))


def an_object() -> TrackedObject:
    rules, word = MemoryRules(), prompted(0)
    masks = {at: (TrackedMask(2, 2, b"", 0.5, 1.0, PromptInterval(word, None), False),) for at in range(1, 2000)}
    bank: MemoryBank = MemoryBank(rules, {0: torch.rand(3)}, {at: torch.rand(3) for at in range(1990, 2000)})
    return TrackedObject(bank, ObjectHistory({0: word}, masks))


def test_a_command_gets_what_lies_near_its_frames_and_of_other_objects_what_lies_on_them() -> None:
    near = needed_objects({1: an_object(), 2: an_object()}, range(1999, 2000), worked_on=(1,))
    assert len(near[1].bank.tracked) == 10 and 0 in near[1].bank.prompted
    assert 200 < len(near[1].history.tracked) < 300
    assert not near[2].bank.tracked and not near[2].bank.prompted
    assert [*near[2].history.tracked] == [1999] and 0 in near[2].history.prompted


def test_the_objects_here_become_what_their_copies_have_become() -> None:
    objects, table, other = {1: an_object()}, TransferTable(CPU), TransferTable(CPU)
    copies = other.unpack(table.pack(objects))
    recorder = ChangeRecorder(copies)
    assert not any(changes.updated or changes.removed for changes in recorder.take(copies)[1])
    copies[1].history.untrack(1999)
    copies[1].bank.tracked[1999] = added = torch.rand(3)
    copies[2] = TrackedObject(MemoryBank(MemoryRules()), ObjectHistory({5: prompted(5)}))
    kept = objects[1].bank.tracked[1998]
    apply_changes(objects, table.unpack(other.pack(recorder.take(copies))), MemoryRules())
    assert 1999 not in objects[1].history.tracked and 1998 in objects[1].history.tracked
    assert torch.equal(objects[1].bank.tracked[1999], added) and objects[1].bank.tracked[1998] is kept
    assert objects[2].history.prompted == {5: prompted(5)}
