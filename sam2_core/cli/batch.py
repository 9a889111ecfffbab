"""Many sources in one go: what is there already is skipped, and what fails does not keep the rest from being done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from sam2_core.cli.inputs import Task
from sam2_core.cli.terminal import Terminal
from sam2_core.errors import ConfigError, MaskletError, MediaError, WeightsError

DONE, SOME_FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""

Do: TypeAlias = Callable[[Task], Mapping[str, Any]]
"""Writes all files of a task; returns what is worth telling about them, as plain data."""


def work_through(tasks: Sequence[Task], terminal: Terminal, again: bool, do: Do) -> int:
    """Do all tasks, report each, and return the exit code. `WeightsError` and `ConfigError` end it: what the network
    lacks, it lacks for all."""
    counts: Counter[str] = Counter()
    for number, task in enumerate(tasks, start=1):
        place = f"[{number}/{len(tasks)}] " if len(tasks) > 1 else ""
        terminal.begin(f"{place}{task.source.name}")
        report = _one(task, again, do)
        counts[report["status"]] += 1
        _tell(terminal, report)
    if len(tasks) > 1 or counts["skipped"]:
        said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        terminal.note(f"{said}{' (there already; --again writes anew)' if counts['skipped'] else ''}")
    return SOME_FAILED if counts["failed"] else DONE


def _one(task: Task, again: bool, do: Do) -> dict[str, Any]:
    due = {kind: path for kind, path in task.targets.items() if again or task.named or not path.exists()}
    about: dict[str, Any] = {
        "input": str(task.source),
        "files": {kind: str(path) for kind, path in task.targets.items()},
    }
    if not due and not task.problem:
        return {**about, "status": "skipped"}
    begun = time.monotonic()
    problem, facts = _attempt(replace(task, targets=due), do)
    about["seconds"] = round(time.monotonic() - begun, 2)
    if problem:
        there = {kind: str(path) for kind, path in task.targets.items() if path.exists() and kind not in due}
        return {**about, "files": there, "status": "failed", "error": problem}
    return {**about, "status": "done", "written": sorted(due), **facts}


def _attempt(task: Task, do: Do) -> tuple[str, Mapping[str, Any]]:
    """What went wrong (empty: nothing), and what there is to tell."""
    try:
        if task.problem:
            raise MediaError(task.problem)
        return "", do(task)
    except (WeightsError, ConfigError):
        raise
    except MaskletError as error:
        return str(error), {}
    except OSError as error:
        return sentence_of(error), {}
    except Exception as error:  # a fault of ours with one picture should not cost a night's work on all others
        return f"This is a fault of Masklet ({type(error).__name__}: {error}).", {}


def sentence_of(error: OSError) -> str:
    """What the operating system did not like."""
    return f"{error.filename}: {error.strerror}." if error.filename and error.strerror else f"{error}."


def _tell(terminal: Terminal, report: Mapping[str, Any]) -> None:
    status, files = report["status"], report["files"]
    written = [files[kind] for kind in files if kind in report.get("written", ())]
    terminal.result(report, "\n".join(written))
    if status == "failed":
        terminal.error(f"{report['input']}: {report['error']}")
