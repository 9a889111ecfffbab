"""From a name to a detector on its device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from sam2_core.detection.detector import Detector
from sam2_core.detection.grounding_dino import GroundingDino
from sam2_core.detection.known import DEFAULT_DETECTOR
from sam2_core.detection.model_files import find_files, known_detector, read_json
from sam2_core.detection.queries import QueryDetector
from sam2_core.detection.sam3 import ConceptSegmenter
from sam2_core.detection.transformers_library import import_problem, quiet_loading, transformers_class
from sam2_core.errors import MaskletError, WeightsError
from sam2_core.hub import first_line
from sam2_core.types import Progress

_KINDS: dict[str, Callable[[Any, Path], Detector]] = {
    "grounding-dino": GroundingDino.on,
    "mm-grounding-dino": GroundingDino.on,
    "owlvit": QueryDetector.on,
    "owlv2": QueryDetector.on,
    "omdet-turbo": QueryDetector.on,
    "sam3": ConceptSegmenter.on,
    "sam3_video": ConceptSegmenter.on,
}
"""By the `model_type` of config.json."""


def load_detector(
    name: str | None = None,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    processor: Path | None = None,
) -> Detector:
    """Load a detector: a known name, the path of a folder, or "owner/name" on the Hugging Face Hub.

    Weights are downloaded once, with progress. The network is in evaluation mode, in fp16 on CUDA, else in fp32. No
    code of the repository is run, and no pickled objects are read. `processor` is a folder of its own for the processor
    and the tokenizer. Raises `ConfigError` where the transformers library
    is missing, `WeightsError` where the weights cannot be had, and what `progress` raises.
    """
    name, place = name or DEFAULT_DETECTOR, torch.device(device)
    config_class = transformers_class("AutoConfig")  # before a download that would be in vain
    folder = find_files(name, progress)
    if progress is not None:
        progress(None, "Loading the detector")
    kind = read_json(folder / "config.json").get("model_type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise WeightsError(f"{name} is no detector that text can prompt ({kind}). Known kinds: {', '.join(_KINDS)}.")
    model_class = transformers_class("Sam3Model" if kind.startswith("sam3") else "AutoModelForZeroShotObjectDetection")
    try:
        with quiet_loading():
            config = config_class.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model = _load_model(
                name, model_class, folder, config, torch.float16 if place.type == "cuda" else torch.float32
            )
            detector = _KINDS[kind](model.to(place), processor or folder)
    except MaskletError:
        raise
    except Exception as error:  # the library raises anything for files that do not belong together
        problem = import_problem(error)
        raise problem or WeightsError(f"The detector {name} cannot be loaded: {first_line(error)}") from error
    known = known_detector(name)
    if known is not None:
        detector.thresholds = known.thresholds
    return detector


def _load_model(name: str, model_class: Any, folder: Path, config: Any, dtype: torch.dtype) -> Any:
    """The network with its weights; raises `WeightsError` where some are missing, which would be random."""
    model, report = model_class.from_pretrained(
        folder, config=config, dtype=dtype, local_files_only=True, trust_remote_code=False, output_loading_info=True
    )
    missing = sorted(report["missing_keys"])
    if missing:
        raise WeightsError(f"{name} lacks weights of its network ({len(missing)}, as {missing[0]}). Fetch it again.")
    return model.eval().requires_grad_(False)
