"""Images are encoded once in runs that leave the image encoder as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sam2_core.model.network import ImageFeatures
from sam2_core.training.batches import Batch, BatchDataset
from sam2_core.training.cached_features import CachedBatches
from sam2_core.training.config import Phase
from sam2_core.training.processes import ProcessGroup
from tests.training.runs import PHASE, tiny_config, tiny_data
from tests.training.test_checkpoint import same
from tests.training.test_loop import Killed, RecordingLog, a_file, changed_by, saved, trainer

IMAGES = Phase(batch=3, objects=2)
CLIPS = Phase(clips=1.0, clip_batch=2, clip_frames=(2, 4), clip_objects=1)


class Encoder:
    """Means of the pixels as features; remembers what it encoded."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def __call__(self, batch: Batch) -> ImageFeatures:
        self.seen.append(batch.images)
        means = torch.from_numpy(batch.images.reshape(-1, 64 * 64, 3).mean(axis=1)).float()
        return ImageFeatures(means[..., None, None], (means[:, :1], means[:, 1:]))


def cached(folder: Path, count: int, group: ProcessGroup | None = None) -> tuple[CachedBatches, Encoder]:
    encoder = Encoder()
    batches = BatchDataset(tiny_config(folder), 64, group or ProcessGroup(), tiny_data())
    return CachedBatches(batches, count, encoder), encoder


def test_features_and_masks_are_those_of_the_drawn_images(tmp_path: Path) -> None:
    batches, encoder = cached(tmp_path, 50)
    batch = batches[0, IMAGES]
    assert batch.features is not None
    assert (batch.is_clips, batch.image_size, batch.samples, batch.images.size) == (False, 64, 3, 0)
    assert batch.features.embedding.dtype == torch.float16
    assert [x.shape[0] for x in (batch.features.embedding, *batch.features.high_res)] == [3, 3, 3]
    means = [image.reshape(-1, 3).mean(axis=0) for image in encoder.seen]
    assert np.allclose(batch.features.embedding[..., 0, 0], means, atol=0.1)
    drawn = BatchDataset(tiny_config(tmp_path), 64, ProcessGroup(), tiny_data())
    known = [drawn.numbered_sample(number, None, IMAGES) for number in range(50)]
    for mean, masks in zip(means, batch.masks, strict=True):
        assert any(
            np.allclose(each.images.mean(axis=(0, 1, 2)), mean) and np.array_equal(each.masks[0], masks)
            for each in known
        )


def test_as_many_images_as_asked_for_are_encoded_and_each_once(tmp_path: Path) -> None:
    batches, encoder = cached(tmp_path, 4)
    first = batches[0, IMAGES]
    for step in range(30):
        batches[step, IMAGES]
    assert len(encoder.seen) == 4
    again = batches[0, IMAGES]
    assert first.features is not None
    assert again.features is not None
    assert torch.equal(first.features.embedding, again.features.embedding)
    other = Phase(batch=3, objects=2, size=64)
    batches[0, other]
    assert len(encoder.seen) > 4, "each phase has its own"


def test_clips_are_cached_by_length_within_the_same_number_of_frames(tmp_path: Path) -> None:
    batches, encoder = cached(tmp_path, 8)
    for step in range(60):
        batch = batches[step, CLIPS]
        length = batch.masks.shape[2]
        assert batch.features is not None
        assert (batch.is_clips, batch.samples, len(batch.features.embedding)) == (True, 2 * length, 2 * length)
    lengths = [images.shape[1] for images in encoder.seen]
    assert sorted(lengths) == [2, 2, 2, 2, 4, 4]


def test_a_sample_is_the_same_whatever_was_drawn_before_and_differs_between_processes(tmp_path: Path) -> None:
    (one, _), (other, _) = cached(tmp_path, 20), cached(tmp_path, 20)
    one[0, IMAGES]
    found, expected = one[3, IMAGES], other[3, IMAGES]
    assert found.features is not None
    assert expected.features is not None
    assert torch.equal(found.features.embedding, expected.features.embedding)
    assert np.array_equal(found.masks, expected.masks)
    assert found.shared.random() == expected.shared.random()
    second, _ = cached(tmp_path, 20, ProcessGroup(rank=1, size=2))
    assert not np.array_equal(second[3, IMAGES].masks, expected.masks)


@pytest.mark.parametrize("train", ["decoder", "memory", "quality"])
def test_a_run_encodes_few_images_and_leaves_their_features_as_they_are(
    tmp_path: Path, train: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases = [{**PHASE, "until": 0.7}, {**PHASE, "clips": 1.0}]
    training = trainer(tmp_path, **a_file(tmp_path), train=train, steps=12, phases=phases, cache_features=4)
    encoded = 0
    encode = type(training.network).encode_image

    def counted(network: torch.nn.Module, images: torch.Tensor) -> ImageFeatures:
        nonlocal encoded
        encoded += len(images)
        return encode(network, images)  # type: ignore[arg-type]

    monkeypatch.setattr(type(training.network), "encode_image", counted)
    changed = changed_by(training)
    assert 4 < encoded <= 4 + 4 + 3, "images, clips of two frames, clips of three"
    roots = {name.split(".")[1] for name in changed if name.startswith("sam_mask_decoder.")}
    assert "iou_prediction_head" in roots
    assert ("transformer" in roots) == (train != "quality")
    assert not roots & {"conv_s0", "conv_s1"}
    assert not any(name.startswith("image_encoder.") for name in changed)


def test_a_killed_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    plan = {
        **a_file(tmp_path),
        "train": "decoder",
        "steps": 6,
        "phases": [{**PHASE, "clips": 0.4}],
        "cache_features": 3,
    }
    trainer(tmp_path, "straight", **plan).run()
    often = {**plan, "save_minutes": 0.0}
    with pytest.raises(Killed):
        trainer(tmp_path, "killed", **often).run(RecordingLog(killed_at=4))
    trainer(tmp_path, "killed", **often).run()
    straight, killed = saved(tmp_path / "straight"), saved(tmp_path / "killed")
    for name in ("weights", "mean", "optimizer"):
        assert same(getattr(killed, name), getattr(straight, name)), name
