"""What `init_state` opens. A clip from arrays is the reference: its frames are resized pictures and nothing else."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import sam2_core
from sam2_core.errors import MediaError
from sam2_core.predictors import frames as frames_module
from sam2_core.predictors.frames import numbered_files, open_frames
from sam2_core.predictors.video_predictor import SAM2VideoPredictor
from tests.predictors.golden_inputs import picture

FRAMES = 3
SIZE = 64
CLIP = np.stack([picture(frame) for frame in range(FRAMES)])


def read(source: Any) -> Tensor:
    frames = open_frames(source, SIZE)
    assert (frames.height, frames.width) == CLIP.shape[1:3]
    return torch.stack([frames.read(index, SIZE) for index in range(len(frames))])


EXPECTED = read(CLIP)


def write(folder: Path, pattern: str, **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for frame, pixels in enumerate(CLIP):
        Image.fromarray(pixels).save(folder / pattern.format(frame + 9), **options)
    return folder


# --- folders and files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern",
    ["{:05d}.png", "{}.png", "frame_{:04d}.png", "render.{}.png", "IMG_{}_final.PNG", "cam2_{:03d}.webp", "{}.tif"],
)
def test_numbered_pictures_of_all_formats(tmp_path: Path, pattern: str) -> None:
    options = {"lossless": True} if pattern.endswith("webp") else {}
    folder = write(tmp_path, pattern, **options)
    (folder / "Thumbs.db").touch()
    (folder / "._00009.jpg").touch()
    (folder / "notes.txt").touch()
    assert torch.equal(read(folder), EXPECTED)
    assert torch.equal(read(str(folder)), EXPECTED)


def test_jpegs_come_before_other_pictures(tmp_path: Path) -> None:
    write(write(tmp_path, "{:05d}.jpg", quality=95), "mask_{:05d}.png")
    assert [file.suffix for file in numbered_files(tmp_path)] == [".jpg"] * FRAMES
    assert (read(tmp_path) - EXPECTED).abs().mean() < 0.1


def test_other_pictures_between_jpegs_are_told(tmp_path: Path) -> None:
    for name in ("0.jpg", "1.png", "2.jpg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.warns(UserWarning, match=r"Only the JPEGs in .*: 1\.png"):
        assert [file.name for file in numbered_files(tmp_path)] == ["0.jpg", "2.jpg"]


def test_sixteen_bits_and_transparency(tmp_path: Path) -> None:
    gray = CLIP[..., 0].astype(np.uint16) * 257
    gray[:, 0, 0] = 65535
    for frame, pixels in enumerate(gray):
        Image.fromarray(pixels).save(tmp_path / f"{frame}.png")
    as_read = read(tmp_path)
    assert torch.equal(as_read, read(gray))
    assert (as_read[:, 0] - EXPECTED[:, 0]).abs().mean() < 0.01
    clear = np.dstack([CLIP[0], np.zeros_like(CLIP[0][..., 0])])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    white = read([np.full_like(CLIP[0], 255)])
    assert torch.equal(read([tmp_path / "clear.png"]), white)
    assert torch.equal(read([clear]), white)
    assert torch.equal(read([Image.fromarray(clear)]), white)


def test_a_folder_may_be_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = open_frames(write(tmp_path / "held", "{}.png"), SIZE)
    monkeypatch.setattr(frames_module, "HELD_BYTES", 0)
    unheld = open_frames(write(tmp_path / "unheld", "{}.png"), SIZE)
    shutil.rmtree(tmp_path / "held")
    assert torch.equal(frames.read(2, SIZE), EXPECTED[2])
    assert torch.equal(unheld.read(2, SIZE), EXPECTED[2])
    shutil.rmtree(tmp_path / "unheld")
    with pytest.raises(MediaError, match="cannot be read"):
        unheld.read(2, SIZE)


def test_lists_of_files_keep_their_order(tmp_path: Path) -> None:
    write(tmp_path, "b{}.png")
    files = [tmp_path / "b11.png", str(tmp_path / "b9.png")]
    assert torch.equal(read(files), EXPECTED[[2, 0]])
    with pytest.raises(MediaError, match=r"gone\.png"):
        read([tmp_path / "gone.png"])


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["left_0001.png", "right_0001.png"], "not the pictures of one clip"),
        (["00001.png", "00002.png", "cover.png"], r"cover\.png is not"),
        (["1.png", "01.png"], "the same number"),
        (["0001.jpg", "0001.jpeg"], "the same number"),
        (["0.1.png", "0.25.png", "0.5.png"], "by their decimals"),
        (["readme.txt"], r"no \.jpg files"),
    ],
)
def test_names_that_do_not_give_an_order(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(MediaError, match=complaint):
        read(tmp_path)


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    (write(tmp_path, "{:02d}.jpg") / "10.jpg").write_bytes(b"not a picture")
    frames = open_frames(tmp_path, SIZE)
    with pytest.raises(MediaError, match="picture is damaged"):
        frames.read(1, SIZE)
    content = (tmp_path / "11.jpg").read_bytes()
    (tmp_path / "11.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(MediaError, match="cannot be read: image file is truncated"):
        open_frames(tmp_path, SIZE).read(2, SIZE)


# --- clips -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    writer = imageio_ffmpeg.write_frames(str(tmp_path / "clip.mp4"), (64, 48), fps=10, macro_block_size=16)
    writer.send(None)
    for frame in range(FRAMES):
        writer.send(picture(frame, 48, 64).tobytes())
    writer.close()
    return tmp_path / "clip.mp4"


def test_a_clip_as_path_bytes_or_open_file(clip: Path) -> None:
    expected = open_frames(clip, SIZE).read(2, SIZE)
    content = clip.read_bytes()
    for source in (str(clip), content, bytearray(content), memoryview(content), io.BytesIO(content)):
        frames = open_frames(source, SIZE)
        assert (len(frames), frames.height, frames.width) == (FRAMES, 48, 64)
        assert torch.equal(frames.read(2, SIZE), expected)
    with pytest.raises(MediaError):
        open_frames(b"not a clip", SIZE)


# --- pictures in memory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        CLIP / 255,
        (CLIP / 255).astype(np.float32),
        CLIP.astype(np.float32),
        CLIP.astype(np.int64),
        CLIP.transpose(0, 3, 1, 2),
        torch.from_numpy(CLIP),
        torch.from_numpy(CLIP).permute(0, 3, 1, 2) / 255,
        list(CLIP),
        tuple(torch.from_numpy(CLIP)),
        [Image.fromarray(pixels) for pixels in CLIP],
        [Image.fromarray(CLIP[0]), CLIP[1], torch.from_numpy(CLIP[2])],
        [pixels[None] for pixels in CLIP],
        (pixels for pixels in list(CLIP)),
        np.concatenate([CLIP, np.full_like(CLIP[..., :1], 255)], axis=-1),
    ],
)
def test_arrays_tensors_and_lists(source: Any) -> None:
    assert torch.equal(read(source), EXPECTED)


def test_gray_pictures(tmp_path: Path) -> None:
    gray = CLIP[..., 0]
    expected = read(np.repeat(gray[..., None], 3, axis=-1))
    assert torch.equal(read(gray), expected)
    assert torch.equal(read(gray[..., None]), expected)
    assert torch.equal(read([Image.fromarray(pixels) for pixels in gray]), expected)
    assert torch.equal(read(gray > 100), read((gray > 100).astype(np.uint8) * 255))


def test_dark_frames_do_not_change_the_scale() -> None:
    dark = np.stack([np.ones_like(CLIP[0]), CLIP[0]])
    for source in (dark.astype(np.float32), list(dark.astype(np.float32)), dark):
        assert torch.equal(read(source), read(dark))
    overshooting = CLIP / 255
    overshooting[0, 0, 0] = (-0.05, 1.08, 0.5)
    assert (read(overshooting) - EXPECTED).abs().max() < 2


def test_arrays_may_be_changed_afterwards() -> None:
    own = CLIP.copy()
    frames = open_frames(own, SIZE)
    own[:] = 0
    assert torch.equal(frames.read(1, SIZE), EXPECTED[1])


def test_normalized_frames_are_taken_as_they_are() -> None:
    for source in (EXPECTED, list(EXPECTED), [each[None].squeeze(0) for each in EXPECTED]):
        frames = open_frames(source, SIZE)
        assert (len(frames), frames.height, frames.width) == (FRAMES, SIZE, SIZE)
        assert torch.equal(frames.read(1, SIZE), EXPECTED[1])


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ([], "no picture in the list"),
        (3, "this is int"),
        (np.zeros((2, 3, 4, 5, 3)), r"\(2, 3, 4, 5, 3\)"),
        (np.zeros((2, 8, 8, 2)), r"\(8, 8, 2\)"),
        (np.full((2, 8, 8, 3), -2.0), "Normalized frames are tensors"),
        (np.full((2, 8, 8, 3), 1e6), "0..255"),
        (np.full((2, 8, 8, 3), np.nan), "NaN"),
        ([object()], "this is object"),
    ],
)
def test_what_is_no_clip(source: Any, complaint: str) -> None:
    with pytest.raises(MediaError, match=complaint):
        open_frames(source, SIZE)


# --- init_state ------------------------------------------------------------------------------------------------------


def test_all_sources_give_the_same_masks(tmp_path: Path) -> None:
    predictor = sam2_core.build_sam2_video_predictor(device="cpu")
    state = predictor.init_state(write(tmp_path, "frame_{:04d}.png"), async_loading_frames=True)
    again = {"images": state["images"], "video_height": 90, "video_width": 130}
    results = [prompted(predictor, state)]
    others = [{"video_path": CLIP}, {"images": CLIP / 255, "offload_video_to_cpu": True}, again]
    results += [prompted(predictor, predictor.init_state(**options)) for options in others]
    assert all(torch.equal(results[0], other) for other in results[1:])
    normalized = predictor.init_state(images=torch.stack(list(state["images"])), video_height=90, video_width=130)
    assert torch.equal(prompted(predictor, normalized), results[0])


def prompted(predictor: SAM2VideoPredictor, state: Any) -> Tensor:
    predictor.add_new_points_or_box(state, 0, 1, box=[18, 20, 56, 60])
    return [logits for _, _, logits in predictor.propagate_in_video(state)][-1]
