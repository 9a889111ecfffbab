"""The one loop that segments everything in a frame: a few points of the grid per command, so that stopping is just not
asking again.

The page, the API and the command line run it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

from sam2_core.errors import BadPrompt
from sam2_core.serving.automatic_filter import Candidates, CandidateSet, DistinctMasks, MaskFilter, filter_masks
from sam2_core.serving.commands import FitMasks, SegmentEverything
from sam2_core.serving.tracking_run import STEP_SECONDS, TrackedSession
from sam2_core.tracking.point_grids import CROP_OVERLAP, Crop, generate_crops, point_grid
from sam2_core.types import AutomaticMask, AutomaticSettings, Box, Progress

FIRST_STEP = 4  # points of the first command in a crop
MAX_STEP = 64  # points per command
MAX_FITTED = 12  # masks per command whose boundaries are fitted
MAX_POINTS_PER_SIDE = 64
MAX_CROP_LAYERS = 2


@dataclass(frozen=True, slots=True)
class AutomaticRequest:
    """A frame, and how to segment everything in it.

    All masks above the floors of the settings are found, so that their thresholds can be chosen afterwards. Holes and
    islands of fewer than `min_region_area` pixels are removed from each mask.
    """

    frame: int
    settings: AutomaticSettings
    min_region_area: int = 0


class EverythingSource(Protocol):
    """What begins a run: a workspace."""

    def segment_everything(self, request: AutomaticRequest) -> AutomaticRun:
        """See `Workspace.segment_everything`."""
        ...


@dataclass(frozen=True, slots=True)
class AutomaticUpdate:
    """What one command of a run brought.

    Attributes:
        found: Candidates by number that are new, wanted again, or fitted to the picture.
        dropped: Numbers of earlier candidates that no choice of thresholds shows now.
        done, total: Points of all grids.
        seconds_left: None until the pace is known.
    """

    found: dict[int, AutomaticMask]
    dropped: tuple[int, ...]
    done: int
    total: int
    seconds_left: int | None


@dataclass(slots=True)
class _Group:
    """Masks that are compared with one another, by number."""

    candidates: CandidateSet
    numbers: list[int] = field(default_factory=list)
    relevant: list[int] = field(default_factory=list)

    def add(self, numbers: Iterable[int], masks: Sequence[AutomaticMask]) -> None:
        self.numbers += numbers
        is_left = self.candidates.add(masks)
        self.relevant = [number for number, left in zip(self.numbers, is_left, strict=True) if left]


class AutomaticRun:
    """Iterate over it (`async for`); between two updates nothing is computed.

    `masks` are the candidates, by number: all that some choice of the thresholds between the floors of the settings and
    1 shows, but at most `max_masks` of the settings, those with the highest predicted IoU. The boundaries of those that
    are left at the end are fitted to the picture, if the network asks for it.
    """

    def __init__(self, session: TrackedSession, request: AutomaticRequest, size: tuple[int, int]) -> None:
        """`size` is (height, width) of the frame. Raises `BadPrompt` for too dense a grid."""
        settings = request.settings
        if not (1 <= settings.points_per_side <= MAX_POINTS_PER_SIDE and 0 <= settings.crop_layers <= MAX_CROP_LAYERS):
            raise BadPrompt(
                f"The grid has 1 to {MAX_POINTS_PER_SIDE} points a side, and 0 to {MAX_CROP_LAYERS} layers of crops."
            )
        self._session, self._request = session, request
        self._crops = [crop for _, crop in generate_crops(*size, settings.crop_layers, CROP_OVERLAP)]
        self._grid = point_grid(settings.points_per_side)
        self._all: dict[int, AutomaticMask] = {}
        self._groups: list[_Group] = []
        self.masks: dict[int, AutomaticMask] = {}
        self._next = 1
        self._done = 0
        self._began = 0.0

    def shown(self, min_area: int = 0, max_area: int | None = None, edge_distance: int = 0) -> list[AutomaticMask]:
        """The candidates that the thresholds of the settings leave, best first; see `MaskFilter`."""
        settings = self._request.settings
        chosen = MaskFilter(
            min_predicted_iou=settings.min_predicted_iou,
            min_stability=settings.min_stability,
            max_overlap=settings.max_overlap,
        )
        # Masks overlap as the network gave them; their sizes and places are those of the final ones.
        left = filter_masks([self._all[number] for number in self.masks], chosen)
        final = list(self.masks.values())
        masks = [final[index] for index in left]
        wanted = MaskFilter(
            min_predicted_iou=0.0,
            min_stability=0.0,
            max_overlap=1.0,
            min_area=min_area,
            max_area=max_area,
            edge_distance=edge_distance,
        )
        return [masks[index] for index in filter_masks(masks, wanted)]

    @property
    def total(self) -> int:
        """Points of all grids."""
        return len(self._crops) * len(self._grid)

    async def __aiter__(self) -> AsyncGenerator[AutomaticUpdate, None]:
        self._began = time.monotonic()
        for crop in self._crops:
            group = self._begin_group()
            position, step = 0, FIRST_STEP
            while position < len(self._grid):
                began = time.monotonic()
                found = await self._session.run(self._command(crop, slice(position, position + step)))
                done = min(step, len(self._grid) - position)
                if position:  # the first command of a crop also encodes it
                    step = min(MAX_STEP, _next_step(step, done, time.monotonic() - began))
                position += done
                self._done += done
                yield self._update(group, found)
            self._all = {number: self._all[number] for each in self._groups for number in each.relevant}
        async with aclosing(self._fit()) as updates:
            async for update in updates:
                yield update

    async def _fit(self) -> AsyncGenerator[AutomaticUpdate, None]:
        by_crop: dict[Box, list[int]] = {}
        for number, mask in self.masks.items():
            if mask.candidate is not None:
                by_crop.setdefault(mask.crop, []).append(number)
        count, fitted, began, step = sum(map(len, by_crop.values())), 0, time.monotonic(), 1
        for numbers in by_crop.values():
            position = 0
            while position < len(numbers):
                part, started = numbers[position : position + step], time.monotonic()
                masks = tuple(self.masks[number] for number in part)
                command = FitMasks(self._request.frame, masks, self._request.min_region_area)
                found = dict(zip(part, await self._session.run(command), strict=True))
                self.masks |= found
                position, fitted = position + len(part), fitted + len(part)
                step = min(MAX_FITTED, _next_step(step, len(part), time.monotonic() - started))
                left = round((time.monotonic() - began) / fitted * (count - fitted))
                yield AutomaticUpdate(found, (), self._done, self.total, left)

    def _begin_group(self) -> _Group:
        """The group of the next crop: one of its own, or, where masks are compared, all that are left so far."""
        settings = self._request.settings
        if settings.max_mask_overlap >= 1:
            self._groups.append(_Group(Candidates(settings.max_overlap)))
        else:
            left = [number for group in self._groups for number in group.relevant]
            self._groups = [_Group(DistinctMasks(settings.max_mask_overlap))]
            self._groups[0].add(left, [self._all[number] for number in left])
        return self._groups[-1]

    def _command(self, crop: Crop, part: slice) -> SegmentEverything:
        left, top, right, bottom = crop
        settings = self._request.settings
        return SegmentEverything(
            self._request.frame,
            Box(*crop),
            tuple((left + x * (right - left), top + y * (bottom - top)) for x, y in self._grid[part].tolist()),
            settings.floor_predicted_iou,
            settings.floor_stability,
            settings.stability_offset,
            self._request.min_region_area,
        )

    def _update(self, group: _Group, found: tuple[AutomaticMask, ...]) -> AutomaticUpdate:
        numbers = range(self._next, self._next + len(found))
        self._next += len(found)
        self._all.update(zip(numbers, found, strict=True))
        group.add(numbers, found)
        before, self.masks = self.masks, {number: self._all[number] for number in self._best()}
        new = {number: mask for number, mask in self.masks.items() if number not in before}
        dropped = tuple(number for number in before if number not in self.masks)
        passed = time.monotonic() - self._began
        left = round(passed / self._done * (self.total - self._done)) if self._done > FIRST_STEP else None
        return AutomaticUpdate(new, dropped, self._done, self.total, left)

    def _best(self) -> Iterator[int]:
        """Numbers of the candidates, in their order."""
        numbers = [number for group in self._groups for number in group.relevant]
        best = sorted(numbers, key=lambda number: -self._all[number].predicted_iou)[: self._request.settings.max_masks]
        return iter(sorted(best))


def _next_step(step: int, done: int, seconds: float) -> int:
    """How much the next command may do, after one of `step` at most did so much in so many seconds."""
    return max(1, min(2 * step, int(done * STEP_SECONDS / max(seconds, 1e-3))))


def only_above_thresholds(request: AutomaticRequest) -> AutomaticRequest:
    """The request without candidates that its own thresholds do not show: for whoever moves none afterwards."""
    settings = request.settings
    fixed = replace(settings, floor_predicted_iou=settings.min_predicted_iou, floor_stability=settings.min_stability)
    return replace(request, settings=fixed)


async def find_everything(
    workspace: EverythingSource, request: AutomaticRequest, progress: Progress
) -> list[AutomaticMask]:
    """All masks of a frame that the settings show, best first. `progress` may raise to end it. Raises `BadPrompt`."""
    run = workspace.segment_everything(only_above_thresholds(request))
    async for update in run:
        progress(update.done / update.total, "Looking for everything")
    return run.shown()
