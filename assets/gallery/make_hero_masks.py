"""Compute the masks that the start screen shows under the pointer: `python assets/gallery/make_hero_masks.py`.

Writes hero.json beside this file: the name of the picture in the gallery, and for each object its name, the prompt
that gives its mask (as in an edit log), COCO run lengths and the predicted IoU. The bundled network computes the masks,
so the page gets the same ones, but for specks, when it opens the picture with such a prompt. Run it again when those
weights change.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_core import SAM2ImagePredictor, build_sam2
from sam2_core.types import Box, Mask, Point, Prompt

FOLDER = Path(__file__).parent
PICTURE = "coffee"
SPECK = 64  # pixels of the low-resolution mask; smaller holes and islands go
OBJECTS = {
    "Cake": Prompt(points=(Point(236, 347),)),
    "Book": Prompt(points=(Point(353, 203),), boxes=(Box(253, 198, 385, 292),)),
    "Parasol": Prompt(points=(Point(340, 30),), boxes=(Box(294, 0, 400, 40),)),
}


def main() -> None:
    """Write hero.json."""
    predictor = SAM2ImagePredictor(build_sam2(device="cpu"), max_hole_area=SPECK, max_sprinkle_area=SPECK)
    predictor.set_image(np.asarray(Image.open(FOLDER / f"{PICTURE}.jpg").convert("RGB")))
    objects = [hero_object(predictor, name, prompt) for name, prompt in OBJECTS.items()]
    text = json.dumps({"picture": PICTURE, "objects": objects}, indent=1)
    (FOLDER / "hero.json").write_text(text + "\n", "utf-8")


def hero_object(predictor: SAM2ImagePredictor, name: str, prompt: Prompt) -> dict[str, object]:
    """One entry of hero.json: of an ambiguous click the candidate with the highest predicted IoU."""
    masks, scores, _ = predictor.predict(
        point_coords=np.array([[point.x, point.y] for point in prompt.points]) if prompt.points else None,
        point_labels=np.array([int(point.positive) for point in prompt.points]) if prompt.points else None,
        box=np.array([[box.left, box.top, box.right, box.bottom] for box in prompt.boxes]) if prompt.boxes else None,
        multimask_output=len(prompt.points) == 1 and not prompt.boxes,
    )
    best = int(scores.argmax())
    return {
        "name": name,
        "prompt": prompt.to_json(),
        "mask": Mask.from_array(masks[best]).to_coco(),
        "predicted_iou": round(float(scores[best]), 3),
    }


if __name__ == "__main__":
    main()
