"""What there is: networks, kinds of files, looks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sam2_core.media import EFFECTS, KINDS, PRESETS, Look
from sam2_core.networks import NETWORKS, ROOT
from tests.cli.calls import Caller

WEIGHTS = ROOT / "assets" / "nano.safetensors"


def test_networks_are_listed(call: Caller) -> None:
    done = call("models", "--json")
    assert (done.code, [each["name"] for each in done.results]) == (0, list(NETWORKS))
    assert done.results[0]["file"] == str(WEIGHTS)
    [tiny] = call("models", "list", "facebook/sam2.1-hiera-tiny", "--json").results
    assert (tiny["name"], tiny["repository"]) == ("sam2.1_hiera_tiny", "facebook/sam2.1-hiera-tiny")
    assert len(call("models").out.splitlines()) == len(NETWORKS)


def test_weights_that_are_here_need_no_download(call: Caller) -> None:
    assert call("models", "download", "nano").out == f"{WEIGHTS}\n"


def test_weights_are_verified(call: Caller, tmp_path: Path) -> None:
    assert call("models", "verify", "nano", "--json").result["network"] == "nano"
    shutil.copy(WEIGHTS, tmp_path / "mine.safetensors")
    done = call("models", "verify", tmp_path / "mine.safetensors")
    assert (done.code, "nano, all" in done.out) == (0, True)
    (tmp_path / "mine.safetensors").write_bytes(WEIGHTS.read_bytes()[:100_000])
    done = call("models", "verify", tmp_path / "mine.safetensors")
    assert (done.code, "cannot be read as weights" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("verify",), 2, "Say which: masklet models verify NAME"),
        (("download", "bla"), 2, "There is no network named 'bla'"),
        (("verify", "bla.pt"), 1, "There is no weights file at bla.pt"),
        (("burn", "nano"), 2, "invalid choice"),
    ],
)
def test_what_is_asked_of_networks_must_make_sense(
    call: Caller, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = call("models", *arguments)
    assert (done.code, words in done.err) == (code, True)


def test_kinds_are_listed(call: Caller) -> None:
    assert [each["name"] for each in call("kinds", "--json").results] == list(KINDS)
    said = call("kinds").out
    assert all(kind.text in said for kind in KINDS.values())


def test_looks_are_listed(call: Caller) -> None:
    plain = call("looks", "--json").results
    assert [each["preset"] for each in plain if "preset" in each] == list(PRESETS)
    assert [each["effect"] for each in plain if "effect" in each] == list(EFFECTS)
    said = call("looks").out
    assert "strength   1 to 100 (usually 20)" in said


def test_a_look_is_a_start_for_ones_own(call: Caller) -> None:
    assert Look.from_json(json.loads(call("looks", "sticker").out)) == PRESETS["Sticker"]
    assert call("looks", "bla").code == 2
