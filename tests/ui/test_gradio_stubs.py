from __future__ import annotations

import inspect
import subprocess
import sys

from gradio.components import HTML

from sam2_core.paths import python_environment
from ui.gradio_stubs import no_stubs

IMPORTED = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: event == "open" and opened.append(str(arguments[0])))
from ui.gradio_stubs import no_stubs
with no_stubs():
    import gradio.components.api_component
import gradio.components.html
print(sum(path.endswith(".pyi") for path in opened), gradio.components.html.HTML.__name__)
"""


def test_gradio_is_imported_without_a_look_at_its_stubs() -> None:
    command = [sys.executable, "-W", "ignore", "-c", IMPORTED]
    done = subprocess.run(command, capture_output=True, text=True, env=python_environment(), timeout=120)
    assert (done.stdout.split(), done.stderr) == (["0", "HTML"], "")


def test_other_files_are_found() -> None:
    with no_stubs():
        assert inspect.getfile(test_other_files_are_found) == __file__
    assert inspect.getfile(HTML).endswith("html.py")
