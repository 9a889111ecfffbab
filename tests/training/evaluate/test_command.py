from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

from sam2_core.training.datasets.layouts import open_dataset
from sam2_core.training.evaluate import evaluate_clips, evaluate_images
from sam2_core.training.evaluate.__main__ import main
from sam2_core.training.evaluate.baselines import image_baselines
from tests.networks import TINY, tiny_network
from tests.training.datasets.tiny import save_index, save_json
from tests.training.evaluate.scenes import moving, painted, rectangle


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options that choose the tiny network."""
    folder = tmp_path_factory.mktemp("weights")
    save_file(tiny_network().state_dict(), folder / "tiny.safetensors")
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(TINY).items()}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(plain), "utf-8")
    return ["--model", str(folder / "tiny.yaml"), "--weights", str(folder / "tiny.safetensors"), "--device", "cpu"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of three images of two sources and a clip."""
    root = tmp_path_factory.mktemp("pack")
    images = []
    for place, source in enumerate(("field", "field", "lab")):
        mask, name = rectangle(6 + place, 8, 30, 40), f"p{place}"
        for folder in ("images", "masks"):
            (root / folder).mkdir(exist_ok=True)
        Image.fromarray(painted(mask)).save(root / "images" / f"{name}.png")
        save_index(root / "masks" / f"{name}.png", mask.astype(np.uint8))
        images.append(
            {"id": name, "source": source, "path": f"images/{name}.png", "instances": [{"id": 1, "category": "box"}]}
        )
    clip, folder = moving(3), root / "videos" / "roll"
    for index in range(3):
        (folder / "frames").mkdir(parents=True, exist_ok=True)
        Image.fromarray(clip.frame(index)).save(folder / "frames" / f"{index:05d}.jpg")
        save_index(folder / "masks" / f"{index:05d}.png", clip.masks(index)[1].astype(np.uint8))
    videos = [{"name": "roll", "source": "film", "path": "videos/roll", "frames": 3}]
    save_json(root / "manifest.json", {"images": images, "videos": videos})
    return root


def run(*options: str | Path) -> int:
    return main([str(option) for option in options])


def test_everything_is_measured_and_written(
    data: Path, weights: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = {name: tmp_path / "out" / name for name in ("all.json", "sheet.png", "reliability.png")}
    files = ["--json", out["all.json"], "--sheet", out["sheet.png"], "--reliability", out["reliability.png"]]
    assert run("--data", data, *weights, "--baselines", *files) == 0
    found = json.loads(out["all.json"].read_text("utf-8"))
    opened = open_dataset(data)
    assert found["network"] == "test"
    images = evaluate_images(tiny_network(), opened.images)
    assert found["images"]["all"] == pytest.approx(images.scores.means())
    assert found["images"]["sources"]["field"] == {"objects": 2, "means": pytest.approx(images.scores.means("field"))}
    assert found["images"]["calibration"]["error"] == pytest.approx(images.calibration.error)
    assert found["images"]["baselines"]["all"] == image_baselines(opened.images).means()
    assert found["clips"]["all"] == pytest.approx(evaluate_clips(tiny_network(), opened.clips).scores.means())
    assert found["clips"]["baselines"]["clips"] == 1
    for name in ("sheet.png", "reliability.png"):
        with Image.open(out[name]) as image:
            image.load()
    printed = capsys.readouterr().out
    for word in ("field", "lab", "film", "ALL", "best of 3", "mask J&F", "predicted IoU", "GrabCut", "flow J"):
        assert word in printed


def measured(tmp_path: Path, *options: str | Path) -> dict[str, Any]:
    assert run(*options, "--json", tmp_path / "x.json") == 0
    return json.loads((tmp_path / "x.json").read_text("utf-8"))


def test_a_part_can_be_chosen(data: Path, weights: list[str], tmp_path: Path) -> None:
    limited = measured(tmp_path, "--data", data, *weights, "--what", "images", "--limit", "2")
    assert set(limited) == {"network", "data", "images"}
    assert {name: each["objects"] for name, each in limited["images"]["sources"].items()} == {"field": 2}
    lab = measured(tmp_path, "--data", data, *weights, "--sources", "lab", "--layout", "pack")
    assert list(lab["images"]["sources"]) == ["lab"]
    assert "clips" not in lab
    choice = measured(tmp_path, "--data", data, *weights, "--part", "choice")
    assert (choice["images"]["objects"], choice["clips"]["clips"]) == (3, 1)
    assert run("--data", data, *weights, "--part", "report") == 1  # so small a data set is for choosing as a whole
    clips = measured(tmp_path, "--data", data, *weights, "--what", "clips")
    assert set(clips) == {"network", "data", "clips"}


def test_bad_images_are_reported_and_counted(
    data: Path, weights: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("good", "torn"):
        (tmp_path / "set" / "images").mkdir(parents=True, exist_ok=True)
        mask = rectangle(8, 8, 30, 40)
        Image.fromarray(painted(mask)).save(tmp_path / "set" / "images" / f"{name}.png")
        save_index(tmp_path / "set" / "masks" / f"{name}.png", mask.astype(np.uint8))
    torn = tmp_path / "set" / "images" / "torn.png"
    torn.write_bytes(torn.read_bytes()[:-300])
    found = measured(tmp_path, "--data", tmp_path / "set", *weights)
    assert found["images"]["objects"] == 1
    assert found["images"]["skipped"] == {"file that cannot be read as a picture": 1}
    assert "torn" in capsys.readouterr().out


def test_where_nothing_can_be_measured_the_command_fails(
    weights: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "images").mkdir()
    speck = rectangle(8, 8, 10, 10)
    Image.fromarray(painted(speck)).save(tmp_path / "images" / "x.png")
    save_index(tmp_path / "masks" / "x.png", speck.astype(np.uint8))
    assert run("--data", tmp_path, *weights) == 1
    printed = capsys.readouterr()
    assert "less than 0.5 %" in printed.out
    assert "nothing could be measured" in printed.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--data", "missing"], "no data set at missing"),
        (["--data", "DATA", "--sources", "moon"], "can be used"),
        (["--data", "DATA", "--sources", "film", "--what", "images"], "no pictures with masks"),
        (["--data", "DATA", "--sources", "lab", "--what", "clips"], "no clips with masks"),
        (["--data", "DATA", "--weights", "missing.pt"], "no weights file at missing.pt"),
        (["--data", "DATA", "--model", "huge"], "no network named 'huge'"),
        (["--data", "DATA", "--device", "abacus"], "no device 'abacus'"),
    ],
)
def test_bad_input_gets_a_clear_error(
    data: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*(str(data) if option == "DATA" else option for option in options)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert complaint in printed


def test_results_that_cannot_be_written_are_found_out_before_the_work(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sam2_core.training.evaluate.__main__.open_dataset", lambda *_: pytest.fail("began to work"))
    assert run("--data", data, "--json", tmp_path) == 1
    assert "is a folder" in capsys.readouterr().err
    (tmp_path / "file").write_text("", "utf-8")
    assert run("--data", data, "--sheet", tmp_path / "file" / "x.png") == 1
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    "options", [["--sheet", "x.gif"], ["--reliability", "x"], ["--limit", "0"], ["--threads", "two"], ["--what", "all"]]
)
def test_options_that_make_no_sense_are_refused_at_once(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run("--data", "missing", *options)
    assert stopped.value.code == 2
    assert options[1] in capsys.readouterr().err


def test_the_number_of_threads_is_set(data: Path, weights: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    numbers: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    assert run("--data", data, *weights, "--what", "images", "--limit", "1", "--threads", "3") == 0
    assert numbers == [3]
