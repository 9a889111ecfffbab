"""Media files, and a runner for commands."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.runner import CommandRunner
from tests.media.numbered import make_clip, numbered_image

FRAMES, HEIGHT, WIDTH = 8, 64, 96


@pytest.fixture
def masklet(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandRunner]:
    """Runs commands and checks that they leave no temporary files and no sessions."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    runner = CommandRunner(capsys)
    yield runner
    assert list(temporary.glob("masklet-*")) == []
    assert runner.engine.sessions == {}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three pictures and a file of another type."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.jpg", "c.png"):
        Image.fromarray(numbered_image(5, HEIGHT, WIDTH)).save(folder / name)
    (folder / "notes.txt").write_text("Not a picture", "utf-8")
    return folder


@pytest.fixture
def photo(photos: Path) -> Path:
    """One picture of the folder."""
    return photos / "a.png"


@pytest.fixture(scope="package")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of eight frames."""
    return make_clip(tmp_path_factory.mktemp("clips") / "film.mp4", frames=FRAMES, size=(HEIGHT, WIDTH))
