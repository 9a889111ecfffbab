"""SAM 2 as three functions without state: `encode_image`, `predict_masks`, `encode_memory` (paper, section 4).

Memory is an input: `attend` takes the memories and pointers that the caller selected, see `tracking.memory_bank`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sam2_core.errors import ConfigError
from sam2_core.model.config import NetworkConfig
from sam2_core.model.image_encoder import ImageEncoder, is_untouched
from sam2_core.model.input_geometry import InputGeometry
from sam2_core.model.layers import MLP
from sam2_core.model.mask_decoder import MaskDecoder, MaskPrediction
from sam2_core.model.memory_attention import MemoryAttention
from sam2_core.model.memory_encoder import MemoryEncoder
from sam2_core.model.official_names import NetworkNames
from sam2_core.model.position_encoding import sine_map, sine_of_time
from sam2_core.model.preprocess import input_to_pixels
from sam2_core.model.prompt_encoder import PromptEncoder
from sam2_core.model.strict_boxes import are_boxes, merge_within_boxes

ABSENT_LOGIT = -1024.0
"""Mask logit of every pixel where the object score is not positive."""

MASK_PROMPT_LOGIT = 10.0
"""Logit of a mask prompt inside the mask (probability 0.99995); its negative outside."""


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """An encoded image: `embedding` (B, C, H, W) and the `high_res` features for the decoder, (B, C / 8, 4H, 4W) and
    (B, C / 4, 2H, 2W); SAM has none of these. Networks with `fit_boundaries` keep the `pixels` (B, S, S, 3)."""

    embedding: Tensor
    high_res: tuple[Tensor, ...]
    pixels: Tensor | None = None

    def __getitem__(self, index: int) -> ImageFeatures:
        """The features of one image of the batch, with a batch axis of 1."""
        return ImageFeatures(
            self.embedding[index : index + 1],
            tuple(feature[index : index + 1] for feature in self.high_res),
            None if self.pixels is None else self.pixels[index : index + 1],
        )

    @property
    def bytes(self) -> int:
        """Size in memory."""
        kept = (self.embedding, *self.high_res, self.pixels)
        return sum(x.numel() * x.element_size() for x in kept if x is not None)


@dataclass(frozen=True, slots=True)
class Memory:
    """Spatial memory of a frame: `features` (B, D, H, W) and temporal `slot`, 0 for a conditioning frame, else 1 (the
    previous frame) to memory_slots - 1."""

    features: Tensor
    slot: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """Object pointer of a frame: `vector` (B, C) and `time`, the distance to the current frame against the direction of
    tracking, as a fraction of the pointers' reach."""

    vector: Tensor
    time: float


class SAM2(NetworkNames):
    """The network. Attributes have the names of the official checkpoints."""

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
        self.no_mem_pos_enc = nn.Parameter(torch.zeros(1, 1, width))  # in the checkpoints, but unused
        self.no_obj_ptr = nn.Parameter(torch.zeros(1, width))
        self.no_obj_embed_spatial = nn.Parameter(torch.zeros(1, depth)) if config.no_object_in_memory else None
        self.obj_ptr_tpos_proj = nn.Linear(width, depth) if config.pointer_times else nn.Identity()

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.no_mem_embed.device

    def reconfigure(self, **changes: Any) -> None:
        """Change fields of the configuration that leave the weights as they are, such as `image_size`.

        `memory_slots` can be lowered. Raises `ConfigError` for values that the weights do not allow.
        """
        config = self.config.changed(**changes)
        if config.memory_slots > len(self.maskmem_tpos_enc):
            raise ConfigError(
                f"{config.name} has weights for {len(self.maskmem_tpos_enc)} memories, not for {config.memory_slots}."
            )
        self.config = config
        self.sam_prompt_encoder.image_size = config.image_size
        self.sam_prompt_encoder.embedding_size = config.embedding_size

    def limit_memory(self, slots: int) -> None:
        """Keep the temporal encodings of `slots` memories: the last row, of conditioning frames, and the first ones.

        Raises `ConfigError` if the weights have fewer.
        """
        rows = self.maskmem_tpos_enc
        if not 1 <= slots <= len(rows):
            raise ConfigError(f"{self.config.name} can have 1 to {len(rows)} memories, not {slots}.")
        kept = torch.cat([rows[: slots - 1], rows[-1:]]).detach()
        self.maskmem_tpos_enc = nn.Parameter(kept, requires_grad=rows.requires_grad)
        self.reconfigure(memory_slots=slots)

    def geometry(self, height: int, width: int) -> InputGeometry:
        """How a frame of this size lies in the input."""
        return InputGeometry.stretched(self.image_size, (height, width))

    # --- encode and predict ------------------------------------------------------------------------------------

    def encode_image(self, image: Tensor) -> ImageFeatures:
        """Encode normalized images (B, 3, S, S).

        Published code replaces, compiles or hooks the image encoder; then it is called like the official one.
        """
        encoder, decoder = self.image_encoder, self.sam_mask_decoder
        pixels = input_to_pixels(image) if self.config.fit_boundaries and not self.training else None
        if not is_untouched(encoder):
            stride4, stride8, embedding = encoder(image)["backbone_fpn"]
            return ImageFeatures(embedding, (decoder.conv_s0(stride4), decoder.conv_s1(stride8)), pixels)
        stride4, stride8, stride16, stride32 = encoder.trunk(image)
        return ImageFeatures(
            embedding=encoder.neck.embedding(stride16, stride32),
            high_res=(
                encoder.neck.projected(0, stride4, decoder.conv_s0),
                encoder.neck.projected(1, stride8, decoder.conv_s1),
            ),
            pixels=pixels,
        )

    def predict_masks(
        self,
        embedding: Tensor,
        high_res: tuple[Tensor, ...],
        points: tuple[Tensor, Tensor] | None,
        mask_logits: Tensor | None,
        multimask: bool | None,
        concepts: Tensor | None = None,
    ) -> MaskPrediction:
        """Predict masks for prompts on an embedding that comes from `attend` or `without_memory`.

        Embedding (B or 1, C, H, W); points as coordinates (B, N, 2) in pixels of the S x S input and labels (B, N),
        see `PromptEncoder`; mask logits (B, 1, 4H, 4W). An embedding of batch 1 is shared by all prompts. `multimask`
        is as in `MaskDecoder.forward`. `concepts` are further prompt tokens (B, N, C), as `ClipPrompt` gives them.
        """
        tokens, dense = self.sam_prompt_encoder(points=points, boxes=None, masks=mask_logits)
        if points is None and mask_logits is None:
            tokens = tokens.expand(len(embedding) if concepts is None else len(concepts), -1, -1)
        if concepts is not None:
            tokens = torch.cat([tokens, concepts], dim=1)
        single = multimask is False and not self.training
        merge = self.config.strict_boxes and single and points is not None and are_boxes(points[1])
        prediction: MaskPrediction = self.sam_mask_decoder(
            image_embeddings=embedding,
            image_pe=self.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=tokens,
            dense_prompt_embeddings=dense,
            multimask_output=None if merge else multimask,
            repeat_image=len(embedding) < len(tokens),
            high_res_features=high_res,
        )
        return merge_within_boxes(prediction, points[0], self.image_size) if merge and points else prediction

    def encode_memory(self, embedding: Tensor, mask_logits: Tensor, object_score: Tensor, prompted: bool) -> Tensor:
        """Encode a frame and its mask as spatial memory (B, D, H, W).

        Unconditioned embedding (B, C, H, W), mask logits (B, 1, 4H, 4W) or (B, 1, S, S), object scores (B, 1). The
        masks of `prompted` frames are binarized.
        """
        size = (self.image_size, self.image_size)
        if mask_logits.shape[-2:] != size:
            mask_logits = F.interpolate(mask_logits.float(), size=size, mode="bilinear", align_corners=False)
        if self.config.non_overlapping_memory and not self.training:
            mask_logits = self._apply_non_overlapping_constraints(mask_logits)
        mask = (mask_logits > 0).float() if prompted else mask_logits.float().sigmoid()
        memory: Tensor = self.memory_encoder(embedding, 20 * mask - 10)
        if self.no_obj_embed_spatial is not None:
            absent = (object_score <= 0).to(memory.dtype)[..., None, None]
            memory = memory + absent * self.no_obj_embed_spatial[..., None, None]
        return memory

    # --- memory conditioning -----------------------------------------------------------------------------------

    def without_memory(self, embedding: Tensor) -> Tensor:
        """The embedding (B, C, H, W) for a prompt without memory: an image, or the first prompt of an object."""
        return embedding + self.no_mem_embed.transpose(1, 2)[..., None]

    def attend(self, embedding: Tensor, memories: Sequence[Memory], pointers: Sequence[Pointer]) -> Tensor:
        """Condition an embedding on at least one memory and any object pointers -> (B, C, H, W). The embedding (B, C,
        H, W), or the memories and pointers, may have a batch of 1, which is shared by all."""
        side = self.config.embedding_size
        tokens, positions = self._memory_tokens(memories)
        pointer_count = 0
        if pointers:
            pointer_tokens, pointer_positions = self._pointer_tokens(pointers)
            pointer_count = pointer_tokens.shape[1]
            tokens = torch.cat([tokens, pointer_tokens], dim=1)
            positions = torch.cat([positions, pointer_positions], dim=1)
        image_pe = sine_map(self.config.width, side, side, self.device)
        batch = max(len(embedding), len(tokens))
        return self.memory_attention(
            embedding, image_pe, tokens.expand(batch, -1, -1), positions.expand(batch, -1, -1), pointer_count
        )

    def _memory_tokens(self, memories: Sequence[Memory]) -> tuple[Tensor, Tensor]:
        """Memories as tokens and positions, (B, K, D) and (1, K, D)."""
        side = self.config.embedding_size
        dtype = self.no_mem_embed.dtype  # memories are stored in bfloat16
        tokens = torch.cat([memory.features.to(dtype).flatten(2).transpose(1, 2) for memory in memories], dim=1)
        spatial = sine_map(self.config.memory_width, side, side, self.device).flatten(2).transpose(1, 2)
        # Slot 0 takes the last row, as in the official code.
        rows = [(memory.slot or self.config.memory_slots) - 1 for memory in memories]
        positions = torch.cat([spatial + self.maskmem_tpos_enc[row, 0] for row in rows], dim=1)
        return tokens, positions

    def _pointer_tokens(self, pointers: Sequence[Pointer]) -> tuple[Tensor, Tensor]:
        """Each pointer as C / D tokens of width D, with the encoding of its time: (B, K, D) and (1, K, D)."""
        width, depth = self.config.width, self.config.memory_width
        vectors = torch.stack([pointer.vector for pointer in pointers], dim=1)  # (B, T, C)
        tokens = vectors.unflatten(2, (width // depth, depth)).flatten(1, 2)
        if not self.config.pointer_times:
            return tokens, tokens.new_zeros(1, tokens.shape[1], depth)
        times = torch.tensor([pointer.time for pointer in pointers], dtype=torch.float32, device=self.device)
        encoded = self.obj_ptr_tpos_proj(sine_of_time(times, width))  # (T, D)
        return tokens, encoded.repeat_interleave(width // depth, dim=0)[None]

    def object_pointer(self, token: Tensor, present: Tensor) -> Tensor:
        """The object pointer (B, C) for an output token (B, C); `present` (B, 1) is boolean."""
        return torch.where(present, self.obj_ptr_proj(token), self.no_obj_ptr)
