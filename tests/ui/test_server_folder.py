"""Folders of servers that live, and of those that were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sam2_core.media.file_lock import locked
from ui.server_folder import ServerFolder

KILLED = """
import os, signal
from ui.server_folder import ServerFolder

(ServerFolder().path / "clip").write_bytes(b"private")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def names(parent: Path) -> set[str]:
    return {path.name for path in parent.iterdir()}


def test_folders_of_servers_that_live_stay(parent: Path) -> None:
    one, two = ServerFolder(), ServerFolder()
    (one.path / "clip").touch()
    assert (one.path.parent, one.path.is_dir(), two.path.is_dir()) == (parent, True, True)
    if sys.platform != "win32":
        assert one.path.stat().st_mode & 0o777 == 0o700
    one.remove()
    one.remove()
    assert names(parent) == {two.path.name, f"{two.path.name}.lock"}
    two.remove()
    assert names(parent) == set()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process is killed like that here")
def test_what_a_killed_server_left_is_removed_by_the_next_one(parent: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], env={**os.environ, "TMPDIR": str(parent)}, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(parent.glob("*/clip"))) == 1
    folder = ServerFolder()
    assert names(parent) == {folder.path.name, f"{folder.path.name}.lock"}
    folder.remove()


def test_what_is_not_surely_an_orphan_stays(parent: Path) -> None:
    """A folder without a lock, and whatever a link leads to."""
    (parent / "masklet-unlocked").mkdir()
    (parent / "elsewhere").mkdir()
    (parent / "elsewhere" / "file").touch()
    (parent / "masklet-link").symlink_to("elsewhere")
    (parent / "masklet-link.lock").touch()
    (parent / "masklet-other.lock").symlink_to("elsewhere/file")
    ServerFolder().remove()
    assert {"masklet-unlocked", "elsewhere", "masklet-link"} <= names(parent)
    assert (parent / "elsewhere" / "file").exists()


def test_a_lock_that_somebody_else_holds_is_respected(parent: Path) -> None:
    (parent / "masklet-held").mkdir()
    with locked(parent / "masklet-held.lock", "held"):
        ServerFolder().remove()
        assert (parent / "masklet-held").is_dir()
    (parent / "masklet-held.lock").touch()
    ServerFolder().remove()
    assert names(parent) == set()
