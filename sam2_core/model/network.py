"""SAM 2 as three verbs without state: `encode_image`, `predict_masks`, `encode_memory` (paper, section 4).

Memory is an input like an image: `attend` takes the memories and pointers that the caller chose. Which frames to
choose is the business of `tracking`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.model.config import NetworkConfig
from sam2_core.model.image_encoder import ImageEncoder
from sam2_core.model.layers import MLP
from sam2_core.model.mask_decoder import MaskDecoder, MaskPrediction
from sam2_core.model.memory_attention import MemoryAttention
from sam2_core.model.memory_encoder import MemoryEncoder
from sam2_core.model.position_encoding import sine_map, sine_of_time
from sam2_core.model.prompt_encoder import PromptEncoder
from sam2_core.model.strict_boxes import answer_together, are_boxes

ABSENT_LOGIT = -1024.0
"""Mask logit everywhere on a frame where the object score says: not here."""

MASK_PROMPT_LOGIT = 10.0
"""A mask that a user gives counts as this sure (probability 0.99995), inside and outside."""


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """An encoded image: `embedding` (B, C, H, W) and the decoder's `high_res` maps, (B, C / 8, 4H, 4W) and
    (B, C / 4, 2H, 2W)."""

    embedding: Tensor
    high_res: tuple[Tensor, Tensor]

    def __getitem__(self, index: int) -> ImageFeatures:
        """The features of one image of the batch, still with a batch axis."""
        stride4, stride8 = self.high_res
        return ImageFeatures(
            self.embedding[index : index + 1], (stride4[index : index + 1], stride8[index : index + 1])
        )

    @property
    def bytes(self) -> int:
        """Memory that the maps take."""
        return sum(x.numel() * x.element_size() for x in (self.embedding, *self.high_res))


@dataclass(frozen=True, slots=True)
class Memory:
    """A remembered frame: `features` (B, D, H, W) and its `slot`, 0 for a prompted frame, else 1 (the frame just
    before) to memory_slots - 1."""

    features: Tensor
    slot: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """A remembered object pointer: `vector` (B, C) and its `time`, 0 on the frame itself and 1 as far back along the
    tracking direction as pointers are looked at."""

    vector: Tensor
    time: float


class SAM2(nn.Module):
    """The network; attribute names equal those of the official checkpoints."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        width, depth = config.width, config.memory_width
        self.config = config
        self.image_encoder = ImageEncoder(config)
        self.sam_prompt_encoder = PromptEncoder(config)
        self.sam_mask_decoder = MaskDecoder(config)
        self.memory_attention = MemoryAttention(config)
        self.memory_encoder = MemoryEncoder(config)
        self.obj_ptr_proj = MLP((width, width, width, width))
        self.mask_downsample = nn.Conv2d(1, 1, kernel_size=4, stride=4)
        self.maskmem_tpos_enc = nn.Parameter(torch.zeros(config.memory_slots, 1, 1, depth))
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, width))
        self.no_mem_pos_enc = nn.Parameter(torch.zeros(1, 1, width))  # in the checkpoints, but never used
        self.no_obj_ptr = nn.Parameter(torch.zeros(1, width))
        if config.no_object_in_memory:
            self.no_obj_embed_spatial = nn.Parameter(torch.zeros(1, depth))
        if config.pointer_times:
            self.obj_ptr_tpos_proj = nn.Linear(width, depth)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.no_mem_embed.device

    @property
    def image_size(self) -> int:
        """S, the side of the square input in pixels."""
        return self.config.image_size

    # --- the three verbs ---------------------------------------------------------------------------------------

    def encode_image(self, image: Tensor) -> ImageFeatures:
        """Encode normalised images (B, 3, S, S)."""
        neck, decoder = self.image_encoder.neck, self.sam_mask_decoder
        stride4, stride8, stride16, stride32 = self.image_encoder.trunk(image)
        return ImageFeatures(
            embedding=neck.embedding(stride16, stride32),
            high_res=(neck.projected(0, stride4, decoder.conv_s0), neck.projected(1, stride8, decoder.conv_s1)),
        )

    def predict_masks(
        self,
        embedding: Tensor,
        high_res: tuple[Tensor, Tensor],
        points: tuple[Tensor, Tensor] | None,
        mask_logits: Tensor | None,
        multimask: bool | None,
    ) -> MaskPrediction:
        """Answer prompts on an embedding that already knows about memory (`attend` or `without_memory`).

        Embedding (B or 1, C, H, W); points as coordinates (B, N, 2) in pixels of the S x S input and labels (B, N),
        see `PromptEncoder`; mask logits (B, 1, 4H, 4W). One embedding serves any number of prompts. The answer is one
        mask, three candidates (`multimask`), or with None all four of them, as training needs them.
        """
        encoder = self.sam_prompt_encoder
        if points is not None:
            tokens = encoder.embed_points(*points)
        else:
            batch = len(embedding) if mask_logits is None else len(mask_logits)
            tokens = embedding.new_zeros(batch, 0, self.config.width)
        image = (embedding + encoder.embed_mask(mask_logits, len(tokens))).expand(len(tokens), -1, -1, -1)
        decoder, places = self.sam_mask_decoder, encoder.image_positions()
        single = multimask is False and not self.training
        if self.config.strict_boxes and single and points is not None and are_boxes(points[1]):
            return answer_together(decoder.predict_all(image, places, high_res, tokens), points[0], self.image_size)
        return decoder(image, places, high_res, tokens, multimask)

    def encode_memory(self, embedding: Tensor, mask_logits: Tensor, object_score: Tensor, prompted: bool) -> Tensor:
        """Turn a frame and its mask into a memory (B, D, H, W).

        Embedding (B, C, H, W) without memory, mask logits (B, 1, 4H, 4W) or (B, 1, S, S), object scores (B, 1). On
        `prompted` frames the mask counts as the user saw it: binary.
        """
        size = (self.image_size, self.image_size)
        if mask_logits.shape[-2:] != size:
            mask_logits = F.interpolate(mask_logits.float(), size=size, mode="bilinear", align_corners=False)
        mask = (mask_logits > 0).float() if prompted else mask_logits.float().sigmoid()
        memory: Tensor = self.memory_encoder(embedding, 20 * mask - 10)
        if self.config.no_object_in_memory:
            absent = (object_score <= 0).to(memory.dtype)[..., None, None]
            memory = memory + absent * self.no_obj_embed_spatial[..., None, None]
        return memory

    # --- what goes between them --------------------------------------------------------------------------------

    def without_memory(self, embedding: Tensor) -> Tensor:
        """The embedding of a frame that is seen for itself (a first prompt, a still image)."""
        return embedding + self.no_mem_embed.transpose(1, 2)[..., None]

    def attend(self, embedding: Tensor, memories: Sequence[Memory], pointers: Sequence[Pointer]) -> Tensor:
        """Condition an embedding (B, C, H, W) on memories (at least one) and object pointers: (B, C, H, W)."""
        side, batch = self.config.embedding_size, len(embedding)
        tokens, places = self._memory_tokens(memories, sine_map(self.config.memory_width, side, side, self.device))
        pointer_count = 0
        if pointers:
            pointer_tokens, pointer_places = self._pointer_tokens(pointers)
            pointer_count = pointer_tokens.shape[1]
            tokens, places = torch.cat([tokens, pointer_tokens], 1), torch.cat([places, pointer_places], 1)
        image_pe = sine_map(self.config.width, side, side, self.device)
        return self.memory_attention(
            embedding, image_pe, tokens.expand(batch, -1, -1), places.expand(batch, -1, -1), pointer_count
        )

    def _memory_tokens(self, memories: Sequence[Memory], place: Tensor) -> tuple[Tensor, Tensor]:
        """Memories as tokens and positions, (B, K, D) and (1, K, D)."""
        dtype = self.no_mem_embed.dtype  # memories are stored in bfloat16
        tokens = torch.cat([memory.features.to(dtype).flatten(2).transpose(1, 2) for memory in memories], dim=1)
        flat_place = place.flatten(2).transpose(1, 2)
        places = torch.cat([flat_place + self.maskmem_tpos_enc[memory.slot - 1, 0] for memory in memories], dim=1)
        return tokens, places

    def _pointer_tokens(self, pointers: Sequence[Pointer]) -> tuple[Tensor, Tensor]:
        """Each pointer cut into C / D tokens of width D, with the code of its time: (B, K, D) and (1, K, D)."""
        width, depth = self.config.width, self.config.memory_width
        vectors = torch.stack([pointer.vector for pointer in pointers], dim=1)  # (B, T, C)
        tokens = vectors.unflatten(2, (width // depth, depth)).flatten(1, 2)
        if not self.config.pointer_times:
            return tokens, tokens.new_zeros(1, tokens.shape[1], depth)
        return tokens, self._pointer_times(pointers).repeat_interleave(width // depth, dim=0)[None]

    def _pointer_times(self, pointers: Sequence[Pointer]) -> Tensor:
        times = torch.tensor([pointer.time for pointer in pointers], dtype=torch.float32, device=self.device)
        return self.obj_ptr_tpos_proj(sine_of_time(times, self.config.width))

    def object_pointer(self, token: Tensor, present: Tensor) -> Tensor:
        """The object pointer (B, C) of an output token (B, C); `present` (B, 1) is boolean."""
        return torch.where(present, self.obj_ptr_proj(token), self.no_obj_ptr)
