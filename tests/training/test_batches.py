"""Batches, which depend only on seed, process and step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sam2_core.training.batches import Batch, BatchDataset, batch_stream
from sam2_core.training.config import Phase
from sam2_core.training.data_loading import TrainingData
from sam2_core.training.processes import ProcessGroup
from sam2_core.training.synthetic.image_samples import Mix
from tests.training.runs import tiny_config, tiny_data

IMAGES = Phase(batch=2, objects=3)
CLIPS = Phase(clips=1.0, clip_batch=2, clip_frames=(2, 4), clip_objects=3)


def batches(
    folder: Path, group: ProcessGroup | None = None, data: TrainingData | None = None, **changes: Any
) -> BatchDataset:
    return BatchDataset(tiny_config(folder, **changes), 64, group or ProcessGroup(), data or tiny_data())


def same(one: Batch, other: Batch) -> bool:
    return np.array_equal(one.images, other.images) and np.array_equal(one.masks, other.masks)


def test_images(tmp_path: Path) -> None:
    batch = batches(tmp_path)[0, IMAGES]
    assert batch.images.shape == (2, 64, 64, 3)
    assert batch.masks.shape == (2, 3, 64, 64)
    assert (batch.is_clips, batch.image_size, batch.samples, batch.phase) == (False, 64, 2, IMAGES)


def test_objects_are_pasted_onto_real_images(tmp_path: Path) -> None:
    mix = Mix(real=1.0, composites=0.0)
    phase = Phase(batch=2, objects=2, mix=mix)
    settings = {"share": 1.0, "objects": [3, 3]}
    plain, augmented, again = (
        batches(tmp_path, **changes)[5, phase] for changes in ({}, {"augment": settings}, {"augment": settings})
    )
    assert same(augmented, again)
    assert not same(plain, augmented)
    assert (augmented.images.shape, augmented.masks.shape) == (plain.images.shape, plain.masks.shape)


def test_clips(tmp_path: Path) -> None:
    dataset = batches(tmp_path)
    lengths = set()
    for step in range(8):
        batch = dataset[step, CLIPS]
        length = batch.images.shape[1]
        lengths.add(length)
        assert batch.images.shape == (2, length, 64, 64, 3)
        assert batch.masks.shape == (2, 3, length, 64, 64)
        assert (batch.is_clips, batch.image_size, batch.samples) == (True, 64, 2 * length)
    assert lengths == {2, 4}


def test_a_phase_may_have_its_own_size(tmp_path: Path) -> None:
    assert batches(tmp_path)[0, Phase(batch=1, size=96)].image_size == 96


def test_a_step_is_the_same_whatever_was_drawn_before(tmp_path: Path) -> None:
    dataset, other = batches(tmp_path), batches(tmp_path)
    expected = {(step, phase): dataset[step, phase] for step in (0, 1) for phase in (IMAGES, CLIPS)}
    for index in reversed(expected):
        assert same(other[index], expected[index])
        assert other[index].shared.random() == dataset[index].shared.random()
    assert not same(expected[0, IMAGES], expected[1, IMAGES])
    assert not same(expected[0, IMAGES], batches(tmp_path, seed=4)[0, IMAGES])


def test_processes_draw_their_own_images_but_share_decisions(tmp_path: Path) -> None:
    mixed = Phase(batch=2, clips=0.5, clip_batch=1, clip_frames=(2, 3, 4))
    first, second = (batches(tmp_path, ProcessGroup(rank, 2)) for rank in range(2))
    for step in range(8):
        one, other = first[step, mixed], second[step, mixed]
        assert one.images.shape == other.images.shape
        assert not np.array_equal(one.images, other.images)
        assert one.shared.random() == other.shared.random()


def test_without_real_images_the_mix_has_none(tmp_path: Path) -> None:
    dataset = batches(tmp_path, data=TrainingData())
    assert dataset[0, IMAGES].masks.any(axis=(2, 3)).all()
    assert dataset[0, CLIPS].masks.any()


def test_cutouts_come_from_the_chosen_sources(tmp_path: Path) -> None:
    dataset = batches(tmp_path, cutout_sources=["blue"])
    assert not dataset._image_sampler.cutouts
    assert dataset._image_sampler.images
    assert batches(tmp_path, cutout_sources=["red"])._image_sampler.cutouts


def test_the_stream_begins_at_a_step_and_ends_without_a_phase(tmp_path: Path) -> None:
    dataset = batches(tmp_path)
    steps = dict(batch_stream(dataset, 3, lambda step: IMAGES if step < 6 else None, 0))
    assert list(steps) == [3, 4, 5]
    assert all(same(batch, dataset[step, IMAGES]) for step, batch in steps.items())
