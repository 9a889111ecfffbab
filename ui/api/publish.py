"""Functions as endpoints of Gradio: listed with types and descriptions, with errors that say what is wrong."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeAlias, get_args, get_type_hints

import gradio as gr
from gradio.utils import get_function_description

from sam2_core.errors import MaskletError, shortage
from ui.api.files import refuse_addresses
from ui.protocol import public_text

_log = logging.getLogger(__name__)


CountError: TypeAlias = Callable[[BaseException], None]


def publish(functions: Iterable[Callable[..., Any]], demo: gr.Blocks, on_error: CountError) -> None:
    """Add them to the Blocks, in whose context this is called; `on_error` is told of each error that a caller gets.

    They need no concurrency limit of Gradio's: long work waits in the server's own queues (ui/jobs.py).
    """
    for function in (_with_readable_errors(each, on_error) for each in functions):
        endpoint = gr.api(function, concurrency_limit=None)
        descriptions = get_function_description(function)[1]
        for component, (name, text) in zip(demo.fns[endpoint["id"]].inputs, descriptions.items(), strict=True):
            component.label = name.replace("_", " ").capitalize()  # some names are keys of Gradio's translations
            component._api_info = {**component._api_info, "additional_description": text}
            refuse_addresses(component)


def _with_readable_errors(function: Callable[..., Any], on_error: CountError) -> Callable[..., Any]:
    """The same function; callers read why it refuses, but nothing about what fails inside."""
    hints = get_type_hints(function)
    if inspect.isasyncgenfunction(function):
        hints["return"] = get_args(hints["return"])[0]  # of each item

        @functools.wraps(function)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            with _readable_errors(on_error):
                async with aclosing(function(*args, **kwargs)) as items:
                    async for item in items:
                        yield item

    else:

        @functools.wraps(function)
        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            with _readable_errors(on_error):
                return await function(*args, **kwargs)

    # Gradio takes the types from here, and does not understand them where they are text.
    signature, wrapped.__annotations__ = inspect.signature(function), hints
    parameters = [each.replace(annotation=hints[each.name]) for each in signature.parameters.values()]
    signature = signature.replace(parameters=parameters, return_annotation=hints["return"])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    return wrapped


@contextmanager
def _readable_errors(on_error: CountError) -> Iterator[None]:
    try:
        yield
    except MaskletError as error:
        on_error(error)
        raise gr.Error(public_text(str(error)), print_exception=False) from error
    except Exception as error:
        busy = shortage(error)
        on_error(busy or error)
        if busy is None:
            _log.exception("A call of the API failed")
        text = "Something went wrong on the server. Try it again." if busy is None else str(busy)
        raise gr.Error(text, print_exception=False) from error
