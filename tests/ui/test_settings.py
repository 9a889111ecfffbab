from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from sam2_core.detection.known import DETECTORS
from sam2_core.errors import ConfigError
from sam2_core.networks import is_known
from sam2_core.serving.model_registry import ModelEntry
from ui import keep_downloads
from ui.gateway.hosts import HostRules, trusted_peers
from ui.gateway.page_policy import PagePolicy
from ui.serve import model_registry
from ui.settings import ALL_MODELS, DEFAULTS, load_settings

TINY = "sam2.1_hiera_tiny"


def test_the_defaults_stand_in_the_file() -> None:
    settings = load_settings()
    assert settings.host == "127.0.0.1", "strangers come in only if somebody says so"
    assert settings.share is False
    assert settings.credentials is None
    assert (settings.model, settings.first_model, settings.first_checkpoint) == ("auto", "nano", "")


def test_a_flag_wins_over_the_environment_and_that_over_the_file() -> None:
    environment = {"MASKLET_MAX_OBJECTS": "5", "MASKLET_DEVICE": "cpu", "MASKLET_SHARE": "yes"}
    settings = load_settings(["--max-objects", "7"], environment)
    assert (settings.max_objects, settings.device, settings.share) == (7, "cpu", True)
    assert load_settings(["--no-share"], environment).share is False


def test_other_models_are_offered_where_only_this_computer_comes_in() -> None:
    assert load_settings().other_models == list(ALL_MODELS)
    for flags in (["--host", "0.0.0.0"], ["--share"], ["--root-path", "/masklet"], ["--models", ""]):
        assert load_settings(flags).other_models == []
    open_to_all = load_settings(["--host", "0.0.0.0", "--models", " nano,sam2.1_hiera_tiny, "])
    assert open_to_all.other_models == ["nano", "sam2.1_hiera_tiny"]


def test_the_size_of_the_input_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().image_size == 0
    flags = ["--model", "sam2.1_hiera_tiny", "--models", "sam2.1_hiera_small@512", "--image-size"]
    for name in ("ModelRegistry", "engine_builder"):  # nothing is loaded
        monkeypatch.setattr(f"ui.serve.{name}", lambda *arguments: arguments[0])
    entries = cast("list[ModelEntry]", model_registry(load_settings([*flags, "512"])))
    assert [entry.name for entry in entries] == ["sam2.1_hiera_tiny@512", "sam2.1_hiera_small@512"]
    with pytest.raises(ConfigError, match="multiple of 32, not 500"):
        model_registry(load_settings([*flags, "500"]))
    with pytest.raises(ConfigError, match="image_size must be at least 0"):
        load_settings([*flags, "-1"])


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], True),
        (["--host", "0.0.0.0"], True),
        (["--models", f"nano,{TINY}"], True),
        (["--models", "nano"], False),
        (["--models", ""], False),
        (["--model", "nano"], False),
        (["--model", TINY], False),
        (["--checkpoint", "mine.pt"], False),
        (["--max-models", "1"], False),
    ],
)
def test_a_better_network_is_fetched_where_visitors_may_change_to_it(flags: list[str], expected: bool) -> None:
    assert load_settings(flags).may_fetch(TINY) is expected


def test_weights_of_the_operators_own_tell_which_network_they_are_for() -> None:
    automatic = load_settings(["--checkpoint", "sam2.1_hiera_tiny.pt"])
    assert Path(automatic.first_model) == Path.cwd() / "sam2.1_hiera_tiny.pt"
    assert not is_known(automatic.first_model)
    assert automatic.first_checkpoint == ""
    named = load_settings(["--model", TINY, "--checkpoint", "mine.pt"])
    assert (named.first_model, named.first_checkpoint) == (TINY, "mine.pt")


def test_detectors_are_offered_where_only_this_computer_comes_in() -> None:
    assert load_settings().detector_names == list(DETECTORS)
    assert load_settings(["--host", "0.0.0.0"]).detector_names == []
    assert load_settings(["--share", "--detectors", "owlv2_base, a/b"]).detector_names == ["owlv2_base", "a/b"]


def test_a_hosted_space_and_gradios_own_variables_are_respected() -> None:
    assert load_settings([], {"SPACE_ID": "a/b"}).host == "0.0.0.0"
    gradio = {"GRADIO_SERVER_NAME": "10.0.0.1", "GRADIO_SERVER_PORT": "9000", "GRADIO_ROOT_PATH": "/m"}
    settings = load_settings([], gradio | {"SPACE_ID": "a/b"})
    assert (settings.host, settings.port, settings.root_path) == ("10.0.0.1", 9000, "/m")
    assert load_settings([], gradio | {"MASKLET_PORT": "9001"}).port == 9001


def test_a_zero_gpu_space_lends_gpus_to_all_networks_but_the_bundled_one() -> None:
    space = {"SPACE_ID": "a/b", "SPACES_ZERO_GPU": "true"}
    settings = load_settings([], space)
    assert (settings.on_zero_gpu, settings.local_device, settings.other_models) == (True, "cpu", ["nano"])
    chosen = load_settings([], {**space, "MASKLET_DEVICE": "cpu"})
    assert (chosen.on_zero_gpu, chosen.local_device, chosen.other_models) == (False, "cpu", [])
    for environment in ({"SPACE_ID": "a/b"}, {**space, "SPACES_ZERO_GPU": "false"}, {"SPACES_ZERO_GPU": "true"}):
        assert not load_settings([], environment).on_zero_gpu


def test_a_space_with_a_disk_keeps_its_downloads(tmp_path: Path) -> None:
    def cache(environment: dict[str, str], disk: Path = tmp_path) -> str | None:
        keep_downloads(environment, disk)
        return environment.get("HF_HOME")

    space = {"SPACE_ID": "a/b"}
    assert cache({**space}) == str(tmp_path / ".huggingface")
    assert cache({**space, "HF_HOME": "/mine"}) == "/mine"
    assert cache({**space, "HF_HUB_CACHE": "/mine"}) is None
    assert cache({**space}, tmp_path / "none") is None
    assert cache({}) is None


def test_only_its_own_name_and_hugging_faces_pages_lead_to_a_space() -> None:
    settings = load_settings([], {"SPACE_ID": "me/masklet", "SPACE_HOST": "me-masklet.hf.space"})
    rules = HostRules(settings.allowed_hosts)
    assert rules.allows("me-masklet.hf.space")
    assert not rules.allows("other-masklet.hf.space")
    assert rules.is_own("https://me-masklet.hf.space", "10.1.2.3:7860")
    assert not rules.is_own("https://other-masklet.hf.space", "10.1.2.3:7860")
    assert HostRules(load_settings([], {"SPACE_ID": "me/masklet"}).allowed_hosts).allows("me-masklet.hf.space")
    policy = PagePolicy(settings.frame_ancestors)
    assert policy.is_framed
    assert "frame-ancestors 'self' https://huggingface.co https://*.hf.space" in policy.content_security_policy()
    assert "10.1.2.3" in trusted_peers(settings.trusted_proxies)
    assert (settings.other_models, settings.detector_names, settings.may_train) == ([], [], False)
    assert settings.may_fetch(TINY)


def test_the_port_of_a_container_platform_counts_where_nothing_else_says_one() -> None:
    assert load_settings([], {"PORT": "8080"}).port == 8080
    assert load_settings([], {"PORT": ""}).port == 0
    assert load_settings([], {"PORT": "8080", "GRADIO_SERVER_PORT": "7860"}).port == 7860
    assert load_settings(["--port", "9000"], {"PORT": "8080"}).port == 9000


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"MASKLET_PORT": "http"}, "port must be of type int"),
        ({"MASKLET_PORT": "70000"}, "at most 65535"),
        ({"MASKLET_MAX_OBJECTS": "0"}, "max_objects must be at least 1"),
        ({"MASKLET_SHARE": "perhaps"}, "share must be of type bool"),
        ({"MASKLET_AUTH": "nocolon"}, "user:password"),
        ({"MASKLET_AUTH": "user:"}, "user:password"),
        ({"MASKLET_IDLE_MINUTES": "soon"}, "idle_minutes must be of type float"),
    ],
)
def test_a_bad_value_is_named(environment: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_settings([], environment)


def test_a_password_may_hold_colons() -> None:
    assert load_settings(["--auth", "me:a:b"]).credentials == ("me", "a:b")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text + "colour: red\n", "Unknown setting .* colour"),
        (lambda text: text.replace("max_jobs:", "# "), "Missing .* max_jobs"),
        (lambda text: "- a\n- b\n", "lines of"),
        (lambda text: "a: [", "cannot be read"),
        (lambda text: text.replace("port: 0 ", "port: 1.5 "), "port must be of type int"),
    ],
)
def test_a_broken_file_is_explained(tmp_path: Path, change: object, complaint: str) -> None:
    assert callable(change)
    path = tmp_path / "app.yaml"
    path.write_text(change(DEFAULTS.read_text("utf-8")), "utf-8")
    with pytest.raises(ConfigError, match=complaint):
        load_settings(defaults=path)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(defaults=tmp_path / "none.yaml")
