"""Results as text tables, and as plain data for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sam2_core.training.datasets.dataset import SkipReport
from sam2_core.training.evaluate.metrics import Calibration, Scores

HEADINGS = {
    "click1": "1 click",
    "click1_oracle": "best of 3",
    "click3": "3 clicks",
    "click5": "5 clicks",
    "box": "box",
    "click3_F1": "F 1 px",
    "click3_F2": "F 2 px",
    "iou_error": "IoU error",
    "grabcut_box": "GrabCut",
    "floodfill_click_best_of_4": "flood fill",
    "box_itself": "the box",
}
"""Column titles of scores, where they differ from the name."""

_ALL, _UNNAMED, _NOTHING = "ALL", "unnamed", "-"


def table(scores: Scores, counted: str) -> str:
    """Means in percent: a row for each source and one for all; `counted` names what is counted, such as "objects"."""
    names = list(scores.means())
    rows = [["source", counted, *(HEADINGS.get(name, name.replace("_", " ")) for name in names)]]
    for source in [*scores.sources, None]:
        means = scores.means(source)
        label = _ALL if source is None else source or _UNNAMED
        rows.append([label, str(scores.count(source)), *(_percent(means[name]) for name in names)])
    return aligned(rows)


def reliability_table(calibration: Calibration) -> str:
    """Predicted and true IoU in percent, a row for each bin of predicted IoU."""
    rows = [["predicted IoU", "masks", "mean predicted", "mean true"]]
    for each in calibration.bins():
        span = f"{100 * each.low:.0f} - {100 * each.high:.0f}"
        rows.append([span, str(each.count), _percent(each.predicted), _percent(each.true)])
    return aligned(rows)


def aligned(rows: list[list[str]]) -> str:
    """Rows with columns of equal width, the first one aligned to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def scores_data(scores: Scores, counted: str) -> dict[str, Any]:
    """{counted: n, "all": means 0..1, "sources": {name: {counted: n, "means": means}}}."""
    sources = {
        source or _UNNAMED: {counted: scores.count(source), "means": scores.means(source)} for source in scores.sources
    }
    return {counted: scores.count(), "all": scores.means(), "sources": sources}


def calibration_data(calibration: Calibration) -> dict[str, Any]:
    """{"error": mean |predicted - true|, "bins": [{low, high, count, predicted, true}, ...]}."""
    return {"error": calibration.error, "bins": [asdict(each) for each in calibration.bins()]}


def skipped_data(report: SkipReport) -> dict[str, int]:
    """How often each reason occurred."""
    return dict(report.counts.most_common())


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.1f}"
