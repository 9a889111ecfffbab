"""Which detectors a server offers, and the engine that runs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from sam2_core.detection.known import DETECTORS
from sam2_core.errors import BadPrompt, ConfigError
from sam2_core.media import Limits, ingest
from sam2_core.media.decoders import IN_PROCESS, Decoders
from sam2_core.serving.build import build_detection_engine
from sam2_core.serving.detection_engine import Detect
from sam2_core.serving.detector_registry import DetectorRegistry, detector_entries, library_problem
from tests.fakes import FakeDetectionEngine


def test_known_ones_and_folders_are_on_offer_under_names_that_tell_no_places(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "sam3"}), "utf-8")
    names = ["owlv2_base", str(folder), "google/owlv2-base-patch16-ensemble", "someone/detector", "grounding_dino_tiny"]
    owl, own, other, dino = detector_entries(names)
    assert [each.name for each in (owl, own, other, dino)] == [names[0], "own", names[3], names[4]]
    assert (owl.megabytes, owl.scores_words, dino.scores_words, own.segments) == (620, False, True, True)
    assert own.source == str(folder)
    assert [each.name for each in detector_entries(DETECTORS)] == list(DETECTORS)
    for name in ("dino", "/etc/a", "../a"):
        with pytest.raises(ConfigError, match="neither a known detector nor a folder"):
            detector_entries([name])


def test_the_engine_is_built_when_it_is_needed() -> None:
    built: list[FakeDetectionEngine] = []

    def build(decoders: Decoders) -> FakeDetectionEngine:
        assert decoders is IN_PROCESS
        built.append(FakeDetectionEngine())
        return built[-1]

    registry = DetectorRegistry(
        detector_entries(["owlv2_base"]), build, lambda: "", lambda source: source == "owlv2_base"
    )
    [entry] = registry.entries
    registry.free_idle()
    assert (registry.is_loaded(entry), registry.is_on_disk(entry), built) == (False, True, [])
    assert registry.runner(IN_PROCESS) is registry.runner(IN_PROCESS) is built[0]
    registry.free_idle()
    assert built[0].freed == 1
    assert registry.entry("owlv2_base") is entry
    with pytest.raises(BadPrompt, match="does not offer"):
        registry.entry("sam3")
    registry.close()


def test_nothing_may_be_on_offer() -> None:
    with pytest.raises(ConfigError, match="no text prompts"):
        DetectorRegistry().runner(IN_PROCESS)


def test_a_missing_library_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert 'pip install ".[text]" (290 MB)' in library_problem()


def test_tiny_detectors_run_as_on_the_page(tmp_path: Path) -> None:
    models = pytest.importorskip("tests.detection.models", reason="text prompts need the extra `text`")
    Image.fromarray(models.picture()).save(tmp_path / "a.png")
    ingest(tmp_path / "a.png", tmp_path / "store", Limits(), lambda *_: None)
    folders = [tmp_path / "dino", tmp_path / "sam3"]
    for folder, save in zip(folders, (models.save_grounding_dino, models.save_sam3), strict=True):
        folder.mkdir()
        save(folder)
    registry = DetectorRegistry(
        detector_entries(map(str, folders)), lambda decoders: build_detection_engine("cpu", decoders=decoders)
    )
    dino, sam3 = registry.entries
    assert (registry.problem(), registry.is_on_disk(dino), registry.is_loaded(dino)) == ("", True, False)
    command = Detect(str(tmp_path / "store"), 0, ("dog", "red wheel"), dino.source, 0.0, dino.thresholds.floor.text)
    found = registry.runner(IN_PROCESS).run(command).result(60)
    assert found
    for each in found:  # the page reads phrase and score from the scores of words
        best = max(each.words, key=lambda phrase: sum(each.words[phrase]))
        assert (best, max(each.words[best])) == (each.phrase, pytest.approx(each.score))
    assert registry.is_loaded(dino)
    command = Detect(str(tmp_path / "store"), 0, ("dog",), sam3.source, 0.0)
    found = registry.runner(IN_PROCESS).run(command).result(60)
    assert found
    assert all(each.mask is not None and not each.words for each in found)
    assert not registry.is_loaded(dino)
    registry.close()
