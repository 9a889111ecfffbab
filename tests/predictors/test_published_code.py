"""Published code with `sam2.` replaced by `sam2_core.`: what notebooks, annotation tools, exporters and fine-tuning
scripts do with the objects, each in a few lines. The numbers are in test_golden.py."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sam2_core.automatic_mask_generator import SAM2AutomaticMaskGenerator
from sam2_core.build_sam import build_sam2, build_sam2_video_predictor
from sam2_core.modeling.backbones.hieradet import Hiera
from sam2_core.modeling.sam2_base import SAM2Base
from sam2_core.sam2_image_predictor import SAM2ImagePredictor
from sam2_core.sam2_video_predictor import SAM2VideoPredictor
from sam2_core.utils.amg import MaskData, batched_mask_to_box, mask_to_rle_pytorch, rle_to_mask
from sam2_core.utils.misc import fill_holes_in_mask_scores, get_connected_components, load_video_frames, mask_to_box
from sam2_core.utils.transforms import SAM2Transforms
from torch import Tensor, nn

from sam2_core.errors import BadPrompt, ConfigError, MediaError
from tests.predictors.golden_inputs import MINI_20, picture, weights, write_clip

CLICK, LABEL = np.array([[40, 42]]), np.array([1])
BOXES = np.array([[18, 20, 56, 60], [80, 28, 110, 72]])


def mini() -> SAM2Base:
    """A small network with official structure, which the caller may change."""
    with torch.device("meta"):
        network = SAM2Base(MINI_20)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict(weights(shapes), assign=True)
    return network.eval()


@pytest.fixture(scope="module")
def model() -> SAM2Base:
    return mini()


@pytest.fixture
def predictor(model: SAM2Base) -> SAM2ImagePredictor:
    predictor = SAM2ImagePredictor(model)
    predictor.set_image(picture())
    return predictor


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-4, atol=1e-4)


# --- prompting -------------------------------------------------------------------------------------------------------


def test_a_notebook_refines_its_best_mask(predictor: SAM2ImagePredictor) -> None:
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        predictor.set_image(Image.fromarray(picture()))
        masks, scores, logits = predictor.predict(point_coords=CLICK, point_labels=LABEL, multimask_output=True)
        order = np.argsort(scores)[::-1]
        masks, logits = masks[order], logits[order]
        refined, _, _ = predictor.predict(
            point_coords=np.array([[40, 42], [30, 40]]),
            point_labels=np.array([1, 1]),
            mask_input=logits[0][None, :, :],
            multimask_output=False,
        )
    assert masks.astype(bool).shape == (3, 90, 130)
    assert refined.shape == (1, 90, 130)


def test_a_detector_prompts_with_boxes(predictor: SAM2ImagePredictor) -> None:
    masks, scores, _ = predictor.predict(point_coords=None, point_labels=None, box=BOXES, multimask_output=False)
    if masks.ndim == 4:
        masks = masks.squeeze(1)
    assert (masks.shape, scores.shape) == ((2, 90, 130), (2, 1))
    boxes = torch.as_tensor(BOXES, dtype=torch.float)
    transformed = predictor._transforms.transform_boxes(boxes, normalize=True, orig_hw=predictor._orig_hw[-1])
    found, _, low = predictor._predict(None, None, boxes=transformed, multimask_output=False)
    np.testing.assert_array_equal(found.squeeze(1).numpy(), masks.astype(bool))
    assert low.shape == (2, 1, 64, 64)


def test_a_batch_of_pictures(model: SAM2Base) -> None:
    predictor = SAM2ImagePredictor(model)
    predictor.set_image_batch([picture(0), (picture(3, 110, 70) / 255).astype(np.float32)])
    assert [len(level) for level in predictor._features["high_res_feats"]] == [2, 2]
    masks, _, _ = predictor.predict_batch([CLICK, None], [LABEL, None], box_batch=[None, BOXES], multimask_output=False)
    assert [each.shape for each in masks] == [(1, 90, 130), (2, 1, 110, 70)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_pictures_of_floating_point_numbers(predictor: SAM2ImagePredictor, dtype: type) -> None:
    expected = predictor.predict(CLICK, LABEL, return_logits=True)[0]
    tensor = torch.from_numpy(picture()).permute(2, 0, 1) / 255
    predictor.set_image(tensor.permute(1, 2, 0).numpy().astype(dtype))
    tolerance = 0.05 if dtype == np.float16 else 1e-3
    np.testing.assert_allclose(predictor.predict(CLICK, LABEL, return_logits=True)[0], expected, atol=tolerance)


@pytest.mark.parametrize("wrong", [picture().astype(np.float32), np.full((4, 4, 3), np.nan)], ids=["0-255", "nan"])
def test_other_floating_point_numbers_are_refused(predictor: SAM2ImagePredictor, wrong: Any) -> None:
    with pytest.raises(MediaError, match=r"in 0\.\.1"):
        predictor.set_image(wrong)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float32])
def test_a_mask_prompt_as_a_tensor(predictor: SAM2ImagePredictor, dtype: torch.dtype) -> None:
    low = torch.from_numpy(predictor.predict(CLICK, LABEL)[2][:1]).to(dtype)
    expected = predictor.predict(CLICK, LABEL, mask_input=low.float().numpy(), return_logits=True)[0]
    for mask in (low, low[0], low[None], low.clone().requires_grad_()):
        np.testing.assert_array_equal(predictor.predict(CLICK, LABEL, mask_input=mask, return_logits=True)[0], expected)
    for wrong in (low[:, :32], torch.zeros(90, 130), [["a"]]):
        with pytest.raises(BadPrompt, match="mask_input"):
            predictor.predict(CLICK, LABEL, mask_input=wrong)
    binary = low > 0
    assert predictor.predict(mask_input=binary, multimask_output=False)[0].shape == (1, 90, 130)


# --- cached embeddings -----------------------------------------------------------------------------------------------


def test_an_annotation_tool_caches_embeddings(predictor: SAM2ImagePredictor) -> None:
    expected = predictor.predict(CLICK, LABEL, return_logits=True)[0]
    file = io.BytesIO()
    torch.save({"features": predictor._features, "orig_hw": predictor._orig_hw}, file)
    predictor.reset_predictor()
    assert (predictor._features, predictor._orig_hw, predictor._is_image_set) == (None, None, False)
    with pytest.raises(RuntimeError, match="set_image"):
        predictor.predict(CLICK, LABEL)

    file.seek(0)
    saved = torch.load(file, weights_only=True)
    predictor._features = {
        "image_embed": saved["features"]["image_embed"].to(predictor.device),
        "high_res_feats": tuple(level.to(predictor.device) for level in saved["features"]["high_res_feats"]),
    }
    predictor._orig_hw, predictor._is_image_set, predictor._is_batch = saved["orig_hw"], True, False
    np.testing.assert_array_equal(predictor.predict(CLICK, LABEL, return_logits=True)[0], expected)
    assert predictor.get_image_embedding().shape == (1, 64, 16, 16)


def test_features_made_by_hand(predictor: SAM2ImagePredictor) -> None:
    expected = predictor.predict(box=BOXES[0], return_logits=True)[0]
    model, image = predictor.model, predictor._transforms(picture())[None].to(predictor.device)
    backbone = model.forward_image(image)
    assert [level.shape[1] for level in backbone["backbone_fpn"]] == [8, 16, 64]
    _, features, _, _ = model._prepare_backbone_features(backbone)
    if model.directly_add_no_mem_embed:
        features[-1] = features[-1] + model.no_mem_embed
    levels = [
        feature.permute(1, 2, 0).view(1, -1, *size)
        for feature, size in zip(features[::-1], predictor._bb_feat_sizes[::-1], strict=True)
    ][::-1]
    predictor._features = {"image_embed": levels[-1], "high_res_feats": levels[:-1]}
    close(predictor.predict(box=BOXES[0], return_logits=True)[0], expected)


def test_transforms_can_be_set(predictor: SAM2ImagePredictor) -> None:
    transforms = predictor._transforms
    expected = transforms(picture())

    class Own(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            small = F.interpolate(image[None], (256, 256), mode="bilinear", antialias=True)[0]
            return (small - torch.tensor(transforms.mean)[:, None, None]) / torch.tensor(transforms.std)[:, None, None]

    transforms.transforms = Own()
    close(transforms.forward_batch([picture()])[0], expected)
    logits = torch.full((1, 1, 8, 8), 4.0)
    logits[0, 0, 3, 3] = -4.0
    assert not (transforms.postprocess_masks(logits, (8, 8)) > 0).all()
    transforms.max_hole_area = 2
    assert (transforms.postprocess_masks(logits, (8, 8)) > 0).all()
    smaller = SAM2Transforms(resolution=256, mask_threshold=0.0)
    smaller.resolution = 64
    assert smaller(picture()).shape == (3, 64, 64)


# --- training and models made of parts -------------------------------------------------------------------------------


def test_a_fine_tuning_loop_equals_the_plain_computation() -> None:
    """The published loop against `predict_masks` and a loss written out: the same to 1e-6."""
    predictor, plain = SAM2ImagePredictor(mini()), mini()
    for part in (predictor.model.sam_mask_decoder, predictor.model.sam_prompt_encoder):
        part.train(True)
    plain.train(True)
    truth = torch.zeros(2, 90, 130)
    truth[0, 25:55, 20:55], truth[1, 30:70, 80:110] = 1, 1
    points, labels = np.array([[[40, 42]], [[95, 50]]]), np.ones([2, 1])
    for step in range(2):
        predictor.set_image(picture(step))
        mask_input, coords, point_labels, box = predictor._prep_prompts(
            points, labels, box=None, mask_logits=None, normalize_coords=True
        )
        assert (mask_input, box) == (None, None)
        sparse, dense = predictor.model.sam_prompt_encoder(points=(coords, point_labels), boxes=None, masks=None)
        low, scores, _, _ = predictor.model.sam_mask_decoder(
            image_embeddings=predictor._features["image_embed"][-1].unsqueeze(0),
            image_pe=predictor.model.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
            repeat_image=coords.shape[0] > 1,
            high_res_features=[level[-1].unsqueeze(0) for level in predictor._features["high_res_feats"]],
        )
        masks = predictor._transforms.postprocess_masks(low, predictor._orig_hw[-1])
        loss = _loss(masks, scores, truth)

        with torch.no_grad():
            features = plain.encode_image(predictor._transforms(picture(step))[None])
        scale = torch.tensor([256 / 130, 256 / 90])
        prompt = (torch.from_numpy(points).float() * scale, torch.ones(2, 1, dtype=torch.int))
        prediction = plain.predict_masks(
            plain.without_memory(features.embedding).detach(), features.high_res, prompt, None, True
        )
        sized = F.interpolate(prediction.logits, (90, 130), mode="bilinear")
        expected = _loss(sized, prediction.predicted_iou, truth)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
        for network, value in ((predictor.model, loss), (plain, expected)):
            network.zero_grad()
            value.backward()
            with torch.no_grad():
                for parameter in network.parameters():
                    if parameter.grad is not None:
                        parameter -= 1e-3 * parameter.grad
    trained = {name.partition(".")[0] for name, each in predictor.model.named_parameters() if each.grad is not None}
    assert trained == {"sam_mask_decoder", "sam_prompt_encoder"}


def _loss(masks: Tensor, scores: Tensor, truth: Tensor) -> Tensor:
    shares = torch.sigmoid(masks[:, 0])
    by_pixel = -truth * torch.log(shares + 1e-5) - (1 - truth) * torch.log(1 - shares + 1e-5)
    inside = (shares > 0.5).float()
    iou = (truth * inside).sum((1, 2)) / (truth + inside - truth * inside).sum((1, 2))
    return by_pixel.mean() + 0.05 * (scores[:, 0] - iou).abs().mean()


def test_gradients_reach_prompts_and_masks() -> None:
    predictor = SAM2ImagePredictor(mini())
    predictor.set_image(picture())
    points = torch.tensor([[40.0, 42.0]], requires_grad=True)
    mask = torch.zeros(1, 64, 64, requires_grad=True)
    mask_input, coords, labels, _ = predictor._prep_prompts(points, [1], None, mask, True)
    sparse, dense = predictor.model.sam_prompt_encoder(points=(coords, labels), boxes=None, masks=mask_input)
    (sparse.sum() + dense.sum()).backward()
    assert points.grad is not None
    assert mask.grad is not None


def test_low_rank_adapters_are_trained() -> None:
    class LowRank(nn.Module):
        def __init__(self, layer: nn.Linear) -> None:
            super().__init__()
            self.layer = layer
            self.down = nn.Linear(layer.in_features, 2, bias=False)
            self.up = nn.Linear(2, layer.out_features, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x) + self.up(self.down(x))

    model = mini().requires_grad_(False)
    for block in model.image_encoder.trunk.blocks:
        block.attn.qkv = LowRank(block.attn.qkv)
    for layer in model.sam_mask_decoder.transformer.layers:
        layer.self_attn.q_proj = LowRank(layer.self_attn.q_proj)
    features = model.forward_image(torch.zeros(1, 3, 256, 256))
    features["backbone_fpn"][-1].sum().backward()
    trained = [name for name, parameter in model.named_parameters() if parameter.grad is not None]
    assert trained
    assert all(".up." in name or ".down." in name for name in trained)


def test_the_trunk_is_a_backbone() -> None:
    class Adapter(nn.Module):
        def __init__(self, block: nn.Module) -> None:
            super().__init__()
            self.block = block
            self.prompt = nn.Linear(block.attn.qkv.in_features, block.attn.qkv.in_features)

        def forward(self, x: Tensor) -> Tensor:
            return self.block(x + self.prompt(x))

    model = mini()
    for part in ("sam_mask_decoder", "sam_prompt_encoder", "memory_encoder", "memory_attention", "mask_downsample"):
        delattr(model, part)
    del model.obj_ptr_tpos_proj
    del model.obj_ptr_proj
    del model.image_encoder.neck
    trunk = model.image_encoder.trunk
    assert isinstance(trunk, Hiera)
    trunk.blocks = nn.Sequential(*map(Adapter, trunk.blocks))
    maps = trunk(torch.zeros(1, 3, 352, 352))
    assert [each.shape[1] for each in maps] == trunk.channel_list[::-1] == [32, 64, 128, 256]


def test_an_exporter_wraps_encoder_and_decoder(predictor: SAM2ImagePredictor) -> None:
    class Encoder(nn.Module):
        def __init__(self, model: SAM2Base) -> None:
            super().__init__()
            self.model, self.image_encoder, self.no_mem_embed = model, model.image_encoder, model.no_mem_embed

        def forward(self, image: Tensor) -> list[Tensor]:
            out = self.image_encoder(image)
            out["backbone_fpn"][0] = self.model.sam_mask_decoder.conv_s0(out["backbone_fpn"][0])
            out["backbone_fpn"][1] = self.model.sam_mask_decoder.conv_s1(out["backbone_fpn"][1])
            maps = out["backbone_fpn"][-self.model.num_feature_levels :]
            sizes = [each.shape[-2:] for each in out["vision_pos_enc"][-self.model.num_feature_levels :]]
            flat = [each.flatten(2).permute(2, 0, 1) for each in maps]
            flat[-1] = flat[-1] + self.no_mem_embed
            return [each.permute(1, 2, 0).reshape(1, -1, *size) for each, size in zip(flat, sizes, strict=True)]

    class Decoder(nn.Module):
        def __init__(self, model: SAM2Base) -> None:
            super().__init__()
            self.prompts, self.decoder, self.size = model.sam_prompt_encoder, model.sam_mask_decoder, model.image_size

        def forward(self, levels: list[Tensor], coords: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            padded = torch.cat([coords + 0.5, torch.zeros(1, 1, 2)], dim=1) / self.size
            labels = torch.cat([labels, -torch.ones(1, 1)], dim=1)[..., None]
            tokens = self.prompts.pe_layer._pe_encoding(padded) * (labels != -1)
            tokens = tokens + self.prompts.not_a_point_embed.weight * (labels == -1)
            for label in range(self.prompts.num_point_embeddings):
                tokens = tokens + self.prompts.point_embeddings[label].weight * (labels == label)
            height, width = self.prompts.image_embedding_size
            dense = self.prompts.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(1, -1, height, width)
            masks, ious, _, _ = self.decoder.predict_masks(
                image_embeddings=levels[2],
                image_pe=self.prompts.get_dense_pe(),
                sparse_prompt_embeddings=tokens,
                dense_prompt_embeddings=dense,
                repeat_image=False,
                high_res_features=levels[:2],
            )
            return self.decoder._dynamic_multimask_via_stability(masks, ious)

    model = predictor.model
    with torch.no_grad():
        levels = Encoder(model)(predictor._transforms(picture())[None])
        coords = predictor._transforms.transform_coords(torch.tensor([[[40.0, 42.0]]]), True, (90, 130))
        masks, ious = Decoder(model)(levels, coords, torch.tensor([[1.0]]))
    _, expected_ious, expected = predictor.predict(CLICK, LABEL, multimask_output=False)
    close(masks[0].clamp(-32, 32), expected)
    close(ious[0], expected_ious)


def test_hooked_replaced_and_compiled_encoders_are_called(predictor: SAM2ImagePredictor) -> None:
    expected = predictor.get_image_embedding()
    seen: list[Any] = []
    handle = predictor.model.image_encoder.register_forward_hook(lambda *call: seen.append(call[2]))
    predictor.set_image(picture())
    handle.remove()
    assert [level.shape[1] for level in seen[0]["backbone_fpn"]] == [64, 64, 64]
    close(predictor.get_image_embedding(), expected)

    model, inner = mini(), mini().image_encoder

    class Wrapped(nn.Module):
        def forward(self, image: Tensor) -> dict[str, Any]:
            return inner(image)

    model.image_encoder = Wrapped()
    replaced = SAM2ImagePredictor(model)
    replaced.set_image(picture())
    close(replaced.get_image_embedding(), expected)
    scores: list[Tensor] = []
    model.sam_mask_decoder.register_forward_hook(lambda *call: scores.append(call[2][3]))
    replaced.predict(CLICK, LABEL)
    assert scores[0].shape == (1, 1)


# --- automatic masks -------------------------------------------------------------------------------------------------


def test_records_of_automatic_masks(model: SAM2Base) -> None:
    generator = SAM2AutomaticMaskGenerator(
        model=model,
        points_per_side=3,
        pred_iou_thresh=0.0,
        stability_score_thresh=0.0,
        box_nms_thresh=1.0,
        crop_n_points_downscale_factor=2,
        output_mode="uncompressed_rle",
    )
    assert generator.crop_n_points_downscale_factor == 2
    generator.predictor.model.to("cpu")
    records = sorted(generator.generate((picture() / 255).astype(np.float32)), key=lambda each: each["area"])
    for record in records:
        mask = rle_to_mask(record["segmentation"])
        assert mask.sum() == record["area"]
        assert mask_to_rle_pytorch(torch.from_numpy(mask)[None])[0] == record["segmentation"]


def test_columns_of_masks(predictor: SAM2ImagePredictor) -> None:
    masks, ious, _ = predictor.predict(CLICK, LABEL)
    data = MaskData(masks=torch.from_numpy(masks > 0), ious=torch.from_numpy(ious), names=["a", "b", "c"])
    data["boxes"] = batched_mask_to_box(data["masks"])
    assert torch.equal(mask_to_box(data["masks"][:, None])[:, 0].long(), data["boxes"])
    data.filter(data["ious"] >= data["ious"].median())
    assert len(data["names"]) == len(data["boxes"]) == 2
    data.cat(MaskData(masks=data["masks"], ious=data["ious"], names=["d", "e"], boxes=data["boxes"]))
    data.filter(torch.tensor([3, 0]))
    data.to_numpy()
    assert data["names"][0] == "e"
    assert data["boxes"].dtype == np.float32
    with pytest.raises(TypeError, match="lists, arrays and tensors"):
        data["names"] = "a"


def test_small_functions_of_the_official_package(tmp_path: Path) -> None:
    mask = torch.zeros(2, 1, 6, 8, dtype=torch.bool)
    mask[0, 0, 1:3, 1:4] = mask[0, 0, 5, 6] = True
    labels, areas = get_connected_components(mask)
    assert sorted(labels.unique().tolist()) == [0, 1, 2]
    assert areas[0, 0, 1, 1].item() == 6
    assert mask_to_box(mask)[:, 0].tolist() == [[1, 1, 6, 5], [8, 6, -1, -1]]
    assert (fill_holes_in_mask_scores(torch.where(mask, -1.0, 1.0), 6) > 0).all()
    images, height, width = load_video_frames(
        str(write_clip(tmp_path, 2)), 64, True, compute_device=torch.device("cpu")
    )
    assert (images.shape, height, width) == ((2, 3, 64, 64), 90, 130)
    plain, _, _ = load_video_frames(str(tmp_path), 64, True, img_mean=(0, 0, 0), img_std=(1, 1, 1))
    assert 0 <= plain.min().item() < plain.max().item() <= 1 + 1e-6


# --- settings --------------------------------------------------------------------------------------------------------


def test_settings_of_the_model_can_be_read_and_set(tmp_path: Path) -> None:
    model = mini()
    assert (model.image_size, model.hidden_dim, model.mem_dim, model.num_maskmem) == (256, 64, 16, 7)
    assert (model.no_obj_embed_spatial, model.proj_tpos_enc_in_obj_ptrs) == (None, False)
    model.image_size, model.num_maskmem, model.max_obj_ptrs_in_encoder = 320, 3, 4
    predictor = SAM2ImagePredictor(model)
    predictor.set_image(picture())
    assert predictor.get_image_embedding().shape == (1, 64, 20, 20)
    model.sam_mask_decoder.dynamic_multimask_via_stability = False
    model.use_high_res_features_in_sam = True
    for name, value in (("num_maskmem", 8), ("hidden_dim", 128), ("image_size", 100), ("pred_obj_scores", False)):
        with pytest.raises(ConfigError):
            setattr(model, name, value)


def test_overrides_act_on_the_network() -> None:
    overrides = [
        "++model._target_=sam2.sam2_video_predictor.SAM2VideoPredictor",
        "++model.image_size=512",
        "++model.memory_attention.layer.self_attention.feat_sizes=[32,32]",
        "++model.memory_attention.layer.cross_attention.feat_sizes=[32,32]",
        "++model.num_maskmem=3",
        "model.max_obj_ptrs_in_encoder=2",
        "+model.max_cond_frames_in_attn=4",
        "++model.memory_temporal_stride_for_eval=5",
        "++model.non_overlap_masks_for_mem_enc=true",
        "++model.multimask_max_pt_num=2",
        "++model.compile_image_encoder=False",
        "++model.use_obj_ptrs_in_encoder=true",
        "++model.sam_mask_decoder_extra_args.dynamic_multimask_stability_thresh=0.5",
        "++model.fill_hole_area=3",
        "++model.clear_non_cond_mem_around_input=true",
    ]
    predictor = build_sam2_video_predictor("nano", device="cpu", hydra_overrides_extra=overrides)
    assert isinstance(predictor, SAM2VideoPredictor)
    assert (predictor.image_size, predictor.num_maskmem, predictor.max_obj_ptrs_in_encoder) == (512, 3, 2)
    assert (predictor.max_cond_frames_in_attn, predictor.memory_temporal_stride_for_eval) == (4, 5)
    assert predictor.non_overlap_masks_for_mem_enc
    assert len(predictor.maskmem_tpos_enc) == 3
    original = build_sam2("nano", device="cpu").maskmem_tpos_enc
    assert torch.equal(predictor.maskmem_tpos_enc, original[[0, 1, -1]])  # the last one is that of conditioning frames
    assert predictor.sam_mask_decoder.dynamic_multimask_stability_thresh == 0.5
    assert (predictor.fill_hole_area, predictor.clear_non_cond_mem_around_input) == (3, True)


def test_objects_do_not_overlap_in_their_memory(model: SAM2Base) -> None:
    network = mini()
    features = network.encode_image(torch.zeros(1, 3, 256, 256))
    logits = torch.stack([torch.full((1, 64, 64), 2.0), torch.full((1, 64, 64), 5.0)])
    args = (features.embedding.expand(2, -1, -1, -1), logits, torch.ones(2, 1), True)
    before = network.encode_memory(*args)
    network.non_overlap_masks_for_mem_enc = True
    after = network.encode_memory(*args)
    assert torch.equal(after[1], before[1])
    assert not torch.allclose(after[0], before[0], atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        "++model.samurai_mode=true",
        "++model.image_size=many",
        "++model.image_size=500",
        "++model.num_maskmem=40",
        "++model.num_maskmem=0",
        "++model.pred_obj_scores=false",
        "++model.image_size",
        "++model.compile_image_encoder=3",
        "++model._target_=mine.Predictor",
        "++model.fill_hole_area=8",
    ],
)
def test_other_overrides_are_refused(wrong: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_sam2("nano", device="cpu", hydra_overrides_extra=[wrong])
    if "samurai" in wrong or "fill_hole" in wrong:
        for known in ("image_size", "num_maskmem", "dynamic_multimask_stability_thresh", "compile_image_encoder"):
            assert known in str(caught.value)


@contextmanager
def recorded_calls(part: nn.Module) -> Iterator[list[Any]]:
    calls: list[Any] = []
    handle = part.register_forward_hook(lambda *call: calls.append(call[1]))
    yield calls
    handle.remove()


def test_the_number_of_conditioning_frames_is_limited(tmp_path: Path) -> None:
    counts: list[int] = []
    for limit in (-1, 2):
        override = f"++model.max_cond_frames_in_attn={limit}"
        predictor = build_sam2_video_predictor("nano", device="cpu", hydra_overrides_extra=[override])
        state = predictor.init_state(str(write_clip(tmp_path / str(limit), 8)))
        for frame in (0, 2, 4, 6):
            predictor.add_new_points_or_box(state, frame, 1, points=CLICK, labels=LABEL)
        with recorded_calls(predictor.memory_attention) as calls:
            list(predictor.propagate_in_video(state, start_frame_idx=7, max_frame_num_to_track=0))
        counts.append(calls[0][2].shape[1])
    assert counts[0] > counts[1]
