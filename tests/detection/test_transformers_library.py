"""The messages for a missing or broken library, which is an extra."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from sam2_core.detection import transformers_library
from sam2_core.detection.loading import load_detector
from sam2_core.detection.transformers_library import import_problem, transformers_class
from sam2_core.errors import ConfigError
from sam2_core.paths import install_command

ROOT = Path(__file__).resolve().parents[2]


def test_without_the_library_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=rf"not here: {re.escape(install_command('text'))} \(\d+ MB\)\."):
        load_detector("grounding_dino_tiny")
    monkeypatch.setattr(transformers_library, "MIN_PYTHON", (9, 0))
    with pytest.raises(ConfigError, match=r"needs Python 3\.11"):
        load_detector("grounding_dino_tiny")


def test_a_library_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", ModuleType("transformers"))
    with pytest.raises(ConfigError, match=r"has no Sam3Model\. Update it"):
        transformers_class("Sam3Model")


def test_other_libraries_that_are_missing_are_named() -> None:
    problem = import_problem(ImportError("\nOwlv2ImageProcessorPil requires the scipy library\nand so on"))
    assert str(problem).startswith("This detector needs another library: Owlv2ImageProcessorPil requires the scipy")
    assert import_problem(ValueError("some other error")) is None


def test_a_torchvision_that_does_not_fit_is_named(tmp_path: Path) -> None:
    """It breaks every import of the library's networks, whether they need it or not."""
    pytest.importorskip("transformers", reason="text prompts need the extra `text`")
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        'raise RuntimeError("operator torchvision::nms does not exist")', "utf-8"
    )
    (tmp_path / "torchvision-0.1.dist-info").mkdir()
    (tmp_path / "torchvision-0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.1\n", "utf-8"
    )
    (tmp_path / "config.json").write_text('{"model_type": "owlv2"}', "utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    code = f"from sam2_core.detection.loading import load_detector\nload_detector({str(tmp_path)!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120
    )
    assert "torchvision 0.1 does not fit PyTorch" in done.stderr.splitlines()[-1]
