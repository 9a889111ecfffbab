"""Memory that was freed goes back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _find_malloc_trim() -> Callable[[int], int] | None:
    """That of glibc; other C libraries have none, and give memory back by themselves."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # TypeError: Windows
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim


_malloc_trim = _find_malloc_trim()


def trim_memory() -> None:
    """Give back what threads have freed. glibc keeps it in one arena for each of many threads, where it is of no use to
    the others: a server with visitors who come and go grew by gigabytes. Takes some milliseconds."""
    if _malloc_trim is not None:
        _malloc_trim(0)
