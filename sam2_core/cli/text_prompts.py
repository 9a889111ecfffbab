"""Objects that a text names: --text finds them with a detector, and their boxes become prompts."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeAlias

from sam2_core.cli.options import integer_from, share
from sam2_core.cli.prompts import PromptedObject
from sam2_core.cli.session import MAX_OBJECTS, CommandContext
from sam2_core.console import Console
from sam2_core.detection.association import new_arrivals
from sam2_core.detection.detector import Detection, Detector
from sam2_core.detection.finding import find_objects
from sam2_core.detection.known import DEFAULT_DETECTOR, DETECTORS, EXTRA
from sam2_core.detection.phrases import read_phrases
from sam2_core.errors import ConfigError
from sam2_core.media import MAX_NAME_LENGTH, ObjectTraits, Store, color_of
from sam2_core.media.source_frames import read_full_frame
from sam2_core.serving.workspace import Workspace
from sam2_core.types import Mask, Prompt

DetectorLoader: TypeAlias = Callable[[], Detector]
_SCRATCH_OBJECT = 1
"""Previews are of no object; they name one that may or may not be there."""


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
        text = "look again on every Nth frame after the first, and track what is new there, too (default: only once)"
        group.add_argument("--detect-every", type=integer_from(1), metavar="N", help=text)


@dataclass
class TextPrompts:
    """Objects of one image or clip, with numbers, names and classes of their own."""

    phrases: tuple[str, ...]
    box_threshold: float | None
    text_threshold: float | None
    load: DetectorLoader
    console: Console
    objects: list[PromptedObject] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def begin(self) -> TextPrompts:
        """The same for another image or clip, without objects."""
        return replace(self, objects=[], _counts=Counter())

    def find(self, store: Store, frame: int) -> tuple[Detection, ...]:
        """What is found on a frame, the best first; of overlapping boxes one. Raises `BadPrompt` and `MediaError`."""
        detector = self.load()
        self.console.progress(None, "Looking for what the text names")
        image = read_full_frame(store, frame)
        return find_objects(detector, image, self.phrases, self.box_threshold, self.text_threshold)

    def add(self, frame: int, found: Sequence[Detection]) -> list[PromptedObject]:
        """Make these detections objects; those beyond the limit are left out. Returns the new ones."""
        added: list[PromptedObject] = []
        for each in found[: MAX_OBJECTS - len(self.objects)]:
            number = len(self.objects) + len(added) + 1
            self._counts[each.phrase] += 1
            count = self._counts[each.phrase]
            name = each.phrase if count == 1 else f"{each.phrase[: MAX_NAME_LENGTH - 5]} {count}"
            traits = ObjectTraits(number, name, each.phrase, color_of(number))
            added.append(PromptedObject(traits, {frame: prompt_of(each)}))
        self.objects += added
        return added

    def tell(self, name: str) -> None:
        """Print which phrases name nothing in the image or clip of this name; for none at all the report says so."""
        missing = [phrase for phrase in self.phrases if phrase not in self._counts]
        if missing and self.objects:
            self.console.note(f"{name}: nothing was found for {', '.join(missing)}")


def text_from_options(options: argparse.Namespace, context: CommandContext) -> TextPrompts | None:
    """The text prompts that the options ask for, if any. Raises `BadPrompt`, and `ConfigError` for others beside."""
    if options.text is None:
        return None
    if options.prompt_flags or options.prompts is not None:
        raise ConfigError("Say what to select either with --text, or with other prompts.")

    @cache  # on first use, then kept
    def load() -> Detector:
        context.console.progress(None, "Loading the detector")
        from sam2_core.detection.loading import load_detector
        from sam2_core.serving.build import choose_devices

        return load_detector(options.detector, choose_devices(options.device)[0], context.console.progress)

    phrases = read_phrases(options.text)
    return TextPrompts(phrases, options.box_threshold, options.text_threshold, load, context.console)


def prompt_of(found: Detection) -> Prompt:
    """The mask of a detection as prompt where it has one, else its box."""
    return Prompt(boxes=(found.box,)) if found.mask is None else Prompt(mask=found.mask)


def objects_of_image(text: TextPrompts, store: Store) -> list[PromptedObject]:
    """The objects of an image. Raises `BadPrompt` and `MediaError`."""
    text.add(0, text.find(store, 0))
    text.tell(store.info.name)
    return text.objects


async def prompt_objects(text: TextPrompts, workspace: Workspace, frames: Sequence[int]) -> AsyncIterator[int]:
    """Prompt what the text names on these frames and is not an object yet; yields each frame once that is done.

    The caller then tracks all objects to the next of the frames: what is found there and has the mask of one of them
    is not new. Raises `BadPrompt` and `MediaError`.
    """
    for frame in frames:
        found = text.find(workspace.store, frame)
        masks = [await _mask_of(workspace, frame, each) for each in found]
        known: list[Mask] = []
        if text.objects:
            [here] = await workspace.masks(range(frame, frame + 1))
            known = [each.mask for each in here.objects if each.is_present]
        for each in text.add(frame, [found[index] for index in new_arrivals(masks, known)]):
            await workspace.prompt(frame, each.traits.id, each.prompts[frame])
        yield frame


async def _mask_of(workspace: Workspace, frame: int, found: Detection) -> Mask:
    if found.mask is not None:
        return found.mask
    [preview] = (await workspace.preview(frame, _SCRATCH_OBJECT, prompt_of(found))).objects
    return preview.mask
