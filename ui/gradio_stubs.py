"""Gradio's stub files, which nobody needs who only runs it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def no_stubs() -> Iterator[None]:
    """Gradio's components that are imported within this block write no stub files for editors beside themselves.

    To see whether they have to, Gradio parses the source of each component, which takes as long as all else of its
    import. It leaves out a component whose file is not known. Other threads must not import Gradio meanwhile.
    """
    find_file: Any = inspect.getfile

    def find_no_components(thing: Any) -> str:
        if (getattr(thing, "__module__", None) or "").startswith("gradio."):
            raise OSError("not to be written")
        return str(find_file(thing))

    replaced: Any = inspect
    replaced.getfile = find_no_components
    try:
        yield
    finally:
        replaced.getfile = find_file
