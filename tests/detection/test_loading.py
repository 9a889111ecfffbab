"""Tiny random detectors, loaded by the code that loads the real ones."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sam2_core.detection.detector import Detector, Thresholds
from sam2_core.detection.grounding_dino import GroundingDino
from sam2_core.detection.loading import load_detector
from sam2_core.detection.queries import QueryDetector
from sam2_core.detection.sam3 import ConceptSegmenter
from sam2_core.errors import BadPrompt, MediaError, WeightsError
from tests.detection.models import picture, save_grounding_dino, save_owlv2, save_sam3

ALL = Thresholds(0, 0)
KINDS = {
    "grounding_dino": (save_grounding_dino, GroundingDino),
    "owlv2": (save_owlv2, QueryDetector),
    "sam3": (save_sam3, ConceptSegmenter),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[kind][0](tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def detector(folder: Path) -> Detector:
    return load_detector(str(folder))


def test_objects_are_found_with_the_phrases_as_given(kind: str, detector: Detector) -> None:
    assert isinstance(detector, KINDS[kind][1])
    found = detector.detect(picture(), ["dog", "Red wheel"], ALL)
    assert found
    assert {each.phrase for each in found} <= {"dog", "Red wheel"}
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        assert 0 <= each.box.left < each.box.right <= 64
        assert 0 <= each.box.top < each.box.bottom <= 48
        assert 0 <= each.score <= 1
        assert (each.mask is not None) == (kind == "sam3")
        assert each.mask is None or (each.mask.height, each.mask.width) == (48, 64)


def test_thresholds_leave_out_what_scores_less(detector: Detector) -> None:
    found = detector.detect(picture(), ["dog", "wheel"], ALL)
    middle = found[len(found) // 2].score
    fewer = detector.detect(picture(), ["dog", "wheel"], Thresholds(middle, 0))
    assert 0 < len(fewer) < len(found)
    assert all(each.score >= middle for each in fewer)
    assert detector.detect(picture(), ["dog"], Thresholds(1, 1)) == ()


def test_the_same_picture_gives_the_same_objects(detector: Detector, folder: Path) -> None:
    again = load_detector(str(folder)).detect(picture(), ["dog", "wheel"], ALL)
    assert detector.detect(picture(), ["dog", "wheel"], ALL) == again


@pytest.mark.parametrize("size", [(1, 300), (300, 1), (1, 1), (3, 3)])
def test_pictures_of_any_shape_are_taken(detector: Detector, size: tuple[int, int]) -> None:
    for each in detector.detect(picture(*size), ["dog"], ALL):
        assert each.box.right <= size[1]
        assert each.box.bottom <= size[0]


def test_what_is_no_picture_is_refused(detector: Detector) -> None:
    with pytest.raises(MediaError):
        detector.detect(np.zeros((4, 4), np.uint8), ["dog"])


def test_networks_run_in_half_precision(kind: str, detector: Detector) -> None:
    """As on CUDA; here on the CPU, which shows whether all types agree."""
    model = detector._model.to(torch.float16)  # type: ignore[attr-defined]
    try:
        assert detector.detect(picture(), ["dog", "wheel"], ALL)
    finally:
        model.to(torch.float32)


def test_missing_weights_are_no_random_ones(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy_without_weights(folder, tmp_path)
    tensors = load_file(folder / "model.safetensors")
    del tensors[next(name for name in tensors if name.endswith("weight"))]
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(WeightsError, match="lacks weights"):
        load_detector(str(tmp_path))


def test_pickled_weights_run_no_code(folder: Path, tmp_path: Path) -> None:
    copy_without_weights(folder, tmp_path)
    trace = tmp_path / "trace"
    torch.save({"x": Harm(trace)}, tmp_path / "pytorch_model.bin", pickle_module=pickle)
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_detector(str(tmp_path))
    assert not trace.exists()


def test_code_of_a_repository_is_not_run(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    trace = tmp_path / "trace"
    (tmp_path / "own.py").write_text(f"open({str(trace)!r}, 'w')\nclass Own: pass\n", "utf-8")
    for name in ("config.json", "tokenizer_config.json", "processor_config.json"):
        if (tmp_path / name).exists():
            settings = json.loads((tmp_path / name).read_text("utf-8"))
            own = {"AutoConfig": "own.Own", "AutoProcessor": "own.Own", "AutoTokenizer": [None, "own.Own"]}
            (tmp_path / name).write_text(json.dumps({**settings, "auto_map": own}), "utf-8")
    assert load_detector(str(tmp_path)).detect(picture(), ["dog"], ALL)
    assert not trace.exists()


def test_a_network_that_is_no_detector_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', "utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"no detector that text can prompt \(bert\)"):
        load_detector(str(tmp_path))


def test_progress_is_told_and_can_cancel(folder: Path) -> None:
    told: list[str] = []
    load_detector(str(folder), progress=lambda fraction, text: told.append(text))
    assert told == ["Loading the detector"]


def test_phrases_that_do_not_fit_into_one_text_are_looked_for_in_several(tmp_path: Path) -> None:
    detector = load_detector(str(save_grounding_dino(tmp_path, max_text_len=8)))
    phrases = ["dog", "red car", "wheel", "a car", "the wheel of a car"]
    assert list(detector._groups(phrases)) == [["dog", "red car"], ["wheel", "a car"], ["the wheel of a car"]]  # type: ignore[attr-defined]
    assert {each.phrase for each in detector.detect(picture(), phrases, ALL)} > {"the wheel of a car"}
    with pytest.raises(BadPrompt, match="too long"):
        detector.detect(picture(), ["the red wheel of a red car"], ALL)


def test_grounding_dino_agrees_with_the_library(tmp_path: Path) -> None:
    """Boxes and scores of the one word of a text are those that the library's own function reads from the outputs."""
    detector = load_detector(str(save_grounding_dino(tmp_path)))
    model, processor = detector._model, detector._processor  # type: ignore[attr-defined]
    inputs = processor(images=picture_of(picture()), text="dog.", return_tensors="pt")
    with torch.no_grad():
        output = model(**inputs)
    output.logits[..., [0, 2, 3]] = -torch.inf  # the library counts dots and special tokens, too
    [expected] = processor.post_process_grounded_object_detection(output, inputs.input_ids, 0.4, 0.4, [(48, 64)])
    found = detector.detect(picture(), ["dog"], Thresholds(0.4, 0.4))
    inside = [number for number, box in enumerate(expected["boxes"].tolist()) if box[0] >= 0 and box[2] <= 64]
    scores = {round(each.score, 4) for each in found}
    assert inside
    assert {round(expected["scores"][number].item(), 4) for number in inside} <= scores


def test_lang_sam_loads_a_detector_and_its_processor_by_path(tmp_path: Path) -> None:
    from sam2_core import LangSAM

    folder, processor = tmp_path / "model", tmp_path / "processor"
    save_grounding_dino(folder)
    processor.mkdir()
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).rename(processor / name)
    lang_sam = LangSAM("nano", None, folder, processor, "cpu")
    [result] = lang_sam.predict([picture_of(picture())], ["dog. wheel."], 0, 0)
    assert len(result["labels"]) == len(result["masks"]) > 0


def picture_of(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels)


def copy_without_weights(folder: Path, target: Path) -> None:
    for file in folder.glob("*.json"):
        (target / file.name).write_bytes(file.read_bytes())


class Harm:
    """Makes a file where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.trace), "w")
