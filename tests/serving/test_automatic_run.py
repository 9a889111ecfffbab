"""Segmenting everything in a session, on the bundled network and a smaller one with random weights."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import combinations
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pytest
import torch

from sam2_core.errors import BadPrompt
from sam2_core.model.network import SAM2
from sam2_core.predictors.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2_core.predictors.build import build_sam2
from sam2_core.serving import automatic_run
from sam2_core.serving.automatic_run import AutomaticRequest, AutomaticRun, AutomaticUpdate, only_above_thresholds
from sam2_core.serving.commands import Command, FitMasks, SegmentEverything
from sam2_core.tracking.feature_cache import FeatureCache
from sam2_core.tracking.segmenter import Segmenter
from sam2_core.tracking.session import ClipSize, TrackingSession
from sam2_core.types import AutomaticMask, AutomaticSettings, Box, Mask, Prompt
from tests.networks import tiny_network

HEIGHT, WIDTH = 120, 160
SETTINGS = AutomaticSettings(
    points_per_side=4,
    crop_layers=1,
    min_predicted_iou=0.3,
    min_stability=0.2,
    floor_predicted_iou=0.0,
    floor_stability=0.1,
    max_overlap=0.7,
)
T = TypeVar("T")
Candidates: TypeAlias = dict[int, AutomaticMask]


class Picture:
    def frame(self, frame: int) -> np.ndarray:
        pixels = np.random.default_rng(7).integers(0, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        pixels[10:50, 10:60], pixels[70:110, 20:50], pixels[60:100, 90:150] = (220, 180, 40), (20, 60, 250), 240
        return pixels


class DirectSession:
    """A session without an engine; `commands` are those that it was asked."""

    def __init__(self, network: SAM2 | None = None) -> None:
        segmenter, size = Segmenter(network or tiny_network()), ClipSize(1, HEIGHT, WIDTH)
        self.session = TrackingSession("s", segmenter, Picture(), size, FeatureCache(2**26))
        self.revision = 0
        self.commands: list[Any] = []

    async def run(self, command: Command[T]) -> T:
        self.commands.append(command)
        with torch.inference_mode():
            return command.apply(self.session)


async def everything(
    session: DirectSession, request: AutomaticRequest, points: int = 5 * 16
) -> tuple[AutomaticRun, dict[int, AutomaticMask]]:
    """The run at its end, and the candidates as its updates tell them."""
    run = AutomaticRun(session, request, (HEIGHT, WIDTH))
    candidates: Candidates = {}
    async for update in run:
        candidates |= update.found
        candidates = {number: mask for number, mask in candidates.items() if number not in update.dropped}
        assert update.total == run.total == points
    assert update.done == update.total
    return run, candidates


def official_numbers(record: dict[str, Any]) -> list[float]:
    return [*record["bbox"], *record["crop_box"], record["area"], 1000 * record["predicted_iou"]]


def our_numbers(mask: AutomaticMask) -> list[float]:
    box, crop = mask.box, mask.crop
    measures = box.left, box.top, box.right - 1 - box.left, box.bottom - 1 - box.top
    crop_measures = crop.left, crop.top, crop.right - crop.left, crop.bottom - crop.top
    return [*measures, *crop_measures, mask.mask.area, 1000 * mask.predicted_iou]


def test_the_masks_are_those_of_the_official_generator() -> None:
    network = build_sam2()
    run, candidates = asyncio.run(everything(DirectSession(network), AutomaticRequest(0, SETTINGS)))
    assert run.masks == candidates
    shown = run.shown()
    generator = SAM2AutomaticMaskGenerator(
        network,
        points_per_side=4,
        pred_iou_thresh=0.3,
        stability_score_thresh=0.2,
        box_nms_thresh=0.7,
        crop_nms_thresh=0.7,
        crop_n_layers=1,
    )
    official = generator.generate(Picture().frame(0))
    assert len(official) > 4
    expected = sorted(official, key=lambda record: -record["predicted_iou"])
    # The two resize the picture differently, which moves an edge here and there.
    np.testing.assert_allclose(list(map(our_numbers, shown)), list(map(official_numbers, expected)), rtol=3e-3, atol=3)


def test_a_run_with_fixed_thresholds_shows_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without haste all batches have the same sizes, on which rounding depends.
    monkeypatch.setattr(automatic_run, "STEP_SECONDS", 1e6)
    run, _ = asyncio.run(everything(DirectSession(), AutomaticRequest(0, SETTINGS)))
    fixed, _ = asyncio.run(everything(DirectSession(), only_above_thresholds(AutomaticRequest(0, SETTINGS))))
    assert fixed.shown() == run.shown() != []
    assert len(fixed.masks) <= len(run.masks)


def test_masks_that_are_compared_themselves_differ_and_are_few() -> None:
    settings = replace(SETTINGS, max_overlap=1.0, max_mask_overlap=0.5, max_masks=6)
    run, candidates = asyncio.run(everything(DirectSession(), AutomaticRequest(0, settings)))
    assert run.masks == candidates and 1 < len(candidates) <= 6
    pixels = [mask.mask.to_array() for mask in candidates.values()]
    overlaps = [(one & other).sum() / (one | other).sum() for one, other in combinations(pixels, 2)]
    assert max(overlaps) < 0.6  # measured on samples
    best = run.shown()
    assert best == sorted(best, key=lambda mask: -mask.predicted_iou)


def test_commands_are_small_and_the_frame_is_encoded_once_for_each_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    encode = Segmenter.encode
    monkeypatch.setattr(Segmenter, "encode", lambda self, *given: encoded.append(1) or encode(self, *given))
    session = DirectSession()
    asyncio.run(everything(session, AutomaticRequest(0, SETTINGS)))
    assert len(encoded) == 5
    assert all(isinstance(command, SegmentEverything) and len(command.points) <= 64 for command in session.commands)
    assert session.session.revision == 0 and not session.session.objects


def test_small_regions_are_removed_before_boxes_are_measured() -> None:
    request = AutomaticRequest(0, SETTINGS, min_region_area=200)
    run, _ = asyncio.run(everything(DirectSession(), request))
    for mask in run.masks.values():
        rows, columns = np.nonzero(mask.mask.to_array())
        assert mask.box == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_what_cannot_be_asked_is_refused() -> None:
    session = DirectSession()
    for side, layers in ((0, 0), (65, 0), (8, 3), (8, -1)):
        settings = AutomaticSettings(points_per_side=side, crop_layers=layers)
        with pytest.raises(BadPrompt, match="1 to 64 points a side"):
            AutomaticRun(session, AutomaticRequest(0, settings), (HEIGHT, WIDTH))
    crop = Box(0, 0, WIDTH, HEIGHT)
    for points in (((WIDTH + 1, 5),), ((float("nan"), 5),)):
        with pytest.raises(BadPrompt, match="outside"):
            asyncio.run(session.run(SegmentEverything(0, crop, points, 0.5, 0.5, 1.0)))
    with pytest.raises(BadPrompt, match="does not exist"):
        asyncio.run(session.run(SegmentEverything(1, crop, ((5, 5),), 0.5, 0.5, 1.0)))
    with pytest.raises(ValueError, match="at most 256 points"):
        asyncio.run(session.run(SegmentEverything(0, crop, ((5, 5),) * 257, 0.5, 0.5, 1.0)))


def test_single_pixels_of_a_tiny_picture_are_no_masks() -> None:
    class TinyPicture:
        def frame(self, frame: int) -> np.ndarray:
            return np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)

    segmenter = Segmenter(build_sam2(device="cpu"))
    session = TrackingSession("s", segmenter, TinyPicture(), ClipSize(1, 8, 8), FeatureCache(2**26))
    points = tuple((x + 0.5, y + 0.5) for y in range(8) for x in range(8))
    with torch.inference_mode():
        found = session.segment_everything(0, Box(0, 0, 8, 8), points, 0.3, 0.5, 1.0)
    assert found and min(each.mask.area for each in found) == 4


def test_only_masks_that_are_left_are_fitted_and_as_those_of_a_click() -> None:
    session = DirectSession(build_sam2(device="cpu"))
    settings = replace(SETTINGS, points_per_side=3, crop_layers=0, max_overlap=1.0, max_mask_overlap=0.5)
    run = AutomaticRun(session, AutomaticRequest(0, settings), (HEIGHT, WIDTH))

    async def updates() -> list[AutomaticUpdate]:
        return [update async for update in run]

    *_, last = asyncio.run(updates())
    sent = [command for command in session.commands if isinstance(command, FitMasks)]
    coarse = [mask for command in sent for mask in command.masks]
    assert len(coarse) == len(run.masks) > 1
    assert all(session.commands.index(command) >= len(session.commands) - len(sent) for command in sent)
    assert last.found.items() <= run.masks.items() and last.done == last.total
    for before, after in zip(coarse, run.masks.values(), strict=True):
        prompt = Prompt((after.point,), choice=before.candidate)
        with torch.inference_mode():
            [clicked] = session.session.preview(0, 1, prompt).objects
        assert (after.mask.to_array() ^ clicked.mask.to_array()).mean() < 1e-3
        rows, columns = np.nonzero(after.mask.to_array())
        assert after.box == Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert replace(after, mask=before.mask, box=before.box, candidate=before.candidate) == before
    assert [mask.mask for mask in coarse] != [mask.mask for mask in run.masks.values()]


def test_a_mask_stays_where_the_network_finds_another_one_now() -> None:
    session = DirectSession(build_sam2(device="cpu"))
    settings = replace(SETTINGS, points_per_side=3, crop_layers=0, max_overlap=1.0, max_mask_overlap=0.5)
    run, _ = asyncio.run(everything(session, AutomaticRequest(0, settings), points=9))
    [mask] = [mask for command in session.commands if isinstance(command, FitMasks) for mask in command.masks][:1]
    inverted = replace(mask, mask=Mask.from_array(~mask.mask.to_array()))
    with torch.inference_mode():
        [kept, fitted] = session.session.fit_masks(0, [inverted, mask])
    assert kept == replace(inverted, candidate=None)
    assert fitted in run.masks.values()


def test_a_network_without_fitted_boundaries_is_not_asked_for_them() -> None:
    session = DirectSession()
    asyncio.run(everything(session, AutomaticRequest(0, SETTINGS)))
    assert not any(isinstance(command, FitMasks) for command in session.commands)
    found = session.session.segment_everything(0, Box(0, 0, WIDTH, HEIGHT), ((40, 40),), 0.0, 0.0, 1.0)
    assert {mask.candidate for mask in found} == {None}
    numbered = tuple(replace(mask, candidate=0) for mask in found)
    with torch.inference_mode():
        assert asyncio.run(session.run(FitMasks(0, numbered))) == found
    assert asyncio.run(session.run(FitMasks(0, ()))) == ()
    with pytest.raises(ValueError, match="at most 256 masks"):
        asyncio.run(session.run(FitMasks(0, numbered * 300)))
