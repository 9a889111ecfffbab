"""Where the package's data files lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
ROOT = _PACKAGE if (_PACKAGE / "configs").is_dir() else _PACKAGE.parent
"""The folder of `configs/` and `assets/`: beside the package in a checkout, the package itself once it is installed."""
