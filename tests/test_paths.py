"""What depends on where the package lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from sam2_core import paths


def test_what_installs_an_extra_depends_on_whether_this_is_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "sam2_core")
    assert paths.install_command("text") == 'pip install "masklet[text]"'
    (tmp_path / "pyproject.toml").touch()
    assert paths.install_command("text") == 'pip install ".[text]"'
