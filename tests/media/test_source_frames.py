"""Exports decode the uploaded files again, which a server lets processes with limits do."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import ExportOptions, MaskedMedia, Store, ingest, ingest_album, ingest_sequence, open_store, write
from sam2_core.media.decoders import Decoders
from sam2_core.media.info import MediaInfo
from sam2_core.media.rendering.audio import extract_audio
from sam2_core.media.source_frames import iterate_source_frames, read_full_frame, read_source_image
from sam2_core.media.store import FRAMES, SOURCE, describe_store
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.media import stand_in_decoders
from tests.media.numbered import make_clip, numbered_image, read_number
from tests.media.test_decoders import LIMITS, silent, wait_for_end

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and the limit of memory is Linux's")
Sources = dict[str, Path]
HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def limited() -> Iterator[Decoders]:
    made = Decoders(LIMITS, ["ui.files", "tests.media.stand_in_decoders"])
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """The folders of media of all kinds."""
    folder = tmp_path_factory.mktemp("media")
    images = [Image.fromarray(numbered_image(number, HEIGHT, WIDTH)) for number in range(4)]
    for number, image in enumerate(images):
        image.save(folder / f"{number}.jpg", quality=95)
    images[0].save(folder / "animation.webp", save_all=True, append_images=images[1:], duration=100)
    deep = np.linspace(9, 40_000, HEIGHT * WIDTH).astype(np.uint16).reshape(HEIGHT, WIDTH)
    Image.fromarray(deep).save(folder / "deep.png")
    make_clip(folder / "clip.mp4", frames=8, sound=("-c:a", "aac"))
    for name in ("deep.png", "animation.webp", "clip.mp4"):
        ingest(folder / name, folder / name.partition(".")[0])
    files = [folder / f"{number}.jpg" for number in range(4)]
    ingest_album(files, folder / "album")
    ingest_sequence(files, folder / "sequence")
    return {name: folder / name for name in ("deep", "animation", "clip", "album", "sequence")}


def square(frame: int) -> FrameMasks:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    pixels[10 + frame : 30 + frame, 20:50] = True
    return FrameMasks(frame, 1, (ObjectMask(1, Mask.from_array(pixels), 0.9, 5.0),))


def content_of(file: Path) -> object:
    if not zipfile.is_zipfile(file):
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def exported(store: Store, kind: str, folder: Path) -> object:
    options = ExportOptions(kind, include_images=True)
    return content_of(write(folder / kind, MaskedMedia(store, lambda frames: [*map(square, frames)]), options))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("deep", ("png",)),
        ("album", ("jpg", "yolo")),
        ("animation", ("png", "gif")),
        ("sequence", ("png", "davis")),
        ("clip", ("mp4", "png", "labelme")),
    ],
)
def test_exports_are_the_same(
    name: str, kinds: tuple[str, ...], stores: Sources, limited: Decoders, tmp_path: Path
) -> None:
    with open_store(stores[name]) as inside, open_store(stores[name], limited) as outside:
        files = sorted(path.name for path in outside.folder.iterdir())
        processes = limited.process_ids
        for kind in kinds:
            (tmp_path / "in").mkdir(exist_ok=True)
            assert exported(outside, kind, tmp_path) == exported(inside, kind, tmp_path / "in"), kind
        assert limited.process_ids == processes, "one process does all of it"
        assert sorted(path.name for path in outside.folder.iterdir()) == files, "nothing stays behind"


def test_chosen_frames_single_ones_and_the_sound_are_the_same(
    stores: Sources, limited: Decoders, tmp_path: Path
) -> None:
    with open_store(stores["clip"], limited) as outside, open_store(stores["clip"]) as inside:
        assert list(map(read_number, iterate_source_frames(outside, range(1, 8, 3)))) == [1, 4, 7]
        limited.run(extract_audio, outside, tmp_path / "a.m4a", report=silent)
        extract_audio(inside, tmp_path / "b.m4a")
        assert (tmp_path / "a.m4a").read_bytes() == (tmp_path / "b.m4a").read_bytes()
    with open_store(stores["album"], limited) as outside, open_store(stores["album"]) as inside:
        for read in (read_source_image, read_full_frame):
            assert np.array_equal(read(outside, 2), read(inside, 2))


@pytest.fixture
def spoiled(stores: Sources, limited: Decoders, tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    """Copies of the media, for tests that change their files."""
    opened: list[Store] = []

    def copy(name: str) -> Store:
        shutil.copytree(stores[name], tmp_path / name)
        opened.append(open_store(tmp_path / name, limited))
        return opened[-1]

    yield copy
    for store in opened:
        assert not list(store.folder.glob(".frames-*"))
        store.close()


@pytest.mark.parametrize(
    ("name", "words"), [("deep", "damaged"), ("animation", "damaged"), ("clip", "neither a picture nor a clip")]
)
def test_what_was_damaged_since_is_refused(
    name: str, words: str, spoiled: Callable[[str], Store], limited: Decoders, tmp_path: Path
) -> None:
    store = spoiled(name)
    store.source.write_bytes(b"\x89PNG" + bytes(1000))
    with pytest.raises(MediaError, match=words):
        exported(store, "png", tmp_path)
    store.source.unlink()
    with pytest.raises(MediaError, match="no longer here"):
        exported(store, "png", tmp_path)


def test_what_became_another_clip_is_refused(spoiled: Callable[[str], Store], tmp_path: Path) -> None:
    store = spoiled("clip")
    for other in ({"frames": 3}, {"frames": 9}, {"frames": 8, "size": (32, 64)}):
        make_clip(tmp_path / "other.mp4", **other)  # type: ignore[arg-type]
        (tmp_path / "other.mp4").replace(store.source)
        with pytest.raises(MediaError, match="no longer matches"):
            exported(store, "labelme", tmp_path)


def test_a_picture_that_takes_too_much_memory_is_refused(limited: Decoders, tmp_path: Path) -> None:
    """It promises the size that the store has."""
    height, width = 10_000, 17_000
    Image.new("1", (width, height)).save(tmp_path / SOURCE, "PNG")
    (tmp_path / FRAMES).write_bytes(b"frame")
    describe_store(tmp_path, MediaInfo("image", "a.png", 1, height, width, 1, 1), [5], np.zeros(1), 0.0)
    with open_store(tmp_path, limited) as store, pytest.raises(MediaError, match="more memory"):
        read_source_image(store, 0)


def test_one_that_lets_the_decoder_crash_ends_the_export_only(
    spoiled: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = spoiled("clip")
    with monkeypatch.context() as patch:
        patch.setattr("sam2_core.media.source_frames._write_frames", stand_in_decoders.crash_after_a_frame)
        with pytest.raises(MediaError, match="decoder crash"):
            exported(store, "mp4", tmp_path)
    assert exported(store, "mp4", tmp_path)


def test_one_that_stands_still_can_be_given_up(
    spoiled: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = spoiled("clip")
    former = store.decoders.process_ids
    monkeypatch.setattr("sam2_core.media.source_frames._write_frames", stand_in_decoders.hang_after_a_frame)

    def report(fraction: float, message: str) -> None:
        if message == "1 of 8 frames drawn":
            raise KeyboardInterrupt

    media = MaskedMedia(store, lambda frames: [*map(square, frames)])
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "film.mp4", media, ExportOptions("mp4"), report)
    for process in former:
        wait_for_end(process)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip"]
