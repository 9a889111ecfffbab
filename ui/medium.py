"""What a visitor has open: a picture, clip or album, and the engine's session on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media import open_store
from sam2_core.serving.engine import Engine
from sam2_core.serving.replay import replay
from sam2_core.serving.startup import Startup
from sam2_core.types import EditLog, Entry, FrameMasks, FrameSpan, Load, Prompt, PromptEntry, RemoveEntry
from ui.wire import Bounds

SAYING = "Telling the model"


class Medium:
    """A store and the session on it, which is opened when first needed. Any thread may call; the calls block."""

    def __init__(self, version: int, folder: Path, startup: Startup) -> None:
        self.version = version
        self.folder = folder
        self.store = open_store(folder)
        self.info = self.store.info
        self._startup = startup
        self._lock = threading.Lock()
        self._session: str | None = None
        self._revision = 0
        self._tracked = 0
        self._closed = False
        self._objects: set[int] = set()

    @property
    def startup(self) -> Startup:
        """The network that the session is on."""
        return self._startup

    @property
    def session(self) -> str | None:
        """The engine's name for the session, if there is one."""
        return self._session

    def bounds(self, max_objects: int, max_points: int) -> Bounds:
        """What messages about this medium may say."""
        about = self.info
        return Bounds(about.frames, about.height, about.width, max_objects, max_points, about.sizes)

    def open_session(self) -> tuple[Engine, str]:
        """The engine and the session, opened if need be; raises `Busy` while the model is loading."""
        with self._lock:
            if self._closed:
                raise MediaError("This picture or clip has been closed.")
            engine = self._startup.engine()
            if self._session is None:
                self._session = engine.open(str(self.folder)).id
            return engine, self._session

    def adopt(self, startup: Startup, session: str, revision: int) -> None:
        """Go on with a session that was opened on this medium's folder and brought up to date; the former one ends."""
        with self._lock:
            closed, former = self._closed, (self._startup, self._session)
            if closed:
                former = startup, session
            else:
                self._startup, self._session, self._revision = startup, session, revision
                self._tracked += 1
        _end(*former)
        if closed:
            raise MediaError("This picture or clip has been closed.")

    def admit(self, object_id: int, most: int) -> None:
        """Count an object in; raises `BadPrompt` where there would be too many."""
        self._count(self._objects | {object_id}, most)

    def admit_all(self, entries: tuple[Entry, ...], most: int) -> None:
        """Count in what is left of a journal's objects, in place of all others."""
        self._count(_objects_after(entries, set()), most)

    def admit_more(self, entries: tuple[Entry, ...], most: int) -> None:
        """The same beside all others."""
        self._count(_objects_after(entries, self._objects), most)

    def _count(self, objects: set[int], most: int) -> None:
        if len(objects) > most:
            raise BadPrompt(f"At most {most} objects fit in one session. Remove one first.")
        self._objects = objects

    def prompt(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.prompt`."""
        engine, session = self.open_session()
        masks = engine.prompt(session, frame, object_id, prompt)
        self._revision = masks.revision
        return masks

    def say_more(self, entries: tuple[Entry, ...], report: Callable[[float, str], None]) -> None:
        """These prompts beside what was said, and which objects are to be forgotten; see `replay`."""
        engine, session = self.open_session()
        for entry in entries:
            if isinstance(entry, RemoveEntry):
                self.forget(entry.object_id)
        prompts = tuple(entry for entry in entries if isinstance(entry, PromptEntry))
        if prompts:
            self._revision = replay(engine, session, EditLog("", prompts), lambda done, _: report(done, SAYING))

    def preview(self, frame: int, object_id: int, prompt: Prompt) -> FrameMasks:
        """See `Engine.preview`."""
        engine, session = self.open_session()
        return engine.preview(session, frame, object_id, prompt)

    def forget(self, object_id: int) -> None:
        """See `Engine.forget`."""
        engine, session = self.open_session()
        self._revision = engine.forget(session, object_id)
        self._objects.discard(object_id)

    @property
    def revision(self) -> int:
        """The newest revision of the session that is known here."""
        return self._revision

    @property
    def state(self) -> tuple[int, int, int]:
        """Another one whenever masks may have changed."""
        return self.version, self._revision, self._tracked

    def track(self, frames: range, objects: tuple[int, ...]) -> tuple[FrameMasks, ...]:
        """See `Engine.track`; raises `SessionChanged` when something was said in the meantime: `look_again` then."""
        engine, session = self.open_session()
        found = engine.track(session, frames, self._revision, objects)
        self._tracked += 1
        return found

    def plan(self, frames: range) -> tuple[FrameSpan, ...]:
        """See `Engine.plan`."""
        engine, session = self.open_session()
        return engine.plan(session, frames)

    def stale(self, frames: range) -> tuple[FrameSpan, ...]:
        """See `Engine.stale`."""
        engine, session = self.open_session()
        return engine.stale(session, frames)

    def untrack(self, frames: range, objects: tuple[int, ...]) -> None:
        """See `Engine.untrack`."""
        engine, session = self.open_session()
        self._revision = engine.untrack(session, frames, objects)

    def look_again(self, frame: int) -> None:
        """Learn the session's newest revision."""
        self._revision = self.masks(range(frame, frame + 1))[0].revision

    def masks(self, frames: range) -> tuple[FrameMasks, ...]:
        """See `Engine.masks`."""
        engine, session = self.open_session()
        return engine.masks(session, frames)

    def load(self) -> Load:
        """See `Engine.load`."""
        startup, session = self._startup, self._session
        return startup.engine().load(session or "")

    def close(self) -> None:
        """Free the session and the store."""
        with self._lock:
            session, self._session, self._closed = self._session, None, True
        try:
            _end(self._startup, session)
        finally:
            self.store.close()


def _objects_after(entries: tuple[Entry, ...], before: set[int]) -> set[int]:
    said = set(before)
    for entry in entries:
        if isinstance(entry, RemoveEntry):
            said.discard(entry.object_id)
        elif isinstance(entry, PromptEntry):
            said.add(entry.object_id)
    return said


def _end(startup: Startup, session: str | None) -> None:
    if session is not None:
        startup.engine().close(session)
