"""Processing many sources: what is there already with the same settings is skipped, and a failed task does not stop
the others."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sam2_core.cli.manifest import Manifest, State
from sam2_core.cli.outputs import file_suffixes
from sam2_core.cli.settings import Settings
from sam2_core.cli.tasks import Task
from sam2_core.console import Console, describe_os_error
from sam2_core.errors import ConfigError, MaskletError, MediaError, WeightsError

DONE, NOT_ALL_DONE = 0, 1  # exit codes
_TEXTS = ("json", "csv")  # suffixes of files that a terminal may show

ProcessTask: TypeAlias = Callable[[Task], Mapping[str, Any]]
"""Writes all target files of a task and returns a summary for --json."""

_OUTCOMES: Mapping[State | Literal["again"], str] = {
    "missing": "computed", "current": "skipped", "outdated": "replaced", "unfinished": "replaced",
    "foreign": "kept", "changed": "kept", "other": "kept", "again": "replaced",
}  # fmt: skip
_REASONS: Mapping[str, str] = {
    "current": "it is there already, made of the same input with the same settings",
    "outdated": "it was made with other settings, or of another input",
    "unfinished": "an earlier run did not complete it",
    "foreign": "it is there already and was not written by a run that kept a manifest in this folder",
    "changed": "it was changed since it was written",
    "other": "it was made of another input, which has the same name",
    "again": "it was there already",
}

_SUMMARY = {
    "done": "done",
    "replaced": "of them replaced",
    "failed": "failed",
    "kept": "not done (other files are there; --again overwrites them)",
    "skipped": "skipped (there already; --again writes anew)",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about each target of a task ("computed", "replaced", "skipped" or "kept"), and why."""

    outcomes: Mapping[str, str]
    reasons: Mapping[str, str]

    @property
    def due(self) -> list[str]:
        """The formats to write."""
        return [name for name, outcome in self.outcomes.items() if outcome in ("computed", "replaced")]

    @property
    def kept(self) -> list[str]:
        """The formats that should be written, but would overwrite what another program or a person has made."""
        return [name for name, outcome in self.outcomes.items() if outcome == "kept"]


def run_batch(
    tasks: Sequence[Task], console: Console, overwrite: bool, settings: Settings, process: ProcessTask
) -> int:
    """Process all tasks, report each, and return the exit code.

    Raises `WeightsError` and `ConfigError` of a task at once, as they concern the network and so all other tasks too.
    """
    counts: Counter[str] = Counter()
    batch = _Batch(console, overwrite, settings, process)
    for number, task in enumerate(tasks, start=1):
        position = f"[{number}/{len(tasks)}] " if len(tasks) > 1 else ""
        console.begin(f"{position}{task.source.name}")
        report = batch.run(task)
        counts[report["status"]] += 1
        counts["replaced"] += "replaced" in report.get("outcomes", {}).values()
        _print_report(console, report, task)
    _print_summary(console, counts, len(tasks))
    return NOT_ALL_DONE if counts["failed"] or counts["kept"] else DONE


@dataclass
class _Batch:
    console: Console
    overwrite: bool
    settings: Settings
    process: ProcessTask

    def __post_init__(self) -> None:
        self._manifests: dict[Path, Manifest] = {}

    def run(self, task: Task) -> dict[str, Any]:
        """Process one task, and describe what was done."""
        files = {name: str(path) for name, path in task.targets.items()}
        report: dict[str, Any] = {"input": str(task.source), "files": files}
        digests = self._digests(task)
        plan = self._plan(task, digests)
        started = time.monotonic()
        problem, summary = "", dict[str, Any]()
        if plan.due or task.problem:
            due = replace(task, targets={name: task.targets[name] for name in plan.due})
            problem, found = self._attempt(due, digests)
            summary = dict(found)
            report["seconds"] = round(time.monotonic() - started, 2)
        if problem:
            existing = {name: path for name, path in files.items() if Path(path).exists() and name not in plan.due}
            return {**report, "files": existing, "status": "failed", "error": problem}
        described = {"written": sorted(plan.due), "outcomes": dict(plan.outcomes), "reasons": dict(plan.reasons)}
        if plan.kept:
            names = ", ".join(files[name] for name in plan.kept)
            reason = plan.reasons[plan.kept[0]]
            error = f"{names} is left as it is: {reason}. Write it anew with --again, or name another folder for --out."
            return {**report, "status": "kept", "error": error, **described, **summary}
        return {**report, "status": "done" if plan.due else "skipped", **described, **summary}

    def _plan(self, task: Task, digests: Mapping[str, str]) -> Plan:
        outcomes, reasons = {}, {}
        for name, path in task.targets.items():
            if task.to_stdout:
                outcomes[name] = "computed"
                continue
            if task.anew or self.overwrite or not digests:
                state: State | Literal["again"] = "again" if path.exists() else "missing"
            else:
                state = self._manifest(path).state(path, digests[name], task.source)
            outcomes[name] = _OUTCOMES[state]
            if state in _REASONS:
                reasons[name] = _REASONS[state]
        return Plan(outcomes, reasons)

    def _digests(self, task: Task) -> dict[str, str]:
        """The settings' digests; none if an input cannot be read, which is reported when it is opened."""
        if task.problem or task.to_stdout or (task.anew and not self._recorded(task)):
            return {}
        try:
            return self.settings.digests(task)
        except (OSError, MaskletError):
            return {}

    def _recorded(self, task: Task) -> bool:
        """Whether the files of this task are recorded: one that is made anew only where a manifest is kept already."""
        return any(not task.anew or self._manifest(path).exists for path in task.targets.values())

    def _manifest(self, target: Path) -> Manifest:
        return self._manifests.setdefault(target.parent, Manifest(target.parent))

    def _attempt(self, task: Task, digests: Mapping[str, str]) -> tuple[str, Mapping[str, Any]]:
        """Process a task; returns an error message (empty on success) and the summary."""
        try:
            if task.problem:
                raise MediaError(task.problem)
            if task.to_stdout:
                return "", _process_to_stdout(task, self.process)
            if not digests:
                return "", self.process(task)
            return "", self._process_recorded(task, digests)
        except (WeightsError, ConfigError, BrokenPipeError):
            raise
        except MaskletError as error:
            return str(error), {}
        except OSError as error:
            return describe_os_error(error), {}
        except Exception as error:  # a bug that one image triggers should not stop a long batch
            return f"This is a fault of Masklet ({type(error).__name__}: {error}).", {}

    def _process_recorded(self, task: Task, digests: Mapping[str, str]) -> Mapping[str, Any]:
        """Process a task, and record its files in the manifest of their folder."""
        targets = list(task.targets.values())
        manifest = self._manifest(targets[0])
        try:
            summary = self.process(replace(task, begin=lambda: manifest.begin(targets)))
        except Exception:
            manifest.give_up(targets)
            raise
        manifest.finish({path: digests[name] for name, path in task.targets.items()}, task.source)
        return summary


def _process_to_stdout(task: Task, process: ProcessTask) -> Mapping[str, Any]:
    """Process a task with one target, and copy that to stdout. Raises `MediaError` where that is a terminal."""
    [name] = task.targets
    suffix = file_suffixes(name, task.media)[0]
    if sys.stdout.isatty() and suffix not in _TEXTS:
        raise MediaError(f"A terminal cannot show a .{suffix} file: redirect stdout (> FILE), or pipe it.")
    with tempfile.TemporaryDirectory(prefix="masklet-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / f"stdout.{suffix}"
        summary = process(replace(task, targets={name: target}))
        with target.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return summary


def _print_report(console: Console, report: Mapping[str, Any], task: Task) -> None:
    status, files = report["status"], report["files"]
    written = [] if task.to_stdout else [files[name] for name in files if name in report.get("written", ())]
    console.result(report, "\n".join(written))
    if status in ("failed", "kept"):
        console.error(f"{report['input']}: {report['error']}")
    if task.anew:
        for name in report.get("outcomes", {}):
            if report["outcomes"][name] == "replaced":
                console.note(f"{files[name]}: replaced")
    empty = [each["name"] for each in report.get("objects", ()) if not each["frames"]]
    if "objects" in report and (empty or not report["objects"]):
        console.note(f"{report['input']}: nothing was found{' of ' if empty else ''}{', '.join(empty)}")


def _print_summary(console: Console, counts: Counter[str], tasks: int) -> None:
    if tasks < 2 and not counts["skipped"]:
        return
    console.note(", ".join(f"{counts[name]} {text}" for name, text in _SUMMARY.items() if counts[name]))
