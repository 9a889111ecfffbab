"""How good the known networks are: in words, and by the figures that their makers have published."""

from __future__ import annotations

from dataclasses import dataclass

from sam2_core.networks import BUNDLED, NETWORKS, KnownNetwork


@dataclass(frozen=True, slots=True)
class Quality:
    """`words` compare the networks with each other. `figure` is what was measured with its result ("" where nothing is
    published for this network), and `source` says by whom."""

    words: str
    figure: str = ""
    source: str = ""


def _official(words: str, score: float) -> Quality:
    return Quality(words, f"{score:g} J&F on SA-V test", "SAM 2 repository")


_QUALITIES = {
    BUNDLED: Quality(
        "Fair",
        "52.8 mIoU of one click, 67.1 J in clips",
        "own small test, not comparable",
    ),
    "sam2.1_hiera_tiny": _official("Very good", 76.5),
    "sam2.1_hiera_small": _official("Very good", 76.6),
    "sam2.1_hiera_base_plus": _official("Excellent", 78.2),
    "sam2.1_hiera_large": _official("Excellent: the best here", 79.5),
    "sam2_hiera_tiny": _official("Very good; SAM 2.1 is better", 75.0),
    "sam2_hiera_small": _official("Very good; SAM 2.1 is better", 74.9),
    "sam2_hiera_base_plus": _official("Very good; SAM 2.1 is better", 74.7),
    "sam2_hiera_large": _official("Very good; SAM 2.1 is better", 76.0),
    "sam_vit_b": Quality("Good, for pictures"),
    "sam_vit_l": Quality("Very good, for pictures"),
    "sam_vit_h": Quality("Very good, for pictures", "58.1 mIoU of one click on 23 data sets", "SAM 2 paper"),
}


def quality_of(network: KnownNetwork) -> Quality:
    """The quality of a known network; figures hold for the size of input that it was trained at, and for no other."""
    quality, own = _QUALITIES[network.base_name], NETWORKS[network.base_name]
    return quality if network.image_size == own.image_size else Quality(f"{quality.words}, with coarser edges")
