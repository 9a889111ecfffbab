"""Bringing a session back from its journal: what an engine has forgotten, it is told again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sam2_core.errors import BadPrompt
from sam2_core.serving.engine import Engine
from sam2_core.types import EditLog, Entry, PromptEntry, RemoveEntry, TrackEntry

TRACK_STEP = 4  # frames a call, so that other users' clicks slip in between


def replay(engine: Engine, session: str, journal: EditLog, progress: Callable[[float, str], None] | None = None) -> int:
    """Say everything in `journal` again to a fresh session; returns the session's revision at the end.

    What no longer counts (prompts that were replaced before anything was tracked, objects that were removed) is left
    out. An exception raised by `progress(fraction, message)` ends the replay and comes through; so do `SessionGone`
    and `MediaError`. Entries that cannot mean anything any more are skipped: they had no effect the first time either.
    """
    entries = list(_in_short_calls(_still_needed(journal.entries)))
    total = max(1, sum(_cost(entry) for entry in entries))
    done, revision = 0, 0
    for entry in entries:
        if progress is not None:
            progress(done / total, "Bringing your work back")
        revision = _say(engine, session, entry, revision)
        done += _cost(entry)
    return revision


def _say(engine: Engine, session: str, entry: Entry, revision: int) -> int:
    try:
        if isinstance(entry, PromptEntry):
            return engine.prompt(session, entry.frame, entry.object_id, entry.prompt).revision
        if isinstance(entry, RemoveEntry):
            return engine.forget(session, entry.object_id)
        frames = range(entry.start, entry.stop, entry.step)
        engine.track(session, frames, revision, entry.objects or None)
    except BadPrompt:
        pass
    return revision


def _in_short_calls(entries: list[Entry]) -> Iterator[Entry]:
    """The entries with tracking cut into short calls, so that other users' clicks slip in and progress is seen."""
    for entry in entries:
        if not isinstance(entry, TrackEntry):
            yield entry
            continue
        frames = range(entry.start, entry.stop, entry.step)
        for start in range(0, len(frames), TRACK_STEP):
            call = frames[start : start + TRACK_STEP]
            yield TrackEntry(call.start, call.stop, call.step, entry.objects)


def _cost(entry: Entry) -> int:
    return len(range(entry.start, entry.stop, entry.step)) if isinstance(entry, TrackEntry) else 1


def _still_needed(entries: tuple[Entry, ...]) -> list[Entry]:
    """The entries whose effect is still seen, in order.

    Backwards: a prompt is covered where the next word about its object is about the same frame and nothing was
    tracked in between, or where the object is removed later. A word that takes a prompt back is always said: what was
    tracked may have to go with it.
    """
    kept: list[Entry] = []
    next_frame: dict[int, int] = {}  # object -> frame of the next prompt about it
    forgotten: set[int] = set()
    for entry in reversed(entries):
        if isinstance(entry, TrackEntry):
            if entry.objects and forgotten.issuperset(entry.objects):
                continue
            next_frame.clear()
        elif isinstance(entry, RemoveEntry):
            forgotten.add(entry.object_id)
            continue
        elif entry.object_id in forgotten:
            continue
        elif entry.prompt.is_empty:
            next_frame.pop(entry.object_id, None)
        elif next_frame.get(entry.object_id) == entry.frame:
            continue
        else:
            next_frame[entry.object_id] = entry.frame
        kept.append(entry)
    return kept[::-1]
