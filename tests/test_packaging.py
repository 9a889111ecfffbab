"""What an installation holds and requires."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image

import sam2_core

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest requires it there

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ASSETS = ("*.safetensors", "*.jpg", "examples/*.mp4", *(f"gallery/*.{kind}" for kind in ("jpg", "mp4", "json", "md")))
SETUPTOOLS = 77  # as [build-system] requires


def name_of(requirement: str) -> str:
    return re.split(r"[^\w-]", requirement)[0].lower().replace("_", "-")


def files_in(folder: str, patterns: tuple[str, ...] = ("**/*",)) -> set[str]:
    """Paths below a folder of the checkout, relative to it, without caches."""
    found = (path for pattern in patterns for path in (ROOT / folder).glob(pattern))
    return {path.relative_to(ROOT / folder).as_posix() for path in found if path.is_file() and path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, as setuptools would put files of earlier builds in the checkout into it."""
    try:
        version("pip")
        if int(version("setuptools").split(".")[0]) < SETUPTOOLS:
            pytest.skip(f"setuptools is older than {SETUPTOOLS}")
    except PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in ("sam2_core", "ui", "configs", "assets"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__", "screenshots"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([*pip, "--wheel-dir", target, source], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    [file] = target.iterdir()
    return file


def test_every_package_is_installed() -> None:
    named = set(PROJECT["tool"]["setuptools"]["packages"])
    packages = (path.parent for top in ("sam2_core", "ui") for path in ROOT.glob(f"{top}/**/__init__.py"))
    there = {".".join(path.relative_to(ROOT).parts) for path in packages}
    assert named == there | {"sam2_core.configs", "sam2_core.assets"}


def test_the_wheel_holds_code_web_files_and_data(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [entry_points] = [archive.read(name).decode() for name in names if name.endswith("/entry_points.txt")]
    expected = {f"{folder}/{name}" for folder in ("sam2_core", "ui") for name in files_in(folder)}
    expected |= {f"sam2_core/configs/{name}" for name in files_in("configs")}
    expected |= {f"sam2_core/assets/{name}" for name in files_in("assets", ASSETS)}
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert {"sam2_core/py.typed", "ui/py.typed", "sam2_core/assets/nano.safetensors"} <= expected
    assert any(name.startswith("ui/") and name.endswith(".js") for name in expected)
    assert "masklet = sam2_core.__main__:run" in entry_points


def test_the_base_requires_no_server_and_no_exact_versions(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        [metadata] = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    assert f"\nVersion: {sam2_core.__version__}\n" in metadata
    required = re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)
    base = [line for line in required if "extra ==" not in line]
    assert {"torch", "numpy"} <= set(map(name_of, base))
    assert not {"gradio", "websockets", "pytest"} & set(map(name_of, base))
    assert not any("==" in line for line in base)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(installed: Path, code: str, *arguments: str) -> list[str]:
    """The lines that this prints in an installation."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    pipes: dict[str, Any] = {"capture_output": True, "text": True, "encoding": "utf-8", "timeout": 120}
    done = subprocess.run(command, cwd=installed, env=environment, **pipes)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_wheel_finds_its_data_files(installed: Path) -> None:
    code = """
import sys
from sam2_core.cli.main import main
from sam2_core.networks import known_network, network_config
from sam2_core.paths import ROOT
from ui.settings import load_settings

print(known_network("nano").weights_on_disk)
print(*sorted(path.name for path in ROOT.glob("assets/examples/*")))
print(network_config("nano").name, load_settings(["--port", "8080"]).port)
sys.exit(main(["serve", "--help"]))
"""
    weights, clips, settings, usage, *_ = run_installed(installed, code)
    assert Path(weights) == installed / "sam2_core" / "assets" / "nano.safetensors"
    assert clips == "crossing_fish.mp4 returning_kite.mp4 rolling_ball.mp4"
    assert settings == "nano 8080"
    assert usage.startswith("usage: masklet serve ")


def test_the_wheel_reads_uploads_in_processes_of_its_own(installed: Path, tmp_path: Path) -> None:
    """They need the modules of the installation, and Python's."""
    code = """
import sys
from pathlib import Path
from sam2_core.media import Limits
from sam2_core.media.decoders import DecoderLimits, Decoders
from ui.files import AS_THEY_ARE, UploadedFile, open_files

decoders = Decoders(DecoderLimits(still_seconds=60, max_bytes=4_000_000_000), ["ui.files"])
picture, store = map(Path, sys.argv[1:])
files = [UploadedFile(picture, picture.name)]
print(open_files(decoders, files, store, Limits(), AS_THEY_ARE, None, lambda *progress: None), store.is_dir())
decoders.close()
"""
    Image.new("RGB", (64, 48)).save(tmp_path / "photo.png")
    assert run_installed(installed, code, str(tmp_path / "photo.png"), str(tmp_path / "store")) == ["() True"]


def test_requirements_are_those_of_the_package() -> None:
    """requirements.txt sets up a checkout: the base with the tested torch, the page, and what the tests need."""
    listed = set((ROOT / "requirements.txt").read_text("utf-8").split())
    extras = PROJECT["project"]["optional-dependencies"]
    tests = {each for each in extras["dev"] if name_of(each) == "pytest"}
    required = {*PROJECT["project"]["dependencies"], *extras["app"], *tests}
    assert set(map(name_of, listed)) == set(map(name_of, required))
    assert {name_of(each) for each in listed ^ required} == {"torch"}
