"""Runs commands as a user does, with an engine that needs no network."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sam2_core.cli.main import main
from sam2_core.types import Mask, Progress
from tests.fakes import FakeEngine


@dataclass
class CommandResult:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def results(self) -> list[dict[str, Any]]:
        """The lines of --json, parsed."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def result(self) -> dict[str, Any]:
        """The only line of --json."""
        [result] = self.results
        return result


@dataclass
class CommandRunner:
    """Runs commands in this process; `built` are the options of each network that was loaded."""

    capture: pytest.CaptureFixture[str]
    engine: FakeEngine = field(default_factory=FakeEngine)
    built: list[argparse.Namespace] = field(default_factory=list)

    def __call__(self, *arguments: str | Path) -> CommandResult:
        self.capture.readouterr()
        code = main([str(each) for each in arguments], self._build)
        captured = self.capture.readouterr()
        return CommandResult(code, captured.out, captured.err)

    def _build(self, options: argparse.Namespace, progress: Progress) -> FakeEngine:
        self.built.append(options)
        progress(None, "Loading")
        return self.engine


def masks_in(file: Path) -> dict[tuple[int, int], Mask]:
    """(frame, object) -> mask of a COCO file."""
    plain = json.loads(file.read_text("utf-8"))
    frames = {image["id"]: image.get("frame_index", 0) for image in plain["images"]}
    return {
        (frames[each["image_id"]], each["track_id"]): Mask.from_coco(each["segmentation"])
        for each in plain["annotations"]
    }
