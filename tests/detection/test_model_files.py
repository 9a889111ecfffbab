from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from sam2_core.detection.known import DEFAULT_DETECTOR, DETECTORS
from sam2_core.detection.model_files import find_files, is_complete, known_detector, needed_files
from sam2_core.errors import Cancelled, WeightsError


def test_known_detectors_have_names_and_repositories() -> None:
    assert DEFAULT_DETECTOR in DETECTORS
    for name, each in DETECTORS.items():
        assert name == each.name
        assert known_detector(name) is known_detector(each.repository) is each


def test_only_files_that_are_read_are_fetched() -> None:
    names = ["config.json", "model.safetensors", "pytorch_model.bin", "vocab.txt", "onnx/model.onnx", "README.md"]
    assert needed_files([*names, "sam3.pt", "code.py"]) == ["config.json", "vocab.txt", "model.safetensors"]
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
    assert needed_files(parts) == [parts[2], *parts[:2]]
    assert needed_files(["config.json", "pytorch_model.bin"]) == ["config.json", "pytorch_model.bin"]
    assert needed_files(["config.json", "model.gguf"]) == []


def test_a_folder_is_complete_with_all_parts_of_its_weights(tmp_path: Path) -> None:
    assert not is_complete(tmp_path)
    (tmp_path / "config.json").write_text("{}", "utf-8")
    assert not is_complete(tmp_path)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    (tmp_path / "model-1.safetensors").touch()
    assert not is_complete(tmp_path)
    (tmp_path / "model-2.safetensors").touch()
    assert is_complete(tmp_path)


def test_what_is_no_detector_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is no folder of a detector"):
        find_files(str(tmp_path))
    for name in ("dino", "../x", "a/b/c", "/nowhere/at_all"):
        with pytest.raises(WeightsError, match="There is no detector"):
            find_files(name)


class Hub:
    """A stand-in for the Hub with the files of one repository."""

    def __init__(self, files: dict[str, int], folder: Path) -> None:
        self.files, self.folder, self.fetched = files, folder, list[str]()

    def model_info(self, repository: str, files_metadata: bool) -> Any:
        siblings = [SimpleNamespace(rfilename=name, size=size) for name, size in self.files.items()]
        return SimpleNamespace(sha="1", siblings=siblings)

    def download(self, repository: str, name: str, revision: str, tqdm_class: Any) -> str:
        self.fetched.append(name)
        with tqdm_class(total=self.files[name], disable=False) as bar:
            bar.update(self.files[name])
        (self.folder / name).touch()
        return str(self.folder / name)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    files = {"config.json": 1_000_000, "model.safetensors": 3_000_000, "README.md": 9_000_000}
    hub = Hub(files, tmp_path)
    monkeypatch.setattr("sam2_core.hub.check_connection", lambda url: None)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.download)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, file: _file(tmp_path / file))
    return hub


def _file(path: Path) -> str | None:
    return str(path) if path.exists() else None


def test_a_download_tells_of_all_files_together_and_is_done_once(hub: Hub) -> None:
    told: list[tuple[float | None, str]] = []
    assert find_files("owlv2_base", lambda *progress: told.append(progress)) == hub.folder
    assert hub.fetched == ["config.json", "model.safetensors"]
    assert told == [
        (None, "Looking for google/owlv2-base-patch16-ensemble (620 MB)"),
        (0.25, "Downloading 1 of 4 MB"),
        (1.0, "Downloading 4 of 4 MB"),
    ]
    assert find_files("google/owlv2-base-patch16-ensemble") == hub.folder
    assert len(hub.fetched) == 2


def test_a_download_can_be_cancelled(hub: Hub) -> None:
    def cancel(fraction: float | None, text: str) -> None:
        if fraction:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        find_files("owlv2_base", cancel)


def test_what_cannot_be_fetched_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.files = {"config.json": 1, "model.gguf": 2}
    with pytest.raises(WeightsError, match="some/thing has no model"):
        find_files("some/thing")

    def fail(*arguments: object, **options: object) -> None:
        raise ConnectionError("no route to the host\nand more")

    monkeypatch.setattr(hub, "model_info", fail)
    with pytest.raises(
        WeightsError, match=r"\(933 MB\) cannot be fetched from the Hugging Face Hub: no route to the host\. Check"
    ):
        find_files("grounding_dino_base")


def test_weights_behind_a_license_say_where_to_accept_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import GatedRepoError

    error = GatedRepoError.__new__(GatedRepoError)

    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(hub, "model_info", fail)
    with pytest.raises(WeightsError, match=r"accepted their license.*huggingface\.co/facebook/sam3.*hf auth login"):
        find_files("sam3")
