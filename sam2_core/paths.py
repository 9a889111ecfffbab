"""Where the package's data files lie."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
ROOT = _PACKAGE if (_PACKAGE / "configs").is_dir() else _PACKAGE.parent
"""The folder of `configs/` and `assets/`: beside the package in a checkout, the package itself once it is installed."""


def install_command(extra: str) -> str:
    """What installs an optional dependency group: of this checkout, or of the package.

    Names no folder, since the message may go to a visitor of the page: it holds in the folder of the checkout.
    """
    is_checkout = (_PACKAGE.parent / "pyproject.toml").is_file()
    return f'pip install "{"." if is_checkout else "masklet"}[{extra}]"'


def python_environment() -> dict[str, str]:
    """Environment variables for another Python process, which then finds the same modules.

    The folder of the package, not `ROOT`: once installed that is the package itself, whose `types` is not Python's.
    """
    paths = [str(_PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
