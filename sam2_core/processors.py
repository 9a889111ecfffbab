"""How many processor cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")


def usable_cores(control_groups: Path = CONTROL_GROUPS) -> int:
    """The cores that the system lets this process run on, or fewer where a container may take only a share of their
    time: there the machine may have many more, and a thread for each of them would mostly wait."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, math.ceil(_quota(control_groups) or cores)))


def _quota(folder: Path) -> float | None:
    """Cores' worth of time that the container may take (control groups of version 2, else 1); None: no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        try:
            quota, period = ((folder / "cpu" / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period"))
        except (OSError, ValueError):
            return None
    try:
        return int(quota) / int(period) if int(quota) > 0 else None
    except (ValueError, ZeroDivisionError):  # "max"
        return None
