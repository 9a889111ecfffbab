from __future__ import annotations

from copy import deepcopy

import cv2
import numpy as np
import pytest
import torch

from sam2_core.predictors.image_predictor import SAM2ImagePredictor
from sam2_core.training.evaluate import evaluate_images
from sam2_core.training.evaluate.image_evaluation import ObjectResult
from sam2_core.training.evaluate.metrics import outline_f
from tests.networks import tiny_network
from tests.training.datasets.tiny import skipped
from tests.training.evaluate.scenes import MemoryImage, rectangle

SQUARE, BAR, DISC = rectangle(8, 8, 28, 28), rectangle(34, 4, 44, 60), np.zeros((48, 64), np.bool_)
DISC[cv2.circle(np.zeros((48, 64), np.uint8), (46, 16), 11, 1, -1) > 0] = True
IMAGES = [MemoryImage("one", (SQUARE, DISC)), MemoryImage("two", (BAR,), source="other")]


def plain_iou(p: np.ndarray, g: np.ndarray) -> float:
    return (p & g).sum() / max(1, (p | g).sum())


def middle(mask: np.ndarray) -> list[int]:
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(distance.argmax(), distance.shape)
    return [int(x), int(y)]


def correction(predicted: np.ndarray, truth: np.ndarray) -> tuple[list[int], int]:
    """All connected errors, one by one."""
    errors = []
    for error, label in ((truth & ~predicted, 1), (predicted & ~truth, 0)):
        count, parts = cv2.connectedComponents(error.astype(np.uint8))
        errors += [(-(parts == part).sum(), -label, middle(parts == part)) for part in range(1, count)]
    if not errors:
        return middle(truth), 1
    _, negative_label, place = min(errors, key=lambda error: error[:2])
    return place, -negative_label


def by_hand(image: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The protocol, step by step through the public API."""
    predictor = SAM2ImagePredictor(tiny_network())
    predictor.set_image(image)
    places, labels = [middle(truth)], [1]
    masks, qualities, logits = predictor.predict(np.array(places), np.array(labels), multimask_output=True)
    pick = int(qualities.argmax())
    scores = {
        "click1": plain_iou(masks[pick] > 0, truth),
        "click1_oracle": max(plain_iou(mask > 0, truth) for mask in masks),
    }
    errors = [abs(qualities[pick] - scores["click1"])]
    mask, previous = masks[pick] > 0, logits[[pick]]
    for count in (2, 3, 4, 5):
        place, label = correction(mask, truth)
        places.append(place)
        labels.append(label)
        masks, quality, previous = predictor.predict(
            np.array(places), np.array(labels), mask_input=previous, multimask_output=False
        )
        mask = masks[0] > 0
        if count == 3:
            scores |= {"click3_F1": outline_f(mask, truth, 1), "click3_F2": outline_f(mask, truth, 2)}
        if count != 2 and count != 4:
            scores[f"click{count}"] = plain_iou(mask, truth)
            errors.append(abs(quality[0] - scores[f"click{count}"]))
    rows, columns = np.where(truth)
    box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    masks, quality, _ = predictor.predict(box=box, multimask_output=False)
    scores["box"] = plain_iou(masks[0] > 0, truth)
    errors.append(abs(quality[0] - scores["box"]))
    return scores | {"iou_error": float(np.mean(errors))}


def test_scores_equal_the_protocol_followed_by_hand() -> None:
    result = evaluate_images(tiny_network(), IMAGES)
    assert [source for source, _ in result.scores.rows] == ["made", "made", "other"]
    images = {item.name: item.read().image for item in IMAGES}
    wanted = [by_hand(images["one"], SQUARE), by_hand(images["one"], DISC), by_hand(images["two"], BAR)]
    assert SQUARE.sum() > DISC.sum()
    for (_, found), expected in zip(result.scores.rows, wanted, strict=True):
        assert found == pytest.approx(expected, abs=1e-7)
    assert len({values["click5"] for _, values in result.scores.rows}) == 3, "the network does not say always the same"


def test_calibration_takes_the_masks_that_a_user_sees() -> None:
    result = evaluate_images(tiny_network(), IMAGES)
    assert len(result.calibration.pairs) == 4 * 3
    first = result.scores.rows[0][1]
    assert [true for _, true in result.calibration.pairs[:4]] == [
        first[name] for name in ("click1", "click3", "click5", "box")
    ]
    assert result.calibration.error == pytest.approx(result.scores.means()["iou_error"])


def test_every_attempt_can_be_observed() -> None:
    results: list[ObjectResult] = []
    evaluate_images(tiny_network(), IMAGES, observe=results.append)
    assert [(each.subject.name, each.subject.number) for each in results] == [("one", 0), ("one", 0), ("two", 1)]
    for result in results:
        assert len(result.clicks) == 5
        predictions = result.predictions
        assert list(predictions) == ["click1", "click1_oracle", "click3", "click5", "box"]
        assert predictions["click1_oracle"].true >= predictions["click1"].true
        assert {each.mask.shape for each in predictions.values()} == {(48, 64)}


def test_the_limit_on_objects_saves_work() -> None:
    result = evaluate_images(tiny_network(), IMAGES, max_objects=1)
    assert result.scores.count("made") == 1
    everything = evaluate_images(tiny_network(), IMAGES)
    assert result.scores.rows[0] == everything.scores.rows[0]


def test_bad_images_are_left_out() -> None:
    result = evaluate_images(tiny_network(), [MemoryImage("torn", (), fault="torn"), IMAGES[1]])
    assert result.scores.count() == 1
    assert skipped(result.report) == {"torn": ["torn"]}


def test_nothing_gives_nothing() -> None:
    result = evaluate_images(tiny_network(), [])
    assert (result.scores.means(), result.calibration.error) == ({}, None)


@pytest.mark.parametrize("training", [True, False])
def test_a_network_in_training_is_measured_as_it_will_be_used(training: bool) -> None:
    network = deepcopy(tiny_network()).requires_grad_(True).train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert evaluate_images(network, IMAGES).scores.rows == evaluate_images(tiny_network(), IMAGES).scores.rows
    assert network.training is network.sam_mask_decoder.training is training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_mode_comes_back_after_an_error() -> None:
    network = deepcopy(tiny_network()).train()

    def interrupt(result: ObjectResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_images(network, IMAGES, observe=interrupt)
    assert network.training
