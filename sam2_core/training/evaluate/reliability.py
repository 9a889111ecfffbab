"""The reliability diagram: true IoU over predicted IoU."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from sam2_core.media.atomic import new_file
from sam2_core.training.evaluate.metrics import Bin, Calibration

_SIDE, _MARGIN = 400, 60
_BAR, _GAP, _GRID, _INK = "#56b4e9", "#d55e00", "#dddddd", "#000000"
_TICKS = 5


def draw_reliability(calibration: Calibration, title: str = "") -> Image.Image:
    """Bars of the mean true IoU in bins of predicted IoU, with a mark at the mean prediction of each bin.

    If the network is calibrated, bars end at their marks. The number of masks is below each bar.
    """
    image = Image.new("RGB", (_SIDE + 2 * _MARGIN, _SIDE + 2 * _MARGIN), "white")
    draw = ImageDraw.Draw(image)
    error = "nothing was measured" if calibration.error is None else f"mean error {100 * calibration.error:.1f} %"
    draw.text((_MARGIN, 14), f"{title}   {error}".strip(), fill=_INK)
    draw.text((_MARGIN, 34), "bars: mean true IoU; orange: mean predicted IoU", fill=_INK)
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        draw.line([_place(0, share), _place(1, share)], fill=_GRID)
        draw.text((_MARGIN - 30, _place(0, share)[1] - 6), f"{share:.1f}", fill=_INK)
        draw.text((_place(share, 0)[0] - 8, _place(0, 0)[1] + 20), f"{share:.1f}", fill=_INK)
    draw.text((_MARGIN, _SIDE + _MARGIN + 38), "predicted IoU; number of masks under each bar", fill=_INK)
    for each in calibration.bins():
        _draw_bin(draw, each)
    draw.line([_place(0, 0), _place(1, 1)], fill="#777777")
    return image


def save_reliability(calibration: Calibration, path: Path, title: str = "") -> None:
    """Write the diagram as PNG or JPEG, depending on the suffix."""
    with new_file(path) as unfinished:
        draw_reliability(calibration, title).save(unfinished)


def _draw_bin(draw: ImageDraw.ImageDraw, each: Bin) -> None:
    left, bottom = _place(each.low, 0)
    right, _ = _place(each.high, 0)
    draw.text((left + 2, bottom + 4), str(each.count), fill=_INK)
    if each.true is None or each.predicted is None:
        return
    draw.rectangle([left + 2, _place(0, each.true)[1], right - 2, bottom], fill=_BAR)
    height = _place(0, each.predicted)[1]
    draw.line([left + 2, height, right - 2, height], fill=_GAP, width=3)


def _place(x: float, y: float) -> tuple[int, int]:
    """Pixel coordinates of a point of the unit square."""
    return round(_MARGIN + _SIDE * x), round(_MARGIN + _SIDE * (1 - y))
