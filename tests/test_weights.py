"""Weights: by name, from files of both formats, from invalid files, and from a Hub server in this process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sam2_core import networks
from sam2_core.errors import Cancelled, ConfigError, WeightsError
from sam2_core.model.network import SAM2
from sam2_core.networks import NETWORKS, WebFile, network_config
from sam2_core.paths import python_environment
from sam2_core.weights import build_network, fetch_weights, find_weights, identify_network, load_network, read_weights
from tests.hub import CONTENT, HubServer, hub_server, point_at
from tests.networks import TINY, tiny_network


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in tiny_network().state_dict().items()}


def save(tensors: dict[str, Tensor], file: Path) -> Path:
    if file.suffix == ".safetensors":
        save_file(tensors, file)
    else:
        torch.save({"model": tensors} if "wrapped" in file.name else tensors, file)
    return file


# --- good files ------------------------------------------------------------------------------------------------------


def test_the_bundled_network_is_the_default() -> None:
    network = load_network()
    assert network.config.name == "nano"
    assert not network.training
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}
    assert load_network("nano").config == network.config


@pytest.mark.parametrize("name", ["wrapped.pt", "bare.pt", "plain.safetensors"])
def test_both_file_formats_are_read(tensors: dict[str, Tensor], tmp_path: Path, name: str) -> None:
    read = read_weights(save(tensors, tmp_path / name))
    network = build_network(TINY, read, tmp_path / name)
    for key, tensor in network.state_dict().items():
        assert torch.equal(tensor, tensors[key]), key


def test_half_precision_is_converted_to_fp32(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in tensors.items()}
    network = build_network(TINY, halves, tmp_path)
    assert torch.equal(network.no_mem_embed, halves["no_mem_embed"].float())


def test_the_name_of_a_weights_file_says_nothing_beside_other_weights(tmp_path: Path) -> None:
    """As where a network was trained further that the operator gave by its file alone."""
    started, trained = tmp_path / "mine.safetensors", tmp_path / "trained.safetensors"
    tensors = {name: value.clone() for name, value in load_network().state_dict().items()}
    save_file(tensors, started)
    save_file({**tensors, "no_mem_embed": tensors["no_mem_embed"] + 1}, trained)
    assert load_network(str(started)).config == network_config("nano")
    network = load_network(str(started), trained)
    assert isinstance(network, SAM2)
    assert torch.equal(network.no_mem_embed, tensors["no_mem_embed"] + 1)
    with pytest.raises(ConfigError, match="takes an image size of 384 only"):
        load_network(f"{started}@512", trained)


def test_a_network_is_identified_by_its_file(tmp_path: Path) -> None:
    file = tmp_path / "anything.pt"
    torch.save({"model": load_network("nano").state_dict()}, file)
    assert load_network(file=file).config.name == "nano"


@pytest.mark.parametrize("name", ["sam2_hiera_small", "sam2.1_hiera_small", "sam2_hiera_large"])
def test_networks_are_identified_by_their_shapes(name: str) -> None:
    with torch.device("meta"):
        tensors = SAM2(network_config(name)).state_dict()
    assert identify_network(tensors, Path("x.pt")).name == name


# --- bad files -------------------------------------------------------------------------------------------------------


def test_the_message_for_a_missing_file_lists_the_known_networks(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights file at .*gone\.pt.*nano, sam2\.1_hiera_tiny"):
        load_network(file=tmp_path / "gone.pt")


def test_the_message_for_an_unknown_name_lists_the_known_networks() -> None:
    with pytest.raises(ConfigError, match="Known names: nano, "):
        load_network("sam9")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_an_empty_file(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"empty{suffix}"
    file.touch()
    with pytest.raises(WeightsError, match="is empty"):
        read_weights(file)


@pytest.mark.parametrize("name", ["wrapped.pt", "plain.safetensors"])
@pytest.mark.parametrize("kept", [0.999, 0.5, 0.01])
def test_a_truncated_file(tensors: dict[str, Tensor], tmp_path: Path, name: str, kept: float) -> None:
    file = save(tensors, tmp_path / name)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        read_weights(file)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"version https://git-lfs.github.com/spec/v1\n", b"<!DOCTYPE html>", b"\x80\x02."])
def test_a_file_of_another_kind(tmp_path: Path, suffix: str, content: bytes) -> None:
    file = tmp_path / f"text{suffix}"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        read_weights(file)


def test_a_folder_is_no_weights_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        read_weights(tmp_path)


@pytest.mark.parametrize("content", [{"epoch": 3}, {}, {"model": {}}, [1, 2], torch.zeros(3)])
def test_a_checkpoint_of_something_else(tmp_path: Path, content: object) -> None:
    file = tmp_path / "other.pt"
    torch.save(content, file)
    with pytest.raises(WeightsError, match="no state dict"):
        read_weights(file)


class Evil:
    """Unpickling it creates a file."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> object:
        return Path.touch, (self.victim,)


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_file_cannot_run_code(tmp_path: Path, writer: str) -> None:
    file, victim = tmp_path / "evil.pt", tmp_path / "victim"
    if writer == "torch":
        torch.save({"model": Evil(victim)}, file)
    else:
        file.write_bytes(pickle.dumps({"model": Evil(victim)}, protocol=2))
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        read_weights(file)
    assert not victim.exists()


def test_mismatched_tensors_are_listed(tensors: dict[str, Tensor]) -> None:
    del tensors["no_mem_embed"]
    tensors["extra.weight"] = torch.zeros(1)
    tensors["no_obj_ptr"] = torch.zeros(1, 7)
    with pytest.raises(WeightsError) as error:
        build_network(TINY, tensors, Path("x.pt"))
    message = str(error.value)
    assert "1 missing: no_mem_embed" in message
    assert "1 unexpected: extra.weight" in message
    assert "1 of another shape: no_obj_ptr is [1, 7] and should be [1, 32]" in message


def test_long_lists_of_tensors_are_truncated() -> None:
    with pytest.raises(WeightsError, match=r"\d+ missing: ([\w.]+, ){4}[\w.]+ …"):
        build_network(TINY, {}, Path("x.pt"))


def test_the_weights_of_another_network_are_identified() -> None:
    with torch.device("meta"):
        tensors = SAM2(network_config("sam2_hiera_small")).state_dict()
    with pytest.raises(WeightsError, match="weights of sam2_hiera_small: use that name"):
        build_network(network_config("sam2.1_hiera_tiny"), tensors, Path("x.pt"))


def test_weights_of_no_known_network(tensors: dict[str, Tensor], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="fit none of the known networks"):
        load_network(file=save(tensors, tmp_path / "bare.pt"))


def test_missing_bundled_weights_are_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(networks, "ROOT", tmp_path)
    with pytest.raises(WeightsError, match="this copy of Masklet is incomplete"):
        find_weights(NETWORKS["nano"])


# --- the Hub ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with hub_server(monkeypatch, tmp_path) as server:
        yield server


def test_weights_come_from_the_hub_with_progress(hub: HubServer) -> None:
    reports: list[tuple[float | None, str]] = []
    file = find_weights(NETWORKS["sam2.1_hiera_tiny"], lambda done, text: reports.append((done, text)))
    assert file.read_bytes() == CONTENT
    assert reports[0] == (None, "Looking for sam2.1_hiera_tiny.pt")
    fractions = [done for done, _ in reports if done is not None]
    assert len(fractions) >= 2
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < 1
    assert fractions[-1] == 1.0
    assert reports[-1][1] == "Downloading 26 of 26 MB"


def test_a_canceled_download_ends(hub: HubServer) -> None:
    network, fractions = NETWORKS["sam2.1_hiera_tiny"], []

    def cancel(done: float | None, text: str) -> None:
        fractions.append(done)
        if done:
            raise Cancelled("The download was canceled.")

    with pytest.raises(Cancelled):
        find_weights(network, cancel)
    assert fractions[-1] < 1
    assert network.weights_on_disk is None
    assert find_weights(network).read_bytes() == CONTENT
    assert network.weights_on_disk


def test_cached_weights_are_not_downloaded_again(hub: HubServer) -> None:
    fractions: list[float | None] = []
    network = NETWORKS["sam2.1_hiera_tiny"]
    first = find_weights(network)
    assert find_weights(network, lambda done, _: fractions.append(done)) == first
    assert fractions == [None]


def test_a_file_that_is_damaged_in_the_cache_is_fetched_anew(
    hub: HubServer, tensors: dict[str, Tensor], tmp_path: Path
) -> None:
    network = NETWORKS["sam2.1_hiera_tiny"]
    hub.content = save(tensors, tmp_path / "bare.pt").read_bytes()
    damaged = find_weights(network)
    damaged.write_bytes(hub.content[:1000])
    assert fetch_weights(network).read_bytes() == hub.content
    assert len([each for each in hub.requests if each.startswith("GET")]) == 2
    assert fetch_weights(network) == network.weights_on_disk


def test_a_file_that_the_hub_does_not_have(hub: HubServer) -> None:
    with pytest.raises(
        WeightsError, match=r"sam2_hiera_tiny\.pt cannot be fetched .*facebook/sam2-hiera-tiny.*by hand"
    ):
        find_weights(NETWORKS["sam2_hiera_tiny"])


def test_downloaded_weights_are_validated(hub: HubServer) -> None:
    hub.content = b"no weights"
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_network("sam2.1_hiera_tiny")
    assert [each for each in hub.requests if each.startswith("GET")] == ["GET"]


@pytest.mark.parametrize(
    ("setting", "reason"), [("offline", "HF_HUB_OFFLINE"), ("unreachable", "no connection to 127.0.0.1")]
)
def test_without_the_hub_the_message_says_at_once_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, reason: str
) -> None:
    from huggingface_hub import constants

    def wait(seconds: float) -> None:
        raise AssertionError("a network that is not there needs no second attempt")

    point_at("http://127.0.0.1:9", monkeypatch, tmp_path)  # the discard port is closed
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", setting == "offline")
    monkeypatch.setattr("time.sleep", wait)
    with pytest.raises(WeightsError, match=rf"cannot be fetched .*{reason}.*give its path.*'nano' needs no download"):
        load_network("sam2.1_hiera_tiny")


def test_cached_weights_need_no_connection(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = find_weights(NETWORKS["sam2.1_hiera_tiny"])
    point_at("http://127.0.0.1:9", monkeypatch, tmp_path)
    assert find_weights(NETWORKS["sam2.1_hiera_tiny"]) == file


@pytest.mark.parametrize("name", ["sam2.1_hiera_tiny", "sam_vit_b"])
def test_a_full_disk_is_told_before_anything_is_fetched(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    network = NETWORKS[name]
    if network.web is not None:
        network = replace(network, web=WebFile(f"{hub.address}/{network.file}", ""))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=300_000_000))
    with pytest.raises(WeightsError, match=rf"disk is too full: {network.megabytes + 200:.0f} MB .*and 300 MB are"):
        find_weights(network)
    assert hub.requests == []


def test_a_connection_that_breaks_is_taken_up_again(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the downloader's attempts
    hub.breaks_after = [15_000_000]
    assert find_weights(NETWORKS["sam2.1_hiera_tiny"]).read_bytes() == CONTENT
    first, second = (each for each in hub.requests if each.startswith("GET"))
    assert (first, second.startswith("GET bytes=")) == ("GET", True)


def test_loading_needs_no_compiler(tmp_path: Path) -> None:
    """PyTorch's, which some of what fills tensors imports, whatever the device: more than a second, and a folder."""
    code = (
        "import sys; from sam2_core.weights import empty_network, load_network; from sam2_core.networks import "
        "network_config; load_network('nano'); empty_network(network_config('sam2.1_hiera_tiny')); "
        "empty_network(network_config('sam_vit_b')); print({'torch._dynamo', 'sympy'} & set(sys.modules))"
    )
    environment = {**python_environment(), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
    assert not list(tmp_path.iterdir())
