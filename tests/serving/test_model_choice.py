"""Which network is chosen for which machine, as a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sam2_core.networks import NETWORKS
from sam2_core.serving.model_choice import (
    HALF_SIZE,
    Machine,
    NetworkChoice,
    choose_network,
    entry_name,
    estimate_speed,
)
from sam2_core.serving.model_quality import quality_of

ROOT = Path(__file__).resolve().parents[2]
TINY, SMALL, BASE_PLUS = (f"sam2.1_hiera_{size}" for size in ("tiny", "small", "base_plus"))
CPU = Machine("cpu", cores=8, has_bfloat16=True, gigabytes=None, gflops=1600)
GPU = Machine("cuda", cores=8, has_bfloat16=True, gigabytes=16, gflops=40_000)


@pytest.mark.parametrize(
    ("machine", "choice"),
    [
        (CPU, NetworkChoice(TINY)),
        (replace(CPU, cores=2), NetworkChoice(TINY, HALF_SIZE)),
        (replace(CPU, gflops=500), NetworkChoice(TINY, HALF_SIZE)),
        (replace(CPU, gflops=20), NetworkChoice(TINY, HALF_SIZE)),
        (replace(CPU, gflops=5), None),
        (GPU, NetworkChoice(BASE_PLUS)),
        (replace(GPU, gigabytes=10, has_bfloat16=False), NetworkChoice(SMALL)),
        (replace(GPU, gigabytes=5), NetworkChoice(SMALL)),
        (replace(GPU, gigabytes=3), NetworkChoice(TINY)),
        (replace(GPU, gigabytes=1), None),
        (replace(GPU, gflops=8_000), NetworkChoice(SMALL)),
        (replace(GPU, gflops=1_500), NetworkChoice(TINY)),
        (replace(GPU, gflops=100), NetworkChoice(TINY, HALF_SIZE)),
        (Machine("mps", 8, False, None, 20_000), NetworkChoice(TINY)),
    ],
)
def test_the_choice_follows_from_the_measurements(machine: Machine, choice: NetworkChoice | None) -> None:
    assert choose_network(machine) == choice


def test_more_is_never_worse() -> None:
    ranks = {None: 0, NetworkChoice(TINY, HALF_SIZE): 1, NetworkChoice(TINY): 2}
    ranks |= {NetworkChoice(SMALL): 3, NetworkChoice(BASE_PLUS): 4}
    for machine in (CPU, GPU):
        chosen = [ranks[choose_network(replace(machine, gflops=2.0**power))] for power in range(20)]
        assert chosen == sorted(chosen)
        assert len(set(chosen)) > 2


def test_a_choice_is_on_offer_under_the_name_of_its_network() -> None:
    assert entry_name(NetworkChoice(TINY, HALF_SIZE)) == f"{TINY}@512"
    assert entry_name(NetworkChoice(TINY)) == TINY


def test_estimates_follow_the_work() -> None:
    tiny, half = (estimate_speed(NETWORKS[TINY].resized(size), CPU) for size in (1024, HALF_SIZE))
    frame = NETWORKS[TINY].gflops[1]
    assert frame is not None
    assert tiny.photo_seconds == pytest.approx(NETWORKS[TINY].gflops[0] / 480 + 0.03)
    assert tiny.frames_per_second == pytest.approx(1 / (frame / 480 + 0.03))
    assert half.photo_seconds == pytest.approx(NETWORKS[TINY].resized(HALF_SIZE).gflops[0] / 480 + 0.03)
    assert half.frames_per_second is not None
    assert half.frames_per_second > 4 * tiny.frames_per_second
    assert estimate_speed(NETWORKS["sam_vit_b"], CPU).frames_per_second is None
    exact = estimate_speed(NETWORKS[TINY], replace(CPU, has_bfloat16=False))
    assert exact.photo_seconds == pytest.approx(NETWORKS[TINY].gflops[0] / 1200 + 0.03)


def test_figures_hold_for_the_published_size_alone() -> None:
    assert quality_of(NETWORKS[TINY]).figure
    assert not quality_of(NETWORKS[TINY].resized(HALF_SIZE)).figure


def test_every_network_has_its_quality_in_words_and_figures_a_source() -> None:
    for network in NETWORKS.values():
        quality = quality_of(network)
        assert quality.words
        assert bool(quality.figure) == bool(quality.source)


def test_the_figures_of_nano_are_those_of_its_card() -> None:
    card = (ROOT / "assets" / "nano.md").read_text("utf-8")
    figure = quality_of(NETWORKS["nano"]).figure
    assert figure == "52.8 mIoU of one click, 67.1 J in clips"
    assert "| 1 click, its own pick | 52.8 |" in card
    assert "| clip, from a mask on the first frame | 67.1 (" in card
