"""A page that segments what a text names: pip install "masklet[text]" gradio, then python examples/text_prompts.py"""

import gradio as gr
from PIL import Image

from sam2_core import LangSAM

model = LangSAM("nano", detector="grounding_dino_tiny")  # a larger network: "sam2.1_hiera_small"


def segment(image: Image.Image, text: str, box_threshold: float, text_threshold: float) -> tuple:
    """The image with its masks, each called like the phrase that it belongs to."""
    [found] = model.predict([image], [text], box_threshold, text_threshold)
    labels = [f"{label} {score:.2f}" for label, score in zip(found["labels"], found["scores"], strict=True)]
    return image, list(zip(found["masks"], labels, strict=True))


sliders = [gr.Slider(0, 1, value, label=label) for label, value in (("Box threshold", 0.3), ("Text threshold", 0.25))]
page = gr.Interface(segment, [gr.Image(type="pil"), gr.Textbox(label="dog, wheel"), *sliders], gr.AnnotatedImage())

if __name__ == "__main__":
    page.launch()
