"""The detectors that have a name here; others are known by their path or repository."""

from __future__ import annotations

from dataclasses import dataclass

from sam2_core.detection.detector import Thresholds
from sam2_core.paths import install_command

EXTRA = install_command("text")
"""Installs what detectors need, next to PyTorch."""
EXTRA_MEGABYTES = 290
"""Its size on disk."""


@dataclass(frozen=True, slots=True)
class KnownDetector:
    """A detector with published weights of `megabytes` in the Hub repository `repository`.

    `segments` tells whether it makes masks by itself, for every instance of a phrase.
    """

    name: str
    title: str
    repository: str
    megabytes: int
    thresholds: Thresholds
    license: str = "Apache 2.0"
    segments: bool = False

    @property
    def scores_words(self) -> bool:
        """Whether the text threshold has an effect."""
        return self.thresholds == GROUNDED


DEFAULT_DETECTOR = "grounding_dino_tiny"

GROUNDED, QUERIES, CONCEPTS = Thresholds(0.3, 0.25), Thresholds(0.2), Thresholds(0.5)
"""Thresholds that suit Grounding DINO (those of its authors), OWLv2 and its relatives, and SAM 3."""

DETECTORS: dict[str, KnownDetector] = {
    each.name: each
    for each in (
        KnownDetector(DEFAULT_DETECTOR, "Grounding DINO tiny", "IDEA-Research/grounding-dino-tiny", 690, GROUNDED),
        KnownDetector("grounding_dino_base", "Grounding DINO base", "IDEA-Research/grounding-dino-base", 933, GROUNDED),
        KnownDetector("owlv2_base", "OWLv2 base", "google/owlv2-base-patch16-ensemble", 620, QUERIES),
        KnownDetector("owlv2_large", "OWLv2 large", "google/owlv2-large-patch14-ensemble", 1750, QUERIES),
        KnownDetector("sam3", "SAM 3", "facebook/sam3", 3440, CONCEPTS, "SAM License, from Meta", segments=True),
    )
}

THRESHOLDS_BY_KIND = {
    "grounding-dino": GROUNDED,
    "mm-grounding-dino": GROUNDED,
    "owlvit": QUERIES,
    "owlv2": QUERIES,
    "omdet-turbo": QUERIES,
    "sam3": CONCEPTS,
    "sam3_video": CONCEPTS,
}
"""Thresholds that suit a detector of a folder, by the `model_type` of its config.json."""
