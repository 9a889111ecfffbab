"""The server as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
from tests.fakes import FakeEngine
from tests.ui.house import registry
from ui.app import Server
from ui.settings import load_settings

settings = load_settings()
Server(settings, registry(settings, FakeEngine(), {})).run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without telling them")
def test_a_server_that_is_told_to_end_leaves_no_files(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert any(b"Running on" in line for line in process.stdout), "it starts"
        assert list(tmp_path.glob("masklet-*"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert not list(tmp_path.glob("masklet-*"))
