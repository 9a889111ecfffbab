"""One who works through the API: a visitor whose page is a program, and whose journal is kept here."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, TypeAlias

from sam2_core.errors import BadPrompt, Busy, MaskletError, SessionGone
from ui.answers import Answer, unpack
from ui.medium import Medium
from ui.notes import Notes
from ui.reading import MAX_MESSAGE
from ui.visitors import Visitor
from ui.workbench import Workbench

Key: TypeAlias = tuple[str, Any]
"""What an answer names: ("seq", 3), ("run", 4) or ("job", "export")."""
Deed: TypeAlias = Callable[[], None]

MOST_LENT = 3  # files of a caller that wait to be fetched
GONE = "This session is unknown: it was closed, or has expired. Open the file again."


class Caller:
    """Says to the visitor's workbench what a page would say (ui/wire.py), and sorts what it hears.

    It listens for as long as the visitor is there, so the visitor goes when it is idle. Belongs to one event loop.
    """

    def __init__(self, visitor: Visitor[Workbench], ended: Deed) -> None:
        self.visitor, self.notes = visitor, Notes()
        self._lent: list[Path] = []  # folders outside of the visitor's own, which go with it
        self._ended = ended
        self._numbers = itertools.count(1)
        self._newest_run = 0
        self._wishes: dict[Key, asyncio.Queue[Answer | MaskletError]] = {}
        self._due: dict[Key, Deed] = {}  # notes, also those of answers that nobody waits for any more
        self._network_known = asyncio.Event()
        self._problem = ""  # why there is no network
        self._listening: asyncio.Task[None] | None = None
        self._over = False

    @property
    def medium(self) -> Medium:
        """What is open; raises `SessionGone` where nothing is."""
        medium = self.visitor.bench.medium
        if medium is None:
            raise SessionGone(GONE)
        return medium

    async def listen(self) -> None:
        """Become the visitor's page."""
        await self.visitor.outbox.attach(self._hang_up)
        self._listening = asyncio.create_task(self.visitor.outbox.deliver(self._hear))
        self.visitor.bench.greet()

    async def until_ready(self) -> None:
        """Wait for the network; raises `Busy` where it cannot be had."""
        await self._network_known.wait()
        if self._problem:
            raise Busy(self._problem)

    async def say(self, what: str, note: Deed | None = None, answers: int = 1, **about: Any) -> list[Answer]:
        """What is answered to a message. `note` is taken when the answer comes, whether or not it is waited for.

        Raises `MaskletError` where the server refuses.
        """
        seq = next(self._numbers)

        def begin() -> None:
            self.tell(what, seq=seq, **about)
            if note is not None:
                self._due["seq", seq] = note

        async with aclosing(self._answers(("seq", seq), begin)) as heard:
            return [await anext(heard) for _ in range(answers)]

    async def run(self, **wish: Any) -> AsyncGenerator[dict[str, Any], None]:
        """Track: the headers of `progress` and, at last, of `done`. Who stops listening stops the run."""
        run = self._newest_run = next(self._numbers)
        over = False
        try:
            async with aclosing(self._answers(("run", run), lambda: self.tell("track", run=run, **wish))) as heard:
                async for header, _ in heard:
                    over = header["t"] == "done"
                    yield header
                    if over:
                        return
        finally:
            if not over and self._newest_run == run:
                self.visitor.bench.stop_tracking()

    async def work(self, job: str, begin: Deed) -> dict[str, Any]:
        """Begin a job (`ingest`, `export`, `model`) and wait until it is done: the header that says so.

        Who stops waiting gives it up.
        """
        header: dict[str, Any] = {"t": "progress"}
        try:
            async with aclosing(self._answers(("job", job), begin)) as heard:
                while header["t"] == "progress":
                    header, _ = await anext(heard)
        except asyncio.CancelledError:
            self.visitor.bench.cancel(job)
            raise
        return header

    async def lend(self, file: Path) -> None:
        """A file that lies in a folder of its own outside of the visitor's: the folder goes with the visitor, or when
        newer ones have come."""
        self._lent.append(file.parent)
        await self._take_back(0 if self._over else MOST_LENT)

    def tell(self, what: str, **about: Any) -> None:
        """Say something. Raises `BadPrompt` for what is so long that its answer would not name it."""
        text = json.dumps({"t": what, **about})
        if len(text) > MAX_MESSAGE:
            raise BadPrompt("This is too much to say at once. Leave something out.")
        self.visitor.bench.hear(text)

    async def _answers(self, key: Key, begin: Deed) -> AsyncGenerator[Answer, None]:
        """All that comes under this key, for as long as somebody wants to hear it."""
        queue: asyncio.Queue[Answer | MaskletError] = asyncio.Queue()
        if key in self._wishes:
            self._wishes[key].put_nowait(Busy("A newer call of this session took the place of this one."))
        self._wishes[key] = queue
        try:
            begin()
            while True:
                answer = await queue.get()
                if isinstance(answer, MaskletError):
                    raise answer
                yield answer
        finally:
            if self._wishes.get(key) is queue:
                del self._wishes[key]

    async def _hear(self, message: bytes) -> None:
        header, pictures = unpack(message)
        kind, key = header["t"], _key_of(header)
        if kind == "journal":
            with suppress(BadPrompt):  # tracking can make it too long; who waits is told that nothing came
                self.tell("journal", entries=self.notes.entries)
        elif kind == "model":
            self._know_network(header)
        elif kind == "masks" and key[0] == "run":
            fresh = [each["id"] for each in header["objects"] if each["fresh"]]
            self.notes.tracked(header["frame"], header["tracked"], fresh)
        else:
            note = self._due.pop(key, None)
            if note is not None and kind != "error":
                note()
            if key in self._wishes:
                self._wishes[key].put_nowait(MaskletError(header["text"]) if kind == "error" else (header, pictures))

    def _know_network(self, header: dict[str, Any]) -> None:
        if header["ready"] or header["error"]:
            self._problem = header["error"] or ""
            self._network_known.set()

    async def _hang_up(self) -> None:
        """The visitor has ended, or somebody else speaks for it now."""
        self._over = True
        if self._listening is not None:
            self._listening.cancel()
        for queue in self._wishes.values():
            queue.put_nowait(SessionGone(GONE))
        self._know_network({"ready": False, "error": GONE})
        self._ended()
        await self._take_back(0)

    async def _take_back(self, kept: int) -> None:
        """Remove all but the newest files that are lent."""
        while len(self._lent) > kept:
            folder = self._lent.pop(0)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _key_of(header: dict[str, Any]) -> Key:
    if header["t"] == "opened":
        return "job", "ingest"
    return next(((name, header[name]) for name in ("run", "seq", "job") if name in header), ("", None))
