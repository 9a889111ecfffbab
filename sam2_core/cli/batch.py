"""Processing many sources: existing targets are skipped, and a failed task does not stop the others."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from sam2_core.cli.inputs import Task
from sam2_core.console import Console
from sam2_core.errors import ConfigError, MaskletError, MediaError, WeightsError

DONE, SOME_FAILED = 0, 1  # exit codes

ProcessTask: TypeAlias = Callable[[Task], Mapping[str, Any]]
"""Writes all target files of a task and returns a summary for --json."""


def run_batch(tasks: Sequence[Task], console: Console, overwrite: bool, process: ProcessTask) -> int:
    """Process all tasks, report each, and return the exit code.

    Raises `WeightsError` and `ConfigError` of a task at once, as they concern the network and so all other tasks too.
    """
    counts: Counter[str] = Counter()
    for number, task in enumerate(tasks, start=1):
        position = f"[{number}/{len(tasks)}] " if len(tasks) > 1 else ""
        console.begin(f"{position}{task.source.name}")
        report = _run_task(task, overwrite, process)
        counts[report["status"]] += 1
        _print_report(console, report)
    if len(tasks) > 1 or counts["skipped"]:
        summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        console.note(f"{summary}{' (there already; --again writes anew)' if counts['skipped'] else ''}")
    return SOME_FAILED if counts["failed"] else DONE


def _run_task(task: Task, overwrite: bool, process: ProcessTask) -> dict[str, Any]:
    due = {name: path for name, path in task.targets.items() if overwrite or task.named or not path.exists()}
    report: dict[str, Any] = {
        "input": str(task.source),
        "files": {name: str(path) for name, path in task.targets.items()},
    }
    if not due and not task.problem:
        return {**report, "status": "skipped"}
    started = time.monotonic()
    problem, summary = _attempt(replace(task, targets=due), process)
    report["seconds"] = round(time.monotonic() - started, 2)
    if problem:
        existing = {name: str(path) for name, path in task.targets.items() if path.exists() and name not in due}
        return {**report, "files": existing, "status": "failed", "error": problem}
    return {**report, "status": "done", "written": sorted(due), **summary}


def _attempt(task: Task, process: ProcessTask) -> tuple[str, Mapping[str, Any]]:
    """Process a task; returns an error message (empty on success) and the summary."""
    try:
        if task.problem:
            raise MediaError(task.problem)
        return "", process(task)
    except (WeightsError, ConfigError):
        raise
    except MaskletError as error:
        return str(error), {}
    except OSError as error:
        return f"{error.filename}: {error.strerror}." if error.filename and error.strerror else f"{error}.", {}
    except Exception as error:  # a bug that one image triggers should not stop a long batch
        return f"This is a fault of Masklet ({type(error).__name__}: {error}).", {}


def _print_report(console: Console, report: Mapping[str, Any]) -> None:
    status, files = report["status"], report["files"]
    written = [files[name] for name in files if name in report.get("written", ())]
    console.result(report, "\n".join(written))
    if status == "failed":
        console.error(f"{report['input']}: {report['error']}")
