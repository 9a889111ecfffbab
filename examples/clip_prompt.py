"""Research: the text prompt of the SAM paper, on a toy. Run it with `python examples/clip_prompt.py FOLDER`.

Pictures of colored shapes; a tiny CLIP that learns their names; then nano's decoder learns from CLIP's embeddings of
crops, sees no text, and is asked by texts. Printed is how well the mask of a text fits the shape that it names, and how
often it fits that one best of the three in the picture. Takes about seven minutes on two processor cores.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import torch
import transformers
import yaml

from sam2_core.detection.clip import load_clip
from sam2_core.predictors.clip_segmenter import ClipSegmenter
from sam2_core.training.__main__ import main as train
from sam2_core.training.clip_crops import clip_crops

SIDE, CROP, SHAPES = 192, 32, ("circle", "square", "triangle")
COLORS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 80, 220), "yellow": (230, 210, 50)}
NAMES = [f"{color} {shape}" for color in COLORS for shape in SHAPES]
RECIPE = {
    "init": "nano", "steps": 400, "train": "decoder", "weights": "weights.pt", "optimizer": "adamw",
    "learning_rate": 0.0005, "warmup_steps": 20, "hold": 0.6, "ema": 0.99, "held_out": 0.0, "measure_minutes": 1000.0,
    "phases": [{"size": SIDE, "batch": 6, "objects": 4, "corrections": [0, 1],
                "mix": {"real": 1.0, "composites": 0.0, "smallest_area": 0.002}}],
}  # fmt: skip


def draw(random: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A picture (S, S, 3) with three shapes of different names on noise, and their masks."""
    image = cv2.resize(random.integers(90, 160, (12, 12, 3), np.uint8), (SIDE, SIDE))
    masks: dict[str, np.ndarray] = {}
    places = [(SIDE * (0.27 + 0.46 * (k % 2)), SIDE * (0.27 + 0.46 * (k // 2))) for k in random.permutation(4)[:3]]
    for number, (x, y) in zip(random.permutation(len(NAMES))[:3], places, strict=True):
        color, shape = NAMES[number].split()
        radius, mask = random.uniform(0.11, 0.2) * SIDE, np.zeros((SIDE, SIDE), np.uint8)
        if shape == "circle":
            cv2.circle(mask, (int(x), int(y)), int(radius), 1, -1)
        else:
            count = 4 if shape == "square" else 3
            angles = 2 * np.pi * (np.arange(count) / count + random.uniform())
            corners = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)
            cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
        image[mask > 0] = np.clip(np.array(COLORS[color]) + random.normal(0, 18, (int(mask.sum()), 3)), 0, 255)
        masks[NAMES[number]] = mask
    return image, masks


def save_clip(folder: Path, random: np.random.Generator, steps: int = 600) -> None:
    """Train a tiny CLIP on crops of the shapes and their names."""
    words = ["[pad]", "[start]", "[end]", *COLORS, *SHAPES]
    tokenizer = transformers.BertTokenizerFast(
        vocab={word: number for number, word in enumerate([*words, "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])}
    )
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    end = tokenizer.sep_token_id
    text = {**sizes, "vocab_size": len(tokenizer), "max_position_embeddings": 8, "eos_token_id": end, "bos_token_id": 1}
    vision = {**sizes, "image_size": CROP, "patch_size": 8}
    torch.manual_seed(0)
    model = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=32))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    clip = load_clip(str(folder))  # for its preprocessing
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    for _ in range(steps):
        samples = [(image, *each) for image, masks in (draw(random) for _ in range(10)) for each in masks.items()]
        images, masks = np.stack([each[0] for each in samples]), np.stack([each[2] for each in samples])
        names = [NAMES.index(each[1]) for each in samples]
        pixels = clip.normalize(clip_crops(random, images, masks, CROP))
        tokens = tokenizer(NAMES, padding=True, return_tensors="pt")
        found = model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, pixel_values=pixels)
        loss = torch.nn.functional.cross_entropy(found.logits_per_image, torch.tensor(names))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"CLIP: loss {loss:.2f}; with {len(NAMES)} names chance is {np.log(len(NAMES)):.2f}")
    model.save_pretrained(folder)


def main(folder: Path) -> None:
    """Make everything in `folder`."""
    random = np.random.default_rng(1)
    save_clip(folder / "clip", random)
    for number in range(150):
        image, masks = draw(random)
        index = sum(value * mask for value, mask in enumerate(masks.values(), start=1))
        for part, pixels in (("images", image[..., ::-1]), ("masks", index)):
            (folder / "data" / part).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / "data" / part / f"{number:03}.png"), pixels)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE), "utf-8")
    arguments = ["--config", str(folder / "recipe.yaml"), "--data", str(folder / "data"), "--out", str(folder / "run")]
    if train([*arguments, "--prompt", "clip", "--clip", str(folder / "clip")]):
        sys.exit(1)
    segmenter = ClipSegmenter.from_files(folder / "run" / "weights.pt")
    own, best = [], []
    for image, masks in (draw(random) for _ in range(40)):
        found = segmenter.predict(image, list(masks))
        for name, mask in zip(masks, found.masks, strict=True):
            ious = {other: (mask & (truth > 0)).sum() / (mask | (truth > 0)).sum() for other, truth in masks.items()}
            own.append(ious[name])
            best.append(max(ious, key=ious.__getitem__) == name and ious[name] > 0)
    print(f"IoU of a text's mask with the shape that it names: {np.mean(own):.2f}")
    print(f"It is the best of the three: {np.mean(best):.0%} (chance 33%)")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "clip_toy"))
