"""The example programs run; each in a process of its own, as pages of Gradio leave sockets open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT_PROMPTS = """
import runpy
from PIL import Image
from sam2_core.detection.detector import Detection
from sam2_core.predictors import lang_sam
from sam2_core.types import Box
from tests.detection.stand_in import StandInDetector

detector = StandInDetector(lambda image: [Detection("dog", 0.5, Box(4, 4, 30, 30))])
lang_sam.load_detector = lambda name, place, processor: detector
segment = runpy.run_path("examples/text_prompts.py")["segment"]
shown, [(mask, label)] = segment(Image.new("RGB", (64, 48)), "dog", 0.3, 0.25)
print(shown.size, mask.shape, label, segment(shown, "cat", 0.3, 0.25)[1])
"""


def test_text_prompts_on_a_page() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"}
    run = [sys.executable, "-c", TEXT_PROMPTS]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(64, 48) (48, 64) dog 0.50 []\n"
