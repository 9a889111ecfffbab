"""The functions of the official `sam2.utils.amg` that published code imports: masks, boxes, grids and run lengths.

They have the official signatures and results, on the functions of `tracking.mask_filters` and `tracking.point_grids`.
Our own code uses those.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_core.tracking.mask_filters import (
    CROP_EDGE_TOLERANCE,
    fill_small_holes,
    mask_boxes,
    remove_small_islands,
    stability_scores,
)
from sam2_core.tracking.point_grids import FloatArray, generate_crops, point_grid
from sam2_core.types import BoolArray, Mask

RunLengths: TypeAlias = dict[str, Any]
"""{"size": [height, width], "counts": run lengths down the columns, beginning with background}."""


class MaskData:
    """Columns of equal length (lists, arrays or tensors) by name."""

    def __init__(self, **kwargs: Any) -> None:
        self._stats: dict[str, Any] = {}
        for name, column in kwargs.items():
            self[name] = column

    def __setitem__(self, key: str, item: Any) -> None:
        if not isinstance(item, list | np.ndarray | Tensor):
            raise TypeError(f"MaskData holds lists, arrays and tensors; {key} is {type(item).__name__}.")
        self._stats[key] = item

    def __delitem__(self, key: str) -> None:
        del self._stats[key]

    def __getitem__(self, key: str) -> Any:
        return self._stats[key]

    def items(self) -> ItemsView[str, Any]:
        """Names and columns."""
        return self._stats.items()

    def filter(self, keep: Tensor) -> None:
        """Keep rows by a boolean mask or by their indices."""
        indices = keep.nonzero()[:, 0].tolist() if keep.dtype == torch.bool else keep.tolist()
        for name, column in self._stats.items():
            self._stats[name] = [column[at] for at in indices] if isinstance(column, list) else column[indices]

    def cat(self, new_stats: MaskData) -> None:
        """Append the rows of another one."""
        for name, column in new_stats.items():
            before = self._stats.get(name)
            if before is None:
                self._stats[name] = list(column) if isinstance(column, list) else column
            elif isinstance(column, Tensor):
                self._stats[name] = torch.cat([before, column])
            elif isinstance(column, np.ndarray):
                self._stats[name] = np.concatenate([before, column])
            else:
                self._stats[name] = before + column

    def to_numpy(self) -> None:
        """Turn tensors into fp32 arrays."""
        for name, column in self._stats.items():
            if isinstance(column, Tensor):
                self._stats[name] = column.detach().float().cpu().numpy()


def batch_iterator(batch_size: int, *args: Any) -> Iterator[list[Any]]:
    """Rows of all arguments, `batch_size` at a time."""
    if len({len(each) for each in args}) != 1:
        raise ValueError("batch_iterator needs arguments of one length.")
    for start in range(0, len(args[0]), batch_size):
        yield [each[start : start + batch_size] for each in args]


# --- run lengths -----------------------------------------------------------------------------------------------------


def mask_to_rle_pytorch(tensor: Tensor) -> list[RunLengths]:
    """Masks (N, H, W) as run lengths."""
    masks = [Mask.from_array(each) for each in (tensor.detach().cpu() > 0).numpy()]
    return [
        {"size": [mask.height, mask.width], "counts": np.frombuffer(mask.runs, dtype="<u4").tolist()} for mask in masks
    ]


def rle_to_mask(rle: RunLengths) -> BoolArray:
    """Run lengths as a mask (H, W)."""
    return Mask.from_coco(rle).to_array()


def area_from_rle(rle: RunLengths) -> int:
    """Number of foreground pixels."""
    return sum(rle["counts"][1::2])


def coco_encode_rle(uncompressed_rle: RunLengths) -> RunLengths:
    """Run lengths with COCO's text as "counts"."""
    return dict(Mask.from_coco(uncompressed_rle).to_coco())


# --- masks and boxes -------------------------------------------------------------------------------------------------


def batched_mask_to_box(masks: Tensor) -> Tensor:
    """Boxes (..., 4) of boolean masks (..., H, W), as left, top, right, bottom; zeros for an empty mask."""
    boxes = mask_boxes(masks.reshape(-1, *masks.shape[-2:]))
    return boxes.reshape(*masks.shape[:-2], 4)


def box_xyxy_to_xywh(box_xyxy: Any) -> Any:
    """(left, top, right, bottom), an array or tensor -> (left, top, width, height)."""
    box: Any = box_xyxy.clone() if isinstance(box_xyxy, Tensor) else np.array(box_xyxy)
    box[2:4] -= box[:2]
    return box


def calculate_stability_score(masks: Tensor, mask_threshold: float, threshold_offset: float) -> Tensor:
    """Stability scores (N,) of logits (N, H, W)."""
    return stability_scores(masks, mask_threshold, threshold_offset)


def remove_small_regions(mask: BoolArray, area_thresh: float, mode: str) -> tuple[BoolArray, bool]:
    """Fill "holes" or remove "islands" (`mode`) of fewer pixels; also returns whether the mask has changed."""
    if mode not in ("holes", "islands"):
        raise ValueError(f"mode is holes or islands, not {mode!r}.")
    mask = np.asarray(mask, dtype=bool)
    cleaned = (fill_small_holes if mode == "holes" else remove_small_islands)(mask, area_thresh)
    return cleaned, not np.array_equal(cleaned, mask)


# --- grids and crops -------------------------------------------------------------------------------------------------


def build_point_grid(n_per_side: int) -> FloatArray:
    """A grid (n_per_side², 2) of points in 0..1."""
    return point_grid(n_per_side)


def build_all_layer_point_grids(n_per_side: int, n_layers: int, scale_per_layer: int) -> list[FloatArray]:
    """A grid for the image and for each layer of crops."""
    return [point_grid(int(n_per_side / scale_per_layer**layer)) for layer in range(n_layers + 1)]


def generate_crop_boxes(
    im_size: Sequence[int], n_layers: int, overlap_ratio: float
) -> tuple[list[list[int]], list[int]]:
    """Crops (left, top, right, bottom) of an image of (height, width), and the layer of each."""
    crops = generate_crops(im_size[0], im_size[1], n_layers, overlap_ratio)
    return [list(crop) for _, crop in crops], [layer for layer, _ in crops]


def is_box_near_crop_edge(
    boxes: Tensor, crop_box: Sequence[int], orig_box: Sequence[int], atol: float = CROP_EDGE_TOLERANCE
) -> Tensor:
    """Which boxes (N, 4), in pixels of the crop, end near an edge of it that is not an edge of the image: (N,)."""
    boxes = uncrop_boxes_xyxy(boxes, crop_box).float()
    near_crop, near_image = ((boxes - boxes.new_tensor(edges)).abs() <= atol for edges in (crop_box, orig_box))
    return (near_crop & ~near_image).any(dim=1)


def uncrop_boxes_xyxy(boxes: Tensor, crop_box: Sequence[int]) -> Tensor:
    """Boxes (..., 4) of a crop in pixels of the image."""
    return boxes + torch.tensor([*crop_box[:2], *crop_box[:2]], device=boxes.device)


def uncrop_points(points: Tensor, crop_box: Sequence[int]) -> Tensor:
    """Points (..., 2) of a crop in pixels of the image."""
    return points + torch.tensor(crop_box[:2], device=points.device)


def uncrop_masks(masks: Tensor, crop_box: Sequence[int], orig_h: int, orig_w: int) -> Tensor:
    """Masks (..., h, w) of a crop as masks of the image (..., orig_h, orig_w)."""
    left, top, right, bottom = crop_box
    return F.pad(masks, (left, orig_w - right, top, orig_h - bottom), value=0)
