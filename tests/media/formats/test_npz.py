"""Arrays as NumPy loads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sam2_core.media import ExportOptions, Store, write
from tests.media.formats.scenes import expected, scene
from tests.media.masked_media import material_of, no_masks


def test_each_frame_is_an_array_of_all_objects(clip: Store, album: Store, tmp_path: Path) -> None:
    for store, frames in ((clip, range(0, 6, 2)), (album, range(1, 3))):
        media = scene(store, frames=frames)
        write(tmp_path / "a.npz", media, ExportOptions("npz"))
        with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
            assert found["ids"].tolist() == [7, 3, 5]
            assert found["frames"].tolist() == list(frames)
            assert len([name for name in found.files if name.startswith("frame_")]) == len(frames)
            for row, frame in enumerate(frames):
                masks, requested = found[f"frame_{frame:05d}"], expected(media, frame)
                assert masks.dtype == bool
                assert masks.shape == (3, *store.info.size_of(frame))
                assert found["known"][row].tolist() == [True, frame > 0, frame % 2 == 0]
                for place, number in enumerate((7, 3, 5)):
                    np.testing.assert_array_equal(masks[place], requested.get(number, np.zeros_like(masks[place])))


def test_names_and_times_are_arrays_too(clip: Store, album: Store, tmp_path: Path) -> None:
    write(tmp_path / "a.npz", scene(clip, frames=range(3, 6)), ExportOptions("npz"))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found["names"].tolist()[:2] == ['=SUM(A1) "x"', "../../Ball\u2028\ud800"]
        assert found["labels"].tolist() == ["Bird", "", "a: <b>\n#ü\U0001f600"]
        assert found["colors"].tolist()[0] == [1, 2, 3]
        np.testing.assert_array_equal(found["times"], clip.times[3:])
        assert "photos" not in found.files
    write(tmp_path / "a.npz", scene(album), ExportOptions("npz"))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found["photos"].tolist() == ["a b.png", "a (b).png", "IMG.01.jpg"]


def test_a_clip_without_objects_can_be_loaded(clip: Store, tmp_path: Path) -> None:
    write(tmp_path / "a.npz", material_of(clip, no_masks), ExportOptions("npz"))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found["frame_00000"].shape == (0, 64, 96)
        assert found["known"].shape == (6, 0)
