"""What is asked of the predictors in the golden tests.

Nothing here knows who answers. The functions take predictors with the official methods, so the same calls made the
golden files with the official code and are checked against them. See tests/golden/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam2_core.model.config import NetworkConfig
from tests.predictors.golden_inputs import ABSENT, FLICKERING, MINI, MINI_20, PRESENT, disc, picture, sample, write_clip

Arrays = dict[str, np.ndarray]

# --- still images ----------------------------------------------------------------------------------------------------

CLICK, TWO = np.array([[40, 42]]), np.array([[40, 42], [90, 70]])
BOX, BOXES = np.array([18, 20, 56, 60]), np.array([[18, 20, 56, 60], [80, 28, 110, 72], [5, 5, 125, 85]])


def image_answers(predictor: Any) -> Arrays:
    """Every kind of prompt on one picture."""
    predictor.set_image(picture())
    low = predictor.predict(CLICK, np.array([1]))[2]
    asked: dict[str, dict[str, Any]] = {
        "click": {"point_coords": CLICK, "point_labels": np.array([1])},
        "click_single": {"point_coords": CLICK, "point_labels": np.array([1]), "multimask_output": False},
        "two": {"point_coords": TWO, "point_labels": np.array([1, 0]), "multimask_output": False},
        "box": {"box": BOX, "multimask_output": False},
        "box_three": {"box": BOX},
        "boxes": {"box": BOXES, "multimask_output": False},
        "boxes_three": {"box": BOXES},
        "box_and_point": {"point_coords": CLICK, "point_labels": np.array([0]), "box": BOX, "multimask_output": False},
        "many_points": {"point_coords": BOXES.reshape(3, 2, 2), "point_labels": np.array([[1, 0], [1, 1], [0, 1]])},
        "refined": {"point_coords": TWO, "point_labels": np.array([1, 0]), "mask_input": low[1:2]},
        "mask_only": {"mask_input": low[:1], "multimask_output": False},
        "fractions": {"point_coords": [[0.3, 0.45]], "point_labels": [1], "normalize_coords": False},
    }
    found: Arrays = {"embedding": sample(predictor.get_image_embedding())}
    for name, prompt in asked.items():
        found |= _answer(name, predictor.predict(**prompt, return_logits=True))
    masks = predictor.predict(CLICK, np.array([1]))[0]
    found["binary"] = np.asarray(masks).reshape(3, -1).mean(axis=1)
    return found


def image_batch_answers(predictor: Any) -> Arrays:
    """Two pictures of different sizes at once."""
    predictor.set_image_batch([picture(0), picture(3, 110, 70)])
    masks, quality, low = predictor.predict_batch(
        [CLICK, TWO], [np.array([1]), np.array([1, 0])], return_logits=True, multimask_output=True
    )
    found: Arrays = {}
    for index in range(2):
        found |= _answer(f"points{index}", (masks[index], quality[index], low[index]))
    masks, quality, low = predictor.predict_batch(
        box_batch=[BOX, BOXES[:2]], multimask_output=False, return_logits=True
    )
    for index in range(2):
        found |= _answer(f"boxes{index}", (masks[index], quality[index], low[index]))
    return found


def _answer(name: str, prediction: Any) -> Arrays:
    masks, quality, low = prediction
    return {f"{name}.masks": sample(masks), f"{name}.quality": sample(quality), f"{name}.low": sample(low)}


# --- clips -----------------------------------------------------------------------------------------------------------


class Clip:
    """Calls on one clip, with everything that comes back written down."""

    def __init__(self, predictor: Any, folder: Path) -> None:
        self.predictor = predictor
        self.state = predictor.init_state(str(folder))
        self.found: Arrays = {}

    def points(self, frame: int, obj_id: int, *points: tuple[float, float, int], **options: Any) -> None:
        """Click on (x, y, label) points, or with `box` only."""
        if points:
            options["points"] = np.array([point[:2] for point in points], np.float32)
            options["labels"] = np.array([point[2] for point in points], np.int32)
        self.note("points", self.predictor.add_new_points_or_box(self.state, frame, obj_id, **options))

    def mask(self, frame: int, obj_id: int, mask: Any) -> None:
        self.note("mask", self.predictor.add_new_mask(self.state, frame, obj_id, mask))

    def clear(self, frame: int, obj_id: int) -> None:
        self.note("clear", self.predictor.clear_all_prompts_in_frame(self.state, frame, obj_id))

    def remove(self, obj_id: int) -> None:
        ids, updated = self.predictor.remove_object(self.state, obj_id)
        for frame, logits in sorted(updated, key=lambda item: item[0]):
            self.note("remove", (frame, ids, logits))

    def track(self, stop_after: int | None = None, **options: Any) -> None:
        for count, result in enumerate(self.predictor.propagate_in_video(self.state, **options), start=1):
            self.note("track", result)
            if count == stop_after:
                break

    def note(self, what: str, result: Any) -> None:
        frame, ids, logits = result
        key = f"{len(self.found):03d}.{what}.frame{frame}.ids{'-'.join(map(str, ids))}"
        self.found[key] = sample(logits, per_axis=11)


def _basic(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1), (90, 70, 0))
    clip.points(0, 2, box=np.array([80, 28, 110, 72], np.float32))
    clip.track()


def _one_click(clip: Clip) -> None:
    clip.points(0, 7, (40, 42, 1))
    clip.points(0, 7, (40, 42, 1), (20, 20, 0))
    clip.track(max_frame_num_to_track=3)


def _corrections(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track()
    clip.points(3, 1, (50, 44, 1))
    clip.points(3, 1, (80, 60, 0), clear_old_points=False)
    clip.points(2, 1, box=np.array([25, 24, 62, 62], np.float32))
    clip.track(start_frame_idx=2)
    clip.mask(4, 1, disc())
    clip.track(start_frame_idx=3)


def _reverse(clip: Clip) -> None:
    clip.points(4, 1, (50, 44, 1))
    clip.track()
    clip.track(reverse=True)
    clip.points(2, 1, (44, 42, 1))
    clip.track(start_frame_idx=3, reverse=True, max_frame_num_to_track=2)
    clip.track(start_frame_idx=0, reverse=True)


def _masks(clip: Clip) -> None:
    clip.mask(0, 1, disc())
    clip.mask(0, 2, disc(180, 260))
    clip.mask(0, 3, np.zeros((90, 130), bool))
    clip.mask(0, 4, torch.from_numpy(disc(256, 256)))
    clip.mask(0, 5, torch.from_numpy(disc(64, 64).astype(np.float32) * 0.7))
    clip.track(max_frame_num_to_track=3)
    clip.points(0, 2, (40, 42, 1))
    clip.track(max_frame_num_to_track=1)


def _late_object(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track(stop_after=3)
    clip.points(2, 2, (90, 50, 1))
    clip.track(start_frame_idx=2)


def _removal(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.points(0, 2, (90, 50, 1))
    clip.points(2, 2, (88, 50, 1), (20, 20, 0))
    clip.points(2, 3, (60, 80, 1))
    clip.remove(3)
    clip.track(max_frame_num_to_track=3)
    clip.remove(2)
    clip.remove(99)
    clip.track()
    clip.remove(1)
    clip.points(1, 5, (40, 42, 1))
    clip.track()


def _clearing(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.points(3, 1, (50, 44, 1))
    clip.points(0, 2, (90, 50, 1))
    clip.clear(3, 1)
    clip.points(3, 1, (52, 44, 1))
    clip.track()
    clip.clear(3, 1)
    clip.track(start_frame_idx=3)
    clip.points(3, 1, (52, 44, 1))
    clip.track(start_frame_idx=1)


def _reset(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track(max_frame_num_to_track=1)
    clip.predictor.reset_state(clip.state)
    clip.points(1, 2, (90, 50, 1))
    clip.track()


def _boxes_and_points(clip: Clip) -> None:
    box = np.array([18, 20, 56, 60], np.float32)
    clip.points(0, 1, (40, 42, 1), (50, 56, 0), box=box)
    clip.points(0, 1, (30, 30, 1), clear_old_points=False)
    clip.points(0, 2, (0.7, 0.5, 1), normalize_coords=False)
    clip.points(0, 3, box=box / np.array([130, 90, 130, 90], np.float32), normalize_coords=False)
    clip.track(max_frame_num_to_track=2)


def _many_prompted_frames(clip: Clip) -> None:
    clip.points(1, 1, (40, 42, 1))
    clip.points(5, 1, (54, 44, 1))
    clip.points(3, 1, (48, 44, 1), (20, 20, 0))
    clip.track()
    clip.track(start_frame_idx=2, max_frame_num_to_track=2)
    clip.track(start_frame_idx=4, reverse=True)


def _long(clip: Clip) -> None:
    clip.points(0, 1, (40, 42, 1))
    clip.track()


def _every_correction_prompts(clip: Clip) -> None:
    clip.predictor.add_all_frames_to_correct_as_cond = True
    _corrections(clip)


def _no_overlap(clip: Clip) -> None:
    clip.predictor.non_overlap_masks = True
    clip.points(0, 1, (40, 42, 1), (90, 70, 0))
    clip.points(0, 2, box=np.array([80, 28, 110, 72], np.float32))
    clip.track(max_frame_num_to_track=0)  # later on, two objects are too close to call at some pixels


VIDEO_CASES: dict[str, tuple[Callable[[Clip], None], int]] = {
    "basic": (_basic, 6),
    "one_click": (_one_click, 6),
    "corrections": (_corrections, 6),
    "reverse": (_reverse, 6),
    "masks": (_masks, 6),
    "late_object": (_late_object, 6),
    "removal": (_removal, 6),
    "clearing": (_clearing, 6),
    "reset": (_reset, 4),
    "boxes_and_points": (_boxes_and_points, 4),
    "many_prompted_frames": (_many_prompted_frames, 7),
    "long": (_long, 20),
    "every_correction_prompts": (_every_correction_prompts, 6),
    "no_overlap": (_no_overlap, 4),
}
"""By name: what is done, and with how many frames."""


def video_answers(predictor: Any, case: str, folder: Path) -> Arrays:
    """Run one case of `VIDEO_CASES`."""
    act, frames = VIDEO_CASES[case]
    clip = Clip(predictor, write_clip(folder, frames))
    act(clip)
    return clip.found


# --- parts of the model, as published code uses them -----------------------------------------------------------------


def feature_answers(predictor: Any) -> Arrays:
    """The image encoder's own output, and the image predictor's features made from it by hand."""
    model = predictor.model
    image = predictor._transforms((picture() / 255).astype(np.float32))[None]
    with torch.no_grad():
        encoded, projected = model.image_encoder(image), model.forward_image(image)
        _, flat, positions, sizes = model._prepare_backbone_features(projected)
    if model.directly_add_no_mem_embed:
        flat[-1] = flat[-1] + model.no_mem_embed
    features = [each.permute(1, 2, 0).view(1, -1, *size) for each, size in zip(flat, sizes, strict=True)]
    predictor._features = {"image_embed": features[-1], "high_res_feats": features[:-1]}
    predictor._orig_hw, predictor._is_image_set = [(90, 130)], True
    found = {"sizes": np.asarray(sizes, np.float32)} | _answer("box", predictor.predict(box=BOX, return_logits=True))
    low = torch.from_numpy(predictor.predict(CLICK, np.array([1]))[2][:1]).half()
    found |= _answer("half", predictor.predict(TWO, np.array([1, 0]), mask_input=low, return_logits=True))
    for level in range(3):
        found[f"fpn{level}"] = sample(encoded["backbone_fpn"][level], 8)[:, ::9]
        found[f"position{level}"] = sample(encoded["vision_pos_enc"][level], 8)[:, ::9]
        found[f"flat{level}"] = sample(positions[level][::9, 0], 8)
    return found | {"vision_features": sample(encoded["vision_features"], 8)[:, ::9]}


def part_answers(predictor: Any) -> Arrays:
    """The prompt encoder with every kind of prompt, and the mask decoder on its tokens."""
    encoder, decoder = predictor.model.sam_prompt_encoder, predictor.model.sam_mask_decoder
    random = np.random.default_rng(0)
    coords = torch.from_numpy(random.uniform(0, 256, (2, 3, 2)).astype(np.float32))
    points = (coords, torch.tensor([[1, 0, -1], [2, 3, 1]]))
    boxes = torch.tensor([[10.0, 20, 90, 100], [5, 6, 200, 180]])
    masks = torch.from_numpy(random.standard_normal((2, 1, 64, 64)).astype(np.float32))
    prompts: dict[str, dict[str, Any]] = {
        "points": {"points": points, "boxes": None, "masks": None},
        "boxes": {"points": None, "boxes": boxes, "masks": None},
        "all": {"points": points, "boxes": boxes, "masks": masks},
        "masks": {"points": None, "boxes": None, "masks": masks},
        "nothing": {"points": None, "boxes": None, "masks": None},
    }
    predictor.set_image(picture())
    found: Arrays = {
        "dense_pe": sample(encoder.get_dense_pe()),
        "unpadded": sample(encoder._embed_points(*points, False)),
    }
    for name, prompt in prompts.items():
        with torch.no_grad():
            sparse, dense = encoder(**prompt)
            found |= {f"{name}.sparse": sample(sparse), f"{name}.dense": sample(dense)[:, ::9]}
            for multimask in (True, False):
                decoded = decoder(
                    image_embeddings=predictor._features["image_embed"][-1].unsqueeze(0),
                    image_pe=encoder.get_dense_pe(),
                    sparse_prompt_embeddings=sparse,
                    dense_prompt_embeddings=dense,
                    multimask_output=multimask,
                    repeat_image=len(sparse) > 1,
                    high_res_features=[level[-1].unsqueeze(0) for level in predictor._features["high_res_feats"]],
                )
            for part, values in zip(("masks", "ious", "tokens", "scores"), decoded, strict=True):
                found[f"{name}.{part}"] = sample(values)
    return found


def finetuning_answers(predictor: Any) -> Arrays:
    """The losses of three steps of the tutorials' loop, which trains the prompt encoder and the mask decoder."""
    model = predictor.model
    model.sam_mask_decoder.train(True)
    model.sam_prompt_encoder.train(True)
    optimizer = torch.optim.AdamW(params=model.parameters(), lr=1e-4, weight_decay=4e-5)
    y, x = np.mgrid[:90, :130]
    truth = torch.from_numpy(np.stack([disc(), (abs(x - 95) < 14) & (abs(y - 50) < 20)]).astype(np.float32))
    losses = []
    for frame in range(3):
        predictor.set_image(picture(frame))
        _, coords, labels, _ = predictor._prep_prompts(
            np.array([[[40, 42]], [[95, 50]]]), np.ones([2, 1]), box=None, mask_logits=None, normalize_coords=True
        )
        sparse, dense = model.sam_prompt_encoder(points=(coords, labels), boxes=None, masks=None)
        low, scores, _, _ = model.sam_mask_decoder(
            image_embeddings=predictor._features["image_embed"][-1].unsqueeze(0),
            image_pe=model.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
            repeat_image=coords.shape[0] > 1,
            high_res_features=[level[-1].unsqueeze(0) for level in predictor._features["high_res_feats"]],
        )
        shares = torch.sigmoid(predictor._transforms.postprocess_masks(low, predictor._orig_hw[-1])[:, 0])
        by_pixel = -truth * torch.log(shares + 1e-5) - (1 - truth) * torch.log(1 - shares + 1e-5)
        shared = (truth * (shares > 0.5)).sum((1, 2))
        iou = shared / (truth.sum((1, 2)) + (shares > 0.5).sum((1, 2)) - shared)
        loss = by_pixel.mean() + 0.05 * torch.abs(scores[:, 0] - iou).mean()
        model.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    gradient = model.sam_mask_decoder.transformer.layers[0].self_attn.q_proj.weight.grad
    return {"losses": np.asarray(losses, np.float64), "gradient": sample(gradient)}


def generator_answers(generator: Callable[..., Any]) -> Arrays:
    """Automatic masks, with small regions removed; `generator` takes the settings of the official class."""
    found: Arrays = {}
    cases: dict[str, dict[str, Any]] = {
        "plain": {},
        "small": {"min_mask_region_area": 12},
        "large": {"min_mask_region_area": 90.5, "crop_n_layers": 1, "mask_threshold": 0.2},
        "refined": {"min_mask_region_area": 12, "use_m2m": True},
    }
    for name, settings in cases.items():
        grid = {"points_per_side": 4, "pred_iou_thresh": 0.2, "stability_score_thresh": 0.05, "box_nms_thresh": 0.95}
        records = generator(**grid, **settings).generate(picture())
        found[f"{name}.count"] = np.float32([len(records)])
        found[f"{name}.area"] = np.asarray([record["area"] / (90 * 130) for record in records], np.float32)
        for key in ("bbox", "predicted_iou", "stability_score", "point_coords", "crop_box"):
            found[f"{name}.{key}"] = np.asarray([record[key] for record in records], np.float32)
    return found


OVERRIDES: dict[str, list[str]] = {
    "none": [],
    "size": ["++model.image_size=320"],
    "conditioning": ["++model.max_cond_frames_in_attn=2"],
    "stride": ["++model.memory_temporal_stride_for_eval=3"],
    "pointers": ["++model.max_obj_ptrs_in_encoder=4"],
    "overlap": ["++model.non_overlap_masks_for_mem_enc=true", "++model.compile_image_encoder=False"],
    "candidates": ["++model.multimask_max_pt_num=2", "++model.multimask_output_for_tracking=false"],
    "stability": [
        "++model.sam_mask_decoder_extra_args.dynamic_multimask_via_stability=true",
        "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_delta=0.5",
        "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh=0.9",
    ],
}


def override_answers(predictor: Any, folder: Path) -> Arrays:
    """Three prompted frames, tracked in both directions; `predictor` is built with one of `OVERRIDES`."""
    clip = Clip(predictor, write_clip(folder, 11))
    clip.points(0, 1, (40, 42, 1))
    clip.points(3, 1, (48, 44, 1), (20, 20, 0))
    clip.points(6, 1, (54, 46, 1))
    clip.track()
    clip.track(start_frame_idx=9, reverse=True)
    return clip.found


# --- golden files ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """A golden file: a network, what its object score tends to, whether the official postprocessing is on (fallback
    for unstable masks, binary memory of prompted frames), the largest hole that is filled, and the cases that are
    run."""

    name: str
    config: NetworkConfig
    cases: tuple[str, ...]
    presence: float = PRESENT
    postprocessing: bool = True
    fill_hole_area: int = 0


SETTINGS = (
    Setting("mini", MINI, ("image", "image_batch", *VIDEO_CASES)),
    Setting("mini_plain", MINI, ("image", "basic", "corrections", "masks"), postprocessing=False),
    Setting("mini_filled", MINI, ("basic", "corrections", "many_prompted_frames", "clearing"), fill_hole_area=8),
    Setting("mini_flickering", MINI, ("late_object", "removal", "clearing", "boxes_and_points"), FLICKERING),
    Setting("mini_absent", MINI, ("masks", "corrections", "every_correction_prompts"), ABSENT),
    Setting("mini_20", MINI_20, ("image", "basic", "corrections", "reverse", "masks", "late_object", "long")),
)


def answers(case: str, image: Callable[[], Any], video: Callable[[], Any], folder: Path) -> Arrays:
    """Run a case with a new image or video predictor."""
    if case == "image":
        return image_answers(image())
    if case == "image_batch":
        return image_batch_answers(image())
    return video_answers(video(), case, folder)
