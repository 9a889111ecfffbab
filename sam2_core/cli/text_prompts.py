"""Objects that a text names: --text finds them with a detector, and their boxes become prompts."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import cache

from sam2_core.cli.options import integer_from, share
from sam2_core.cli.session import CommandContext
from sam2_core.console import Console
from sam2_core.detection.detector import Detection, Detector
from sam2_core.detection.known import DEFAULT_DETECTOR, DETECTORS, EXTRA
from sam2_core.detection.phrases import read_phrases
from sam2_core.errors import ConfigError
from sam2_core.media import ObjectTraits
from sam2_core.serving.detection_engine import Detect, detect_in
from sam2_core.serving.project import traits_of
from sam2_core.serving.text_run import RunDetection, TextDirection, TextRequest
from sam2_core.serving.tracking_run import TrackingUpdate
from sam2_core.serving.workspace import Workspace


def add_text(parser: argparse.ArgumentParser, *, for_clips: bool) -> None:
    """Add the options for text prompts."""
    group = parser.add_argument_group(f"what to select, in words (needs a detector: {EXTRA})")
    text = 'find and select all that is named, with commas between several things ("dog, wheel")'
    group.add_argument("--text", metavar="WORDS", help=text)
    names = ", ".join(f"{each.name} ({each.megabytes} MB)" for each in DETECTORS.values())
    text = f"{names}; the folder of a detector, or OWNER/NAME on the Hugging Face Hub (default: {DEFAULT_DETECTOR})"
    group.add_argument("--detector", default=DEFAULT_DETECTOR, metavar="NAME", help=text)
    text = "no boxes of a lower score, 0 to 1 (default: what suits the detector)"
    group.add_argument("--box-threshold", type=share, metavar="SCORE", help=text)
    text = "words of a lower score do not count, 0 to 1 (of Grounding DINO; default: 0.25)"
    group.add_argument("--text-threshold", type=share, metavar="SCORE", help=text)
    if for_clips:
        parser.set_defaults(prompt=None, clip=None)
        text = (
            "look again on every Nth frame from there, also backward, and track what is new there (default: only once)"
        )
        group.add_argument("--detect-every", type=integer_from(1), metavar="N", help=text)
        return
    text = (
        "research: no detector, but a network for --checkpoint that was trained with --prompt clip; every text gets a "
        "mask, also of what is not there (see docs/python.md)"
    )
    group.add_argument("--prompt", choices=("clip",), help=text)
    text = "the CLIP for that: a folder, or OWNER/NAME on the Hub (default: the one that it was trained with)"
    group.add_argument("--clip", metavar="NAME", help=text)


@dataclass(frozen=True)
class TextPrompts:
    """What to find in each image or clip of a command."""

    phrases: tuple[str, ...]
    box_threshold: float | None
    text_threshold: float | None
    run_detection: RunDetection
    console: Console

    async def find(
        self,
        workspace: Workspace,
        frame: int = 0,
        direction: TextDirection | None = None,
        every: int | None = None,
        first: int = 0,
        last: int = 0,
    ) -> list[ObjectTraits]:
        """Find what the text names, prompt it and track it, see `TextRequest`; the objects.

        Notes tell which phrases name nothing; for none at all the report says so. Raises `BadPrompt` and `MediaError`.
        """
        detect = Detect(
            media=str(workspace.folder),
            frame=frame,
            phrases=self.phrases,
            box_threshold=self.box_threshold,
            text_threshold=self.text_threshold,
        )
        run = workspace.find_objects(TextRequest(detect, direction, every, first, last), self.run_detection)
        async for update in run:
            if isinstance(update, TrackingUpdate):
                self.console.progress(update.done / update.total, "Tracking")
            elif update.left_out:
                self.console.note(f"{workspace.info.name}: {update.left_out} objects are too many and were left out")
        if run.missing and run.objects:
            self.console.note(f"{workspace.info.name}: nothing was found for {', '.join(run.missing)}")
        return [traits_of(workspace.log.state, number) for number in run.objects]


def text_from_options(options: argparse.Namespace, context: CommandContext) -> TextPrompts | None:
    """The text prompts that the options ask for, if any. Raises `BadPrompt`, and `ConfigError` for others beside."""
    _check_clip(options)
    if options.text is None:
        return None
    if options.prompt_flags or options.prompts is not None:
        raise ConfigError("Say what to select either with --text, or with other prompts.")

    @cache  # on first use, then kept
    def load() -> Detector:
        context.console.progress(None, "Loading the detector")
        from sam2_core.detection.loading import load_detector
        from sam2_core.serving.build import choose_devices

        if options.prompt is not None:
            from sam2_core.predictors.clip_detector import ClipDetector
            from sam2_core.predictors.clip_segmenter import ClipSegmenter

            device = str(choose_devices(options.device)[0])
            return ClipDetector(ClipSegmenter.from_files(options.checkpoint, options.clip, options.model, device))
        return load_detector(options.detector, choose_devices(options.device)[0], context.console.progress)

    async def run_detection(command: Detect) -> tuple[Detection, ...]:
        detector = load()
        context.console.progress(None, "Looking for what the text names")
        return detect_in(detector, command)

    phrases = read_phrases(options.text)
    return TextPrompts(phrases, options.box_threshold, options.text_threshold, run_detection, context.console)


def _check_clip(options: argparse.Namespace) -> None:
    """Raise `ConfigError` where the options for CLIP do not fit the others."""
    if options.clip is not None and options.prompt is None:
        raise ConfigError("--clip says which one --prompt clip uses: give both.")
    if options.prompt is not None and (options.text is None or options.checkpoint is None):
        raise ConfigError("--prompt clip needs a --text, and for --checkpoint a network that was trained with it.")
    if options.prompt is not None and options.detector != DEFAULT_DETECTOR:
        raise ConfigError("--prompt clip takes the place of a detector: leave --detector out.")
