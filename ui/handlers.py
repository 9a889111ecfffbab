"""What Gradio calls: a page was opened, or wants a new session."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr

from sam2_core.errors import Busy
from ui.visitors import Visitors
from ui.workbench import Workbench


def welcome(visitors: Visitors[Workbench]) -> Callable[[], Awaitable[Any]]:
    """The handler that gives a page its token; behind Gradio's login, so nobody else gets one."""

    async def handle() -> Any:
        try:
            visitor = await visitors.open()
        except Busy as error:
            return gr.HTML(token="", problem=str(error), issued=time.time_ns())
        return gr.HTML(token=visitor.token, problem="", issued=time.time_ns())

    return handle
