"""Learning curves as an image, from `figures.csv`."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from PIL import Image, ImageDraw

from sam2_core.media.atomic import new_file

_WIDTH, _HEIGHT, _MARGIN = 640, 300, 44
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
_SMOOTHING = 0.8
Curve = list[tuple[float, float]]

PANELS = {
    "IoU of training prompts": ("click1", "click1 best", "click2", "box", "box+1"),
    "IoU on training clips": ("frame 2", "frame 4", "frame 6", "corrected"),
    "IoU on held-out pictures": ("held out: ",),
    "loss": ("loss",),
}
"""The metrics of each panel, by name or, where it ends in ": ", by prefix."""


def read_curves(file: Path) -> dict[str, Curve]:
    """(minutes, value) of each metric."""
    curves: dict[str, Curve] = defaultdict(list)
    with file.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            curves[row["figure"]].append((float(row["minutes"]), float(row["value"])))
    return dict(curves)


def draw_curves(file: Path, image_file: Path) -> None:
    """Draw all panels that have metrics, one above the other."""
    curves = read_curves(file)
    panels = {
        title: {name: curve for name, curve in curves.items() if _belongs(name, names)}
        for title, names in PANELS.items()
    }
    panels = {title: lines for title, lines in panels.items() if lines}
    if not panels:
        return
    image = Image.new("RGB", (_WIDTH, _HEIGHT * len(panels)), "white")
    draw = ImageDraw.Draw(image)
    for row, (title, lines) in enumerate(panels.items()):
        _draw_panel(draw, row * _HEIGHT, title, lines)
    with new_file(image_file) as partial:
        image.save(partial)


def _belongs(name: str, names: tuple[str, ...]) -> bool:
    return any(name == each or (each.endswith(": ") and name.startswith(each)) for each in names)


def _draw_panel(draw: ImageDraw.ImageDraw, top: int, title: str, lines: dict[str, Curve]) -> None:
    left, right, high, low = _MARGIN, _WIDTH - 160, top + 24, top + _HEIGHT - 28
    end = max((minute for curve in lines.values() for minute, _ in curve), default=0.0) or 1.0
    values = [value for curve in lines.values() for _, value in curve]
    ceiling = 1.0 if max(values) <= 1 else sorted(values)[int(0.98 * (len(values) - 1))] or 1.0
    draw.text((left, top + 6), title, fill="black")
    for tick in range(5):
        y = low + (high - low) * tick / 4
        draw.line([(left, y), (right, y)], fill="#dddddd")
        draw.text((4, y - 6), f"{ceiling * tick / 4:.2f}", fill="black")
        draw.text((left + (right - left) * tick / 4 - 8, low + 6), f"{end * tick / 4:.0f} min"[:7], fill="black")
    for index, (name, curve) in enumerate(sorted(lines.items())):
        color = _COLORS[index % len(_COLORS)]
        points = [
            (left + (right - left) * minute / end, low + (high - low) * min(1.0, value / ceiling))
            for minute, value in _smooth(curve)
        ]
        if len(points) > 1:
            draw.line(points, fill=color, width=2)
        else:
            draw.ellipse([points[0][0] - 2, points[0][1] - 2, points[0][0] + 2, points[0][1] + 2], fill=color)
        draw.text((right + 8, high + 16 * index), f"{name.removeprefix('held out: ')} {curve[-1][1]:.2f}", fill=color)


def _smooth(curve: Curve) -> Curve:
    """An exponential moving average, from 30 points on."""
    if len(curve) < 30:
        return curve
    smooth, mean = [], curve[0][1]
    for minute, value in curve:
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * value
        smooth.append((minute, mean))
    return smooth
