"""Where an API's callers come in: sessions by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sam2_core.errors import SessionGone
from ui.answers import Opened, opened
from ui.callers import GONE, Caller
from ui.exchange import take_in
from ui.resources import Resources
from ui.visitors import Visitors
from ui.workbench import Workbench


class Reception:
    """Each session is a visitor like an open page, with the same limits; a page's own token opens nothing here.
    Belongs to one event loop."""

    def __init__(self, visitors: Visitors[Workbench], resources: Resources) -> None:
        self._visitors, self._resources = visitors, resources
        self._callers: dict[str, Caller] = {}

    async def open(self, sent: Sequence[Any]) -> Opened:
        """A new session on files that were sent through Gradio.

        Raises `Busy` where there is no place, and `MediaError` for what cannot be used.
        """
        visitor = await self._visitors.open()
        caller = Caller(visitor, partial(self._forget, visitor.token))
        try:
            await caller.listen()
            files = [await self._resources.call(partial(take_in, each, visitor.folder)) for each in sent]
            header = await caller.work("ingest", partial(visitor.bench.open, files))
        except BaseException:
            await self._visitors.close(visitor)
            raise
        self._callers[visitor.token] = caller
        return opened(visitor.token, header)

    def find(self, session: Any) -> Caller:
        """Who has this session; raises `SessionGone` where nobody has. Counts as a sign of life."""
        caller = self._callers.get(session) if isinstance(session, str) else None
        if caller is None:
            raise SessionGone(GONE)
        self._visitors.touch(caller.visitor)
        return caller

    async def at_work(self, session: Any) -> Caller:
        """The same, when the network is there; raises `Busy` where it cannot be had."""
        caller = self.find(session)
        await caller.until_ready()
        return caller

    async def close(self, session: Any) -> None:
        """End a session with all its files; one that has ended already is no error."""
        caller = self._callers.get(session) if isinstance(session, str) else None
        if caller is not None:
            await self._visitors.close(caller.visitor)

    def _forget(self, session: str) -> None:
        self._callers.pop(session, None)
