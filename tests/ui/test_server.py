"""The server as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, threading
from tests.fakes import FakeEngine
from tests.ui.house import registry
from ui import serve
from ui.settings import load_settings

class HangingEngine(FakeEngine):
    def shut_down(self):
        threading.Event().wait()

if "hang" in sys.argv:
    FakeEngine, serve.CLOSE_SECONDS = HangingEngine, 0.1
serve.model_registry = lambda settings, run_call: registry(settings, FakeEngine(), {})
serve.better_model = lambda settings, models: None
sys.exit(serve.main([], os.environ))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without telling them")
@pytest.mark.parametrize("hangs", [False, True])
def test_a_server_that_is_told_to_end_leaves_no_files(tmp_path: Path, hangs: bool) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", SCRIPT, *(["hang"] if hangs else [])]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert any(b"Running on" in line for line in process.stdout), "it starts"
        assert list(tmp_path.glob("masklet-*"))
        for _ in range(2):  # the second one must not disturb the cleaning up
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert (process.returncode, list(tmp_path.glob("masklet-*"))) == (int(hangs), [])


LOADING = """
import os, sys, time
from ui import serve

def build(entry, progress):
    print("loading", flush=True)
    try:
        while True:
            time.sleep(0.01)
            if "report" in sys.argv:
                progress(None, "Reading")
    finally:
        print("no longer loading", flush=True)

serve.engine_builder = lambda settings, run_call: build
serve.END_SECONDS = 30 if "report" in sys.argv else 0.1
sys.exit(serve.main([], os.environ))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without telling them")
@pytest.mark.parametrize("reports", [True, False])
def test_a_server_ends_while_its_network_loads(tmp_path: Path, reports: bool) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", LOADING, *(["report"] if reports else [])]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert any(b"Running on" in line for line in process.stdout), "it starts"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b""), err.decode()
    assert (b"no longer loading" in out) == reports, "its thread is waited for, but not for ever"
    assert not list(tmp_path.glob("masklet-*"))
