"""A store reads any frame from any thread, and says so where it cannot."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ingest, open_store
from tests.media.numbered import make_clip, read_number

FRAMES = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    ingest(make_clip(folder / "clip.mp4", frames=FRAMES), folder / "store")
    return folder / "store"


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A store to spoil."""
    return Path(shutil.copytree(made, tmp_path / "store"))


def test_threads_do_not_disturb_each_other(made: Path) -> None:
    wanted = np.random.default_rng(0).integers(0, FRAMES, 400).tolist()
    with open_store(made) as store, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda frame: read_number(store.frame(frame)), wanted))
    assert found == wanted


@pytest.mark.parametrize("frame", [-1, FRAMES, 10**12])
def test_frames_outside_are_refused(made: Path, frame: int) -> None:
    with open_store(made) as store, pytest.raises(MediaError, match=f"from 0 to {FRAMES - 1}"):
        store.frame(frame)


@pytest.mark.parametrize(("height", "size"), [(16, (24, 16)), (33, (50, 33)), (64, (96, 64)), (90, (96, 64))])
def test_a_thumbnail_is_the_same_frame_in_small(made: Path, height: int, size: tuple[int, int]) -> None:
    with open_store(made) as store:
        image = Image.open(BytesIO(store.thumbnail(13, height)))
        assert image.size == size
        assert read_number(np.asarray(image)) == 13


def test_a_damaged_frame_has_no_thumbnail(folder: Path) -> None:
    frames = folder / "frames.mjpeg"
    frames.write_bytes(bytes(frames.stat().st_size))
    with open_store(folder) as store, pytest.raises(MediaError, match="damaged"):
        store.thumbnail(0, 32)


def test_a_closed_store_says_so(made: Path) -> None:
    store = open_store(made)
    store.close()
    store.close()
    with pytest.raises(MediaError, match="closed"):
        store.jpeg(0)


def test_a_store_whose_folder_has_vanished_says_so(folder: Path) -> None:
    store = open_store(folder)
    shutil.rmtree(folder)  # nothing is held open, so this works everywhere
    with pytest.raises(MediaError, match="no longer here"):
        store.jpeg(0)


def test_a_path_may_be_text(made: Path) -> None:
    with open_store(str(made)) as store:
        assert store.info.frames == FRAMES
        assert store.source.is_file()


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no longer here"):
        open_store(tmp_path / "gone")


def test_other_versions_are_refused(folder: Path) -> None:
    about = json.loads((folder / "about.json").read_text())
    (folder / "about.json").write_text(json.dumps({**about, "version": 99}))
    with pytest.raises(MediaError, match="cannot be read"):
        open_store(folder)


@pytest.mark.parametrize("name", ["about.json", "index.npz", "frames.mjpeg"])
def test_spoilt_parts_are_noticed(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"spoilt")
    with pytest.raises(MediaError, match="cannot be read"):
        open_store(folder)
    (folder / name).unlink()
    with pytest.raises(MediaError, match="no longer here"):
        open_store(folder)


def test_a_spoilt_frame_is_noticed(folder: Path) -> None:
    (folder / "frames.mjpeg").write_bytes(bytes((folder / "frames.mjpeg").stat().st_size))
    with open_store(folder) as store, pytest.raises(MediaError, match="Frame 3 is damaged"):
        store.frame(3)
