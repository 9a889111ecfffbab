"""What a target file depends on: the input, the files that options name, and the options themselves."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam2_core.cli.manifest import digest_file
from sam2_core.cli.tasks import Task
from sam2_core.media import EXPORT_FORMATS, ExportOptions
from sam2_core.networks import BUNDLED, join_name, split_name
from sam2_core.version import __version__

_FILE_OPTIONS = ("look", "model", "checkpoint", "prompts", "masks")
"""Options whose values may name a file."""
_INPUTS = ("images", "clips", "media", "files")
_WITHOUT_EFFECT = {*_INPUTS, "json", "quiet", "again", "out", "export", "default_formats", "device", "look", "backdrop"}
"""Options that do not change a file, and those whose effect on it `ExportOptions` describes."""
_EXPORT_FIELDS = {
    "look": ("effects", "backdrops"), "polygons": ("polygons",), "pictures": ("include_images",),
    "side_by_side": ("side_by_side",), "cropped": ("cropped",), "largest_side": ("max_side",),
}  # fmt: skip
"""The fields of `ExportOptions` by `ExportFormat.option_keys`."""


@dataclass
class Settings:
    """What a command makes target files of, besides a task's own input."""

    command: str
    options: argparse.Namespace
    export: ExportOptions
    inputs_of: Callable[[Task], Iterable[Path]] = lambda task: ()
    """Further files that belong to a task, such as a clip beside its project."""
    _files: dict[Path, str] = field(default_factory=dict)

    def digests(self, task: Task) -> dict[str, str]:
        """A digest for each format of a task: it changes with all that the file depends on. Raises `OSError`."""
        inputs = [self._digest(path) for path in (task.source, *self.inputs_of(task))]
        common = {"version": __version__, "command": self.command, "inputs": inputs, "options": self._options()}
        return {name: _digest_text({**common, "format": name, "export": self._export(name)}) for name in task.targets}

    def _options(self) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for name, value in vars(self.options).items():
            if name in _WITHOUT_EFFECT:
                continue
            if name == "prompt_flags":
                flags = value or ()
                plain[name] = [(flag, self._of_value(each) if flag == "--mask" else each) for flag, each in flags]
            else:
                plain[name] = self._of_value(value) if name in _FILE_OPTIONS else value
        image_size = plain.pop("image_size", None)
        if plain.get("model"):
            name, image_size = split_name(join_name(self.options.model, image_size))
            plain["model"] = self._of_value(name)
        else:
            plain["model"] = None if plain.get("checkpoint") else BUNDLED
        return plain if image_size is None else {**plain, "image_size": image_size}

    def _of_value(self, value: Any) -> Any:
        """The value of an option that may name a file: with the content of that."""
        if isinstance(value, str | Path) and Path(value).is_file():
            return {"file": self._digest(Path(value))}
        return value

    def _export(self, name: str) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key in EXPORT_FORMATS[name].option_keys:
            for each in _EXPORT_FIELDS.get(key, ()):
                value = getattr(self.export, each)
                if each == "effects":
                    value = value.to_json()
                elif each == "backdrops":
                    value = {text: hashlib.sha256(pixels.tobytes()).hexdigest() for text, pixels in value.items()}
                plain[each] = value
        return plain

    def _digest(self, path: Path) -> str:
        if path not in self._files:
            self._files[path] = digest_file(path)
        return self._files[path]


def _digest_text(plain: dict[str, Any]) -> str:
    text = json.dumps(plain, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()
