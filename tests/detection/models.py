"""Tiny detectors with random weights, saved as the library saves real ones, with tokenizers of a few words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sam2_core.detection.detector import RgbPixels

transformers = pytest.importorskip("transformers", reason="text prompts need the extra `text`")

WORDS = ["dog", "wheel", "red", "car", "of", "a", "the"]
SPECIAL_IDS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029}
"""Grounding DINO knows these tokens by their numbers in BERT's vocabulary."""


def picture(height: int = 48, width: int = 64) -> RgbPixels:
    """A bright square on noise."""
    pixels = np.random.default_rng(0).integers(0, 90, (height, width, 3), dtype=np.uint8)
    pixels[height // 4 : height // 2, width // 4 : width // 2] = (230, 60, 40)
    return pixels


def save_grounding_dino(folder: Path, max_text_len: int = 16) -> Path:
    """A Grounding DINO of 32 channels with 20 object queries."""
    torch.manual_seed(0)
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=64,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 1, 1],
            window_size=4,
            out_indices=[2, 3, 4],
        ),
        text_config=transformers.BertConfig(
            vocab_size=1100,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=64,
        ),
        d_model=32,
        num_queries=20,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_feature_levels=4,
        max_text_len=max_text_len,
    )
    model = transformers.GroundingDinoForObjectDetection(config)
    spread(model)
    model.save_pretrained(folder)
    image_processor = transformers.AutoImageProcessor.from_pretrained(
        written(folder, image_processor_type="GroundingDinoImageProcessor", size={"height": 96, "width": 96})
    )
    processor = transformers.GroundingDinoProcessor(image_processor, bert_tokenizer())
    processor.save_pretrained(folder)
    return folder


def save_owlv2(folder: Path) -> Path:
    """An OWLv2 of 16 channels with 16 patches."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = transformers.Owlv2Config(
        text_config={**sizes, "vocab_size": 300, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
        vision_config={**sizes, "image_size": 64, "patch_size": 16},
        projection_dim=16,
    )
    model = transformers.Owlv2ForObjectDetection(config)
    spread(model)
    model.save_pretrained(folder)
    image_processor = transformers.AutoImageProcessor.from_pretrained(
        written(folder, image_processor_type="Owlv2ImageProcessor", size={"height": 64, "width": 64})
    )
    transformers.Owlv2Processor(image_processor, clip_tokenizer(16)).save_pretrained(folder)
    return folder


def save_sam3(folder: Path) -> Path:
    """A SAM 3 of 32 channels with 10 object queries; its processor would need torchvision, and is not there."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
    config = transformers.Sam3Config(
        vision_config={
            "backbone_config": {
                **sizes,
                "model_type": "sam3_vit_model",
                "num_hidden_layers": 2,
                "image_size": 56,
                "patch_size": 14,
                "window_size": 2,
                "global_attn_indexes": [1],
                "pretrain_image_size": 56,
            },
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={
            **sizes,
            "model_type": "clip_text_model",
            "vocab_size": 300,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "projection_dim": 16,
            "num_hidden_layers": 1,
            "max_position_embeddings": 32,
        },
        geometry_encoder_config={**sizes, "num_layers": 1},
        detr_encoder_config={**sizes, "num_layers": 1},
        detr_decoder_config={**sizes, "num_layers": 1, "num_queries": 10},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    model = transformers.Sam3Model(config)
    spread(model)
    model.save_pretrained(folder)
    clip_tokenizer(32).save_pretrained(folder)
    return folder


def spread(model: torch.nn.Module) -> None:
    """Make outputs differ from query to query, as those of trained weights do."""
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and "embed_tokens" not in name:
            torch.nn.init.normal_(parameter, std=0.15)


def written(folder: Path, **settings: Any) -> Path:
    """The folder, after writing the settings of its image processor."""
    (folder / "preprocessor_config.json").write_text(json.dumps(settings), "utf-8")
    return folder


def bert_tokenizer() -> Any:
    """BERT's tokenizer with `WORDS`, the special tokens at their usual numbers."""
    vocabulary = [f"[unused{number}]" for number in range(1100)]
    for token, number in SPECIAL_IDS.items():
        vocabulary[number] = token
    for number, word in enumerate([*WORDS, "##s"], start=200):
        vocabulary[number] = word
    return transformers.BertTokenizerFast(vocab={word: number for number, word in enumerate(vocabulary)})


def clip_tokenizer(length: int) -> Any:
    """CLIP's tokenizer with single letters only, for texts of up to `length` tokens."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    tokens = ["<pad>", "<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return transformers.CLIPTokenizerFast(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=[],
        pad_token="<pad>",
        model_max_length=length,
    )
