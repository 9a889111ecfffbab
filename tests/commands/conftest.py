"""Sources, and a way to call commands on them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.commands.calls import Caller
from tests.media.numbered import make_clip, numbered_image

FRAMES, HEIGHT, WIDTH = 8, 64, 96


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    """Whatever a command does, nothing is left in the folder for temporary files."""
    passage = tmp_path / "passage"
    passage.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(passage))
    caller = Caller(capsys)
    yield caller
    assert list(passage.glob("masklet-*")) == []
    assert caller.engine.sessions == {}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with three pictures and a file that is none of our business."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.jpg", "c.png"):
        Image.fromarray(numbered_image(5, HEIGHT, WIDTH)).save(folder / name)
    (folder / "notes.txt").write_text("Not a picture", "utf-8")
    return folder


@pytest.fixture
def photo(photos: Path) -> Path:
    """One of them."""
    return photos / "a.png"


@pytest.fixture(scope="package")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of eight frames."""
    return make_clip(tmp_path_factory.mktemp("clips") / "film.mp4", frames=FRAMES, size=(HEIGHT, WIDTH))
