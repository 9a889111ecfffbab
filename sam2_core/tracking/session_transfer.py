"""The state of a session on its way to another process, and what was changed there on its way back.

Both sides number the tensors that cross, and the prompted frames, to which many masks refer: each crosses once, and
from then on its number stands for it. So the memories that one frame adds are all that comes back with it.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import torch
from torch import Tensor

from sam2_core.tracking.mask_checker import MAX_FRAMES_BACK
from sam2_core.tracking.memory_bank import MemoryBank, MemoryRules
from sam2_core.tracking.object_history import ObjectHistory, PromptedFrame
from sam2_core.tracking.objects import TrackedObject

V = TypeVar("V")


class TransferTable:
    """Packs values into bytes and unpacks those of the other side, which has a table of its own that began as empty as
    this one. What is unpacked here lies on `device`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._values: list[object] = []
        self._numbers: dict[int, int] = {}

    def pack(self, value: object) -> bytes:
        """What `unpack` of the other side turns into the value; it must be unpacked, and in the order of packing."""
        known, body = len(self._values), io.BytesIO()
        _NumberingPickler(body, self._number).dump(value)
        return pickle.dumps((body.getvalue(), [_frozen(each) for each in self._values[known:]]), -1)

    def unpack(self, packed: bytes) -> Any:
        """What the other side has packed."""
        body, added = pickle.loads(packed)  # noqa: S301 - from a process of our own
        for each in added:
            self._add(_thawed(each, self._device))
        return _NumberedUnpickler(io.BytesIO(body), self._values).load()

    def _number(self, value: object) -> int | None:
        if not isinstance(value, Tensor | PromptedFrame):
            return None
        if id(value) not in self._numbers:
            self._add(value)
        return self._numbers[id(value)]

    def _add(self, value: object) -> None:
        self._numbers[id(value)] = len(self._values)
        self._values.append(value)


class _NumberingPickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, number: Callable[[object], int | None]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._number = number

    def persistent_id(self, value: object) -> int | None:
        return self._number(value)


class _NumberedUnpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, values: list[object]) -> None:
        super().__init__(file)
        self._values = values

    def persistent_load(self, number: int) -> object:
        return self._values[number]


def _frozen(value: object) -> object:
    """A tensor as its bytes: the pickle of a tensor may refer to memory that two processes share, instead of
    containing it."""
    if not isinstance(value, Tensor):
        return value
    flat = value.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes(), value.dtype, tuple(value.shape)


def _thawed(frozen: object, device: torch.device) -> object:
    if not isinstance(frozen, tuple):
        return frozen
    content, dtype, shape = frozen
    flat = torch.frombuffer(bytearray(content), dtype=dtype) if content else torch.empty(0, dtype=dtype)
    return flat.reshape(shape).to(device)


@dataclass(frozen=True, slots=True)
class EntryChanges(Generic[V]):
    """What became of a dictionary: entries that are new or have another value, and keys that are gone."""

    updated: dict[int, V]
    removed: tuple[int, ...]

    @classmethod
    def between(cls, before: Mapping[int, V], after: Mapping[int, V]) -> EntryChanges[V]:
        """By identity: no value is changed in place."""
        updated = {key: value for key, value in after.items() if before.get(key) is not value}
        return cls(updated, tuple(key for key in before if key not in after))

    def apply(self, target: dict[int, V]) -> None:
        """Change a dictionary in the same way."""
        target.update(self.updated)
        for key in self.removed:
            target.pop(key, None)


ObjectChanges: TypeAlias = tuple[EntryChanges[Any], ...]


def _entries(target: TrackedObject) -> tuple[dict[int, Any], ...]:
    """All that the commands of a session change of an object; the cached steps of its last prompt can be had again."""
    return target.bank.prompted, target.bank.tracked, target.history.prompted, target.history.tracked


class ChangeRecorder:
    """Tells what has changed of the objects of a session since the last time."""

    def __init__(self, objects: Mapping[int, TrackedObject]) -> None:
        self._before = self._copy(objects)

    def take(self, objects: Mapping[int, TrackedObject]) -> dict[int, ObjectChanges]:
        """The changes of each object. Objects do not go away."""
        before, self._before = self._before, self._copy(objects)
        nothing: tuple[dict[int, Any], ...] = ({}, {}, {}, {})
        return {
            object_id: tuple(map(EntryChanges.between, before.get(object_id, nothing), after))
            for object_id, after in self._before.items()
        }

    @staticmethod
    def _copy(objects: Mapping[int, TrackedObject]) -> dict[int, tuple[dict[int, Any], ...]]:
        return {object_id: tuple(map(dict, _entries(target))) for object_id, target in objects.items()}


def apply_changes(objects: dict[int, TrackedObject], changes: Mapping[int, ObjectChanges], rules: MemoryRules) -> None:
    """Do to the objects of a session what was done to their copies; new ones have memory by these rules."""
    for object_id, of_object in changes.items():
        target = objects.setdefault(object_id, TrackedObject(MemoryBank(rules)))
        for change, entries in zip(of_object, _entries(target), strict=True):
            change.apply(entries)


def needed_objects(
    objects: Mapping[int, TrackedObject], frames: range, worked_on: Collection[int] | None
) -> dict[int, TrackedObject]:
    """Copies of all objects with what a command needs of them that computes masks of some of them (None: of all) on
    these frames: of the others only what lies on the frames themselves."""
    first, last = min(frames), max(frames)
    near = range(first - MAX_FRAMES_BACK - 1, last + MAX_FRAMES_BACK + 2)
    return {
        object_id: _excerpt(target, near, with_memory=True)
        if worked_on is None or object_id in worked_on
        else _excerpt(target, range(first, last + 1), with_memory=False)
        for object_id, target in objects.items()
    }


def _excerpt(target: TrackedObject, frames: range, with_memory: bool) -> TrackedObject:
    bank, history = target.bank, target.history
    prompted = {at: output for at, output in bank.prompted.items() if with_memory or at in frames}
    tracked = {at: masks for at, masks in history.tracked.items() if at in frames}
    return TrackedObject(
        MemoryBank(bank.rules, prompted, dict(bank.tracked) if with_memory else {}),
        ObjectHistory(dict(history.prompted), tracked),
    )
