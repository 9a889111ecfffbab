"""The files of a detector, as `save_pretrained` of the transformers library writes them into a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sam2_core.detection.known import DETECTORS, KnownDetector
from sam2_core.errors import WeightsError
from sam2_core.hub import find_cached, find_snapshot
from sam2_core.types import Progress

_TEXT_FILES = (".json", ".txt", ".model")
_WEIGHTS = (("model", ".safetensors"), ("pytorch_model", ".bin"))
"""Beginnings and endings of the files with weights, also of one in several parts; the first kind is preferred."""


def known_detector(name: str) -> KnownDetector | None:
    """The known detector with this name or this repository."""
    return next((each for each in DETECTORS.values() if name in (each.name, each.repository)), None)


def find_files(name: str, progress: Progress | None = None) -> Path:
    """The folder with the files of a detector: a path, or from the Hub by a known name or "owner/name".

    Raises `WeightsError`.
    """
    known = known_detector(name)
    if known is None and Path(name).is_dir():
        if not is_complete(Path(name)):
            raise WeightsError(
                f"{name} is no folder of a detector: it has to hold config.json and model.safetensors, with the files "
                "of its processor and tokenizer, as `save_pretrained` of the transformers library writes them."
            )
        return Path(name)
    repository = known.repository if known else name
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")) or "\\" in repository:
        raise WeightsError(
            f"There is no detector {name!r}. Known are {', '.join(DETECTORS)}; others by the path of their folder, or "
            "by their repository on the Hugging Face Hub (owner/name)."
        )
    return find_snapshot(repository, needed_files, is_complete, progress, known.megabytes if known else 0)


def is_on_disk(name: str) -> bool:
    """Whether the files of a detector (see `find_files`) are here, so that nothing needs to be downloaded."""
    known = known_detector(name)
    if known is None and Path(name).is_dir():
        return is_complete(Path(name))
    return find_cached(known.repository if known else name, is_complete) is not None


def needed_files(names: list[str]) -> list[str]:
    """Of the files of a repository those that are read; none where there are no weights."""
    top = [name for name in names if "/" not in name]
    for start, end in _WEIGHTS:
        weights = [name for name in top if name.startswith(start) and name.endswith(end)]
        if weights:
            return sorted([name for name in top if name.endswith(_TEXT_FILES)]) + sorted(weights)
    return []


def is_complete(folder: Path) -> bool:
    """Whether the configuration and all weights are in the folder."""
    if not (folder / "config.json").is_file():
        return False
    for start, end in _WEIGHTS:
        if (folder / f"{start}{end}").is_file():
            return True
        parts = read_json(folder / f"{start}{end}.index.json").get("weight_map")
        if isinstance(parts, dict) and parts:
            return all((folder / str(name)).is_file() for name in parts.values())
    return False


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object of a file; an empty one where there is none."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
