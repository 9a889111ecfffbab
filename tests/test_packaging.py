"""What is installed is all that is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_package_is_installed() -> None:
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = re.search(r"^packages = \[(.*?)\]", settings, re.DOTALL | re.MULTILINE)
    assert listed is not None
    named = set(re.findall(r'"([\w.]+)"', listed[1]))
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("sam2_core/**/__init__.py")}
    assert named == there | {"sam2_core.configs", "sam2_core.assets", "sam2_core.media.review.shared"}
