"""CLIP (Radford et al. 2021) of the transformers library: embeddings of pictures and texts in one space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sam2_core.detection.model_files import is_complete, needed_files
from sam2_core.detection.transformers_library import import_problem, quiet_loading, transformers_class
from sam2_core.errors import MaskletError, WeightsError
from sam2_core.hub import find_snapshot, first_line
from sam2_core.types import Progress

_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


class Clip:
    """A network of CLIP with its tokenizer, in evaluation mode."""

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name, self._model, self._tokenizer = name, model, tokenizer
        self.width = int(model.config.projection_dim)
        """D, the length of an embedding."""
        self.image_size = int(model.config.vision_config.image_size)
        """Side of the square pictures that it takes."""

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        device: torch.device = self._model.device
        return device

    def normalize(self, pixels: Tensor) -> Tensor:
        """Pictures (N, 3, `image_size`, `image_size`) in RGB, 0 to 1, as the network takes them."""
        mean, std = (torch.tensor(values, device=self.device)[:, None, None] for values in (_MEAN, _STD))
        return ((pixels.to(self.device) - mean) / std).to(self._model.dtype)

    @torch.no_grad()
    def embed_images(self, pixels: Tensor) -> Tensor:
        """Pictures as in `normalize` -> embeddings (N, D)."""
        return _embeddings(self._model.get_image_features(pixel_values=self.normalize(pixels)))

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Texts -> embeddings (N, D); what is too long for the network is cut off."""
        length = int(self._model.config.text_config.max_position_embeddings)
        tokens = self._tokenizer(list(texts), padding=True, truncation=True, max_length=length, return_tensors="pt").to(
            self.device
        )
        features = self._model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        return _embeddings(features)


def load_clip(name: str, device: torch.device | str = "cpu", progress: Progress | None = None) -> Clip:
    """Load a CLIP from a folder that `save_pretrained` has written, or from the Hugging Face Hub as "owner/name".

    Raises `ConfigError` where the transformers library is missing, and `WeightsError` where the weights are.
    """
    model_class, tokenizer_class = transformers_class("CLIPModel"), transformers_class("AutoTokenizer")
    folder = _find_folder(name, progress)
    try:
        with quiet_loading():
            model, report = model_class.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, output_loading_info=True, dtype=torch.float32
            )
            tokenizer = tokenizer_class.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except MaskletError:
        raise
    except Exception as error:  # the library raises anything for files that do not belong together
        problem = import_problem(error)
        raise problem or WeightsError(f"The CLIP {name} cannot be loaded: {first_line(error)}") from error
    if report["missing_keys"]:
        raise WeightsError(f"{folder} lacks weights of CLIP, as {sorted(report['missing_keys'])[0]}. Fetch it again.")
    return Clip(name, model.to(device).eval().requires_grad_(False), tokenizer)


def _find_folder(name: str, progress: Progress | None) -> Path:
    if Path(name).is_dir():
        if is_complete(Path(name)):
            return Path(name)
        raise WeightsError(f"{name} is no folder with a CLIP: it has to hold config.json and model.safetensors.")
    if name.count("/") != 1 or name.startswith((".", "/", "~")) or "\\" in name:
        raise WeightsError(
            f"There is no CLIP {name!r}: give a folder, or a repository of the Hugging Face Hub such as "
            "openai/clip-vit-base-patch32."
        )
    return find_snapshot(name, needed_files, is_complete, progress, 0)


def _embeddings(output: Any) -> Tensor:
    """The library gives the embeddings alone or, from version 5 on, as `pooler_output`."""
    features: Tensor = getattr(output, "pooler_output", output)
    return features.float()
