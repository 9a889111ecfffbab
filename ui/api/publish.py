"""Functions become endpoints of Gradio: listed with types and words, and plain about what went wrong."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, get_args, get_type_hints

import gradio as gr
from gradio.utils import get_function_description

from sam2_core.errors import MaskletError
from ui.exchange import refuse_addresses

_log = logging.getLogger(__name__)


def publish(functions: Iterable[Callable[..., Any]], demo: gr.Blocks) -> None:
    """Add them to the Blocks, in whose context this is called.

    They need no limit of Gradio's own: whatever takes long waits in the server's own queues (ui/resources.py).
    """
    for function in map(_plain_spoken, functions):
        made = gr.api(function, concurrency_limit=None)
        words = get_function_description(function)[1]
        for component, (name, text) in zip(demo.fns[made["id"]].inputs, words.items(), strict=True):
            component.label = name
            component._api_info = {**component._api_info, "additional_description": text}
            refuse_addresses(component)


def _plain_spoken(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function; callers read why it refuses, and nothing about what fails inside."""
    hints = get_type_hints(function)
    if inspect.isasyncgenfunction(function):
        hints["return"] = get_args(hints["return"])[0]  # of each item

        @functools.wraps(function)
        async def told(*values: Any, **named: Any) -> Any:
            with _readable():
                async with aclosing(function(*values, **named)) as items:
                    async for item in items:
                        yield item

    else:

        @functools.wraps(function)
        async def told(*values: Any, **named: Any) -> Any:
            with _readable():
                return await function(*values, **named)

    # Gradio takes the types from here, and does not understand them where they are text.
    signature, told.__annotations__ = inspect.signature(function), hints
    typed = [each.replace(annotation=hints[each.name]) for each in signature.parameters.values()]
    signature = signature.replace(parameters=typed, return_annotation=hints["return"])
    told.__signature__ = signature  # type: ignore[attr-defined]
    return told


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except MaskletError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except Exception as error:
        _log.exception("A caller's request failed")
        text = "Something went wrong on the server. Try it again."
        raise gr.Error(text, print_exception=False) from error
