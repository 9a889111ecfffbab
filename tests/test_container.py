"""The files that containers are made of, as far as they can be checked without Docker, and what the server in one needs
of its file system."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.ui.house import free_port
from ui.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120.0
SECRET = re.compile(r"(?i)(password|secret|token|api_key|auth)\s*[=:]\s*['\"]?[^\s'\"$:{}-]+")


class Instruction(NamedTuple):
    name: str
    text: str


def instructions() -> list[Instruction]:
    """Those of the Dockerfile, without comments, each on one line."""
    lines = (
        line for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if not line.lstrip().startswith("#")
    )
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def texts(name: str) -> list[str]:
    return [each.text for each in instructions() if each.name == name]


def test_base_images_have_tags_and_stages_have_names() -> None:
    arguments = dict(text.split("=", 1) for text in texts("ARG"))
    bases = [text.split(" AS ") for text in texts("FROM")]
    assert len(bases) == 2
    for base, *_ in bases:
        image = base.replace("${PYTHON}", arguments["PYTHON"])
        assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim-\w+", image), image
    stages = {stage for _, *names in bases for stage in names}
    used = {found for text in texts("COPY") for found in re.findall(r"--from=(\S+)", text)}
    assert used == stages == {"build"}


def ignored(path: str) -> bool:
    """What .dockerignore says about a path, or the folders above it: the last pattern that fits decides."""
    folders = [path, *map(str, Path(path).parents)][:-1]
    answer = False
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        keeps, pattern = line.startswith("!"), line.lstrip("!")
        patterns = [pattern, pattern.removeprefix("**/")]
        if any(fnmatch.fnmatch(each, one) for each in folders for one in patterns):
            answer = not keeps
    return answer


def test_what_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    sources = [source for text in texts("COPY") if "--from" not in text for source in text.split()[:-1]]
    assert {"requirements.txt", "pyproject.toml", "sam2_core", "ui", "configs", "assets"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source), source
    for private in (".env", ".git/config", "ui/.env.local", "runs/mine/weights.pt", "ui/__pycache__/app.pyc", "tests"):
        assert ignored(private), private
    assert not ignored("assets/nano.safetensors")
    assert ignored("assets/screenshots/loop.gif")


def test_it_runs_as_nobody_special_and_signals_reach_the_server() -> None:
    last = [each.name for each in instructions()]
    assert texts("USER") == ["1000:1000"], "by number, so that platforms see that it is not root"
    assert last.index("USER") < last.index("ENTRYPOINT")
    assert json.loads(texts("ENTRYPOINT")[0]) + json.loads(texts("CMD")[0]) == ["masklet", "serve"]
    assert texts("STOPSIGNAL") == ["SIGTERM"]
    environment = dict(pair.split("=", 1) for pair in texts("ENV")[-1].split())
    assert environment["PORT"] == texts("EXPOSE")[0]
    assert environment["HF_HOME"] == "/models"
    ours = {name.removeprefix("MASKLET_").lower() for name in environment if name.startswith("MASKLET_")}
    assert ours <= set(Settings.model_fields)
    [weights] = [text for text in texts("RUN") if "models download" in text]
    assert weights.startswith('if [ -n "$MODELS" ]'), "only on request"
    assert 'MODELS=""' in texts("ARG")


def test_no_secret_is_written_down() -> None:
    for name in ("Dockerfile", "compose.yaml", "examples/hosting/nginx.conf", "examples/hosting/compose.cuda.yaml"):
        lines = (ROOT / name).read_text("utf-8").splitlines()
        code = [line for line in lines if not line.lstrip().startswith("#")]
        assert not [line for line in code if SECRET.search(line) and "no-new-privileges" not in line], name


def test_compose_closes_what_it_can() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    masklet, nginx = composed["services"]["masklet"], composed["services"]["nginx"]
    assert "ports" not in masklet, "only nginx is reached from outside, so that what it says about visitors is true"
    for service in (masklet, nginx):
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert any(str(each).startswith("/tmp") for each in service["tmpfs"])
    assert ":" in nginx["image"].rpartition("/")[2]
    ours = {name.removeprefix("MASKLET_").lower() for name in masklet["environment"]}
    assert ours <= set(Settings.model_fields)
    assert int(masklet["stop_grace_period"].rstrip("s")) > 20, "in which the server removes its files"
    for volume in nginx["volumes"]:
        assert (ROOT / volume.split(":")[0]).exists()
    override = yaml.safe_load((ROOT / "examples/hosting/compose.cuda.yaml").read_text("utf-8"))
    assert override["services"].keys() <= composed["services"].keys()


WATCHED = """
import os, sys
from pathlib import Path
allowed = (os.environ["TMPDIR"], "/dev/", "/proc/")
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        is_write = any(letter in (mode or "") for letter in "wax+") or bool((flags or 0) & writing)
        paths = [path] if is_write else []
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"):
        paths = [arguments[0]]
    elif event in ("os.rename", "os.link", "os.symlink"):
        paths = arguments[:2]
    else:
        return
    for path in paths:
        if isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path):
            whole = os.path.abspath(os.fsdecode(path))
            if not whole.startswith(allowed):
                print("WRITES", event, whole, file=sys.stderr, flush=True)

sys.addaudithook(watch)
from tests.fakes import FakeEngine
from tests.ui.house import registry
from ui import serve
serve.model_registry = lambda settings, run_call: registry(settings, FakeEngine(), {})
serve.better_model = lambda settings, models: None
sys.exit(serve.main([], os.environ))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Containers run Linux")
def test_the_server_writes_to_the_temporary_folder_alone(tmp_path: Path) -> None:
    """As in a container with a read-only root, whose user has no home."""
    temporary, here = tmp_path / "temporary", tmp_path / "here"
    temporary.mkdir()
    here.mkdir(mode=0o555)
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "VIRTUAL_ENV")}
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
        "HOME": "/nonexistent",
        "HF_HOME": "/nonexistent/models",
        "MASKLET_HOST": "127.0.0.1",
        "MASKLET_ALLOWED_HOSTS": "masklet.example.org",
        "MASKLET_ROOT_PATH": "/masklet",
        "PORT": str(port),
    }
    command = [sys.executable, "-c", WATCHED]
    pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=here, env=environment, **pipes) as process:
        try:
            end = time.monotonic() + START_SECONDS
            while process.poll() is None and not check_health(environment):
                assert time.monotonic() < end, "it does not start"
                time.sleep(0.5)
            assert process.poll() is None
            assert list(temporary.iterdir())
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "WRITES" not in errors, errors
    assert not list(temporary.glob("masklet-*"))


def check_health(environment: dict[str, str]) -> bool:
    """The command of the Dockerfile, which asks by address whatever name the page has."""
    command = json.loads(texts("HEALTHCHECK")[0].partition("CMD ")[2])
    done = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, timeout=60)
    return done.returncode == 0
