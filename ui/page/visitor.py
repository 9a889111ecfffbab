"""Who is behind a connection, for libraries that ask Gradio in whose name something is done."""

from __future__ import annotations

from gradio.context import LocalContext
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection


class Visitor:
    """What Gradio knows of a visitor while an event of its own runs, for what the page asks by its own connection.

    On a ZeroGPU Space, `spaces` takes the time on a GPU from the quota of whom the newest headers name (X-IP-Token,
    which Hugging Face's proxy adds and which is good for a few minutes), and closes the connections of the server that
    the context names in the processes that it forks. Otherwise a page would not see that its connection has ended.
    """

    def __init__(self) -> None:
        self.headers = Headers()
        self._blocks: object = None

    def remember(self, connection: HTTPConnection) -> None:
        """This request is of the visitor, and the newest."""
        self.headers = connection.headers
        self._blocks = getattr(connection.app, "blocks", None)

    def enter(self) -> None:
        """Let what runs in this context from now on, and what it starts, be done in the visitor's name."""
        LocalContext.request.set(self)
        if self._blocks is not None:
            LocalContext.blocks.set(self._blocks)
