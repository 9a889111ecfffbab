"""What a click would give: answers to a cursor that moves over the picture."""

from __future__ import annotations

from functools import partial

from sam2_core.errors import Busy, MaskletError
from sam2_core.types import FrameMasks
from ui.medium import Medium
from ui.outbox import Outbox
from ui.rate import Rate
from ui.resources import Resources
from ui.wire import Hover, pack_masks

HOVERS_PER_SECOND = 25  # a page asks at most every 60 milliseconds


class Hovers:
    """Answers one page's hovers, one at a time; of those that wait meanwhile only the newest is left.

    They have a budget of their own, so that a cursor never costs a click its place, and what is too much or goes wrong
    is passed over in silence: nobody asked for anything.
    """

    def __init__(self, outbox: Outbox, resources: Resources) -> None:
        self._outbox, self._resources = outbox, resources
        self._rate = Rate(HOVERS_PER_SECOND)
        self._newest: tuple[Hover, Medium] | None = None
        self._answering = False

    def admit(self) -> bool:
        """Whether one more may be read."""
        try:
            self._rate.count()
        except Busy:
            return False
        return True

    async def answer(self, message: Hover, medium: Medium) -> None:
        """Answer, unless a newer one comes before it is this one's turn."""
        self._newest = (message, medium)
        if self._answering:
            return
        self._answering = True
        try:
            while self._newest is not None:
                newest, self._newest = self._newest, None
                await self._send(*newest)
        finally:
            self._answering = False

    async def _send(self, message: Hover, medium: Medium) -> None:
        try:
            ask = partial(medium.preview, message.frame, message.object_id, message.prompt)
            masks = await self._resources.call(ask)
        except MaskletError:  # a lost session is brought back by the next click; the page must not wait until then
            masks = FrameMasks(message.frame, 0, ())
        about = {"t": "preview", "version": medium.version, "seq": message.seq}
        answer = await self._resources.call(partial(pack_masks, masks, **about))
        self._outbox.put(answer, "preview")
