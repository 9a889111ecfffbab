"""Settings of the server: defaults from configs/app.yaml, then the environment, then command-line flags."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from sam2_core.detection.known import DETECTORS
from sam2_core.errors import ConfigError
from sam2_core.paths import ROOT

DEFAULTS = ROOT / "configs" / "app.yaml"
AUTO = "auto"
ZERO_GPU = "zerogpu"  # as a device: GPUs that Hugging Face lends by the call
BUNDLED = "nano"
ALL_MODELS = (
    BUNDLED,
    *(f"sam2.1_hiera_{size}{side}" for size in ("tiny", "small", "base_plus", "large") for side in ("", "@512")),
    *(f"sam_vit_{size}" for size in "blh"),
)

Count: TypeAlias = Annotated[int, Field(ge=1)]
Amount: TypeAlias = Annotated[float, Field(gt=0)]
Duration: TypeAlias = Annotated[float, Field(ge=0)]


class Settings(BaseModel):
    """All settings; configs/app.yaml says what each one means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    port: Annotated[int, Field(ge=0, le=65535)]
    root_path: str
    share: bool
    auth: str
    login_attempts: Count
    allowed_hosts: str
    allowed_origins: str
    trusted_proxies: str
    frame_ancestors: str
    max_connections: Count
    max_connections_per_address: Count
    header_seconds: Amount
    body_seconds: Amount
    max_body_kb: Count
    max_call_mb: Amount
    model: str
    image_size: Annotated[int, Field(ge=0)]
    checkpoint: str
    models: str
    max_models: Count
    detectors: str
    device: str
    compile: bool
    ray: str
    ray_engines: str
    max_sessions: Count
    max_sessions_per_address: Count
    max_jobs: Count
    max_job_minutes: Count
    decode_seconds: Duration
    decode_megabytes: Count
    max_upload_mb: Count
    max_pixels: Count
    max_picture_side: Count
    max_picture_aspect: Amount
    max_pictures: Count
    max_album_mb: Count
    max_seconds: Count
    max_frames: Count
    max_clip_side: Count
    max_store_mb: Count
    max_disk_mb: Count
    max_memory_mb: Count
    max_objects: Count
    max_points: Count
    max_live_side: Count
    max_live_rate: Count
    training: Literal["auto", "always", "never"]
    max_train_minutes: Count
    messages_per_second: Count
    message_mb_per_second: Amount
    flood_seconds: Duration
    grace_seconds: Duration
    farewell_seconds: Duration
    idle_minutes: Duration
    watchdog_seconds: Duration
    state: str
    state_days: Amount
    state_mb: Count
    metrics: Literal["local", "always", "never"]
    log_format: Literal["text", "json"]

    @field_validator("auth")
    @classmethod
    def _check_auth(cls, auth: str) -> str:
        if auth and not all(auth.partition(":")):
            raise ConfigError("The setting auth must read user:password.")
        return auth

    @property
    def first_model(self) -> str:
        """The network, or the file of weights, that the page opens with."""
        if self.model != AUTO:
            return self.model
        # Weights tell themselves what they are for; with its folder, a file is not taken for a network of that name.
        return str(Path(self.checkpoint).absolute()) if self.checkpoint else ALL_MODELS[0]

    @property
    def first_checkpoint(self) -> str:
        """The file with other weights for `first_model`."""
        return "" if self.model == AUTO else self.checkpoint

    def may_fetch(self, name: str) -> bool:
        """Whether this network may be fetched unasked, and offered to visitors."""
        if self.model != AUTO or self.checkpoint or self.max_models == 1:
            return False
        return self.models.strip() == AUTO or name in self.other_models

    @property
    def other_models(self) -> list[str]:
        """Names of the networks that visitors may choose beside `model`."""
        names = self._names(self.models, ALL_MODELS)
        return [*names, BUNDLED] if self.on_zero_gpu and BUNDLED not in names else names

    @property
    def on_zero_gpu(self) -> bool:
        """Whether all networks but the bundled one run on GPUs that Hugging Face lends by the call."""
        return self.device == ZERO_GPU

    @property
    def local_device(self) -> str:
        """What networks run on that run in this process."""
        return "cpu" if self.on_zero_gpu else self.device

    @property
    def detector_names(self) -> list[str]:
        """The detectors that visitors may use for text prompts, by name, folder or repository; the first one is the
        default."""
        return self._names(self.detectors, tuple(DETECTORS))

    def _names(self, setting: str, if_local: Sequence[str]) -> list[str]:
        """Names with commas between them; auto: `if_local` where only this computer can open the page, else none."""
        if setting.strip() != AUTO:
            return [name.strip() for name in setting.split(",") if name.strip()]
        return list(if_local) if self.is_local else []

    @property
    def is_local(self) -> bool:
        """Whether only this computer can open the page."""
        return self.host in {"127.0.0.1", "::1", "localhost"} and not self.share and not self.root_path

    @property
    def may_train(self) -> bool:
        """Whether visitors may fine-tune networks on their masks."""
        return self.is_local if self.training == AUTO else self.training == "always"

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password, or None where everybody may come in."""
        user, _, password = self.auth.partition(":")
        return (user, password) if self.auth else None

    @property
    def max_upload_bytes(self) -> int:
        """Largest file that may be uploaded."""
        return self.max_upload_mb * 1_000_000

    @property
    def max_album_bytes(self) -> int:
        """Most bytes that the files of an album may have together."""
        return self.max_album_mb * 1_000_000

    @property
    def max_disk_bytes(self) -> int:
        """Most bytes that the files of all visitors may have together."""
        return self.max_disk_mb * 1_000_000

    @property
    def max_store_bytes(self) -> int:
        """Most bytes that the frames of a clip may take on disk."""
        return self.max_store_mb * 1_000_000


def load_settings(
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    defaults: Path = DEFAULTS,
    program: str | None = None,
) -> Settings:
    """Put the settings together.

    `arguments` are command-line flags without the program's name (`program`, for the help), `environment` is like
    `os.environ`. Raises `ConfigError` for a setting that does not exist, is missing or cannot be read; `--help` and
    unknown flags end the program as argparse does.
    """
    values = _read_yaml(defaults) | _from_environment(environment or {}) | _parse_flags(arguments, program)
    try:
        return Settings.model_validate_strings({str(name): str(value) for name, value in values.items()})
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors(include_url=False)[0], defaults)) from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The settings in {path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"The settings in {path} must be lines of `name: value`.")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """MASKLET_* variables; where they do not say the address, Gradio's own and those of a hosted Space count, and then
    the port that container platforms tell."""
    hosted = _of_a_space(environment) if environment.get("SPACE_ID") else {}
    gradio = {"host": "GRADIO_SERVER_NAME", "port": "GRADIO_SERVER_PORT", "root_path": "GRADIO_ROOT_PATH"}
    named = {name: environment[variable] for name, variable in gradio.items() if environment.get(variable)}
    ours = {name: f"MASKLET_{name.upper()}" for name in Settings.model_fields}
    platform = {"port": environment["PORT"]} if environment.get("PORT") else {}
    return (
        platform
        | hosted
        | named
        | {name: environment[variable] for name, variable in ours.items() if variable in environment}
    )


def _of_a_space(environment: Mapping[str, str]) -> dict[str, Any]:
    """Settings of a hosted Space: only its proxy can reach it, and Hugging Face shows it in a frame."""
    name = environment.get("SPACE_HOST", "")
    has_zero_gpu = environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
    return {
        **({"device": ZERO_GPU} if has_zero_gpu else {}),
        "host": "0.0.0.0",  # noqa: S104 - it is made to be reached
        "allowed_hosts": f"auto, {name or '*.hf.space'}",
        "trusted_proxies": "*",
        "frame_ancestors": "https://huggingface.co, https://*.hf.space",
    }


def _parse_flags(arguments: Sequence[str], program: str | None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Masklet: segment pictures and clips in the browser.",
        epilog="examples:\n  %(prog)s --port 8080\n  %(prog)s --model sam2.1_hiera_small --device cuda",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, field in Settings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        if field.annotation is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction)
        else:
            parser.add_argument(flag, metavar=getattr(field.annotation, "__name__", "").upper())
    return {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}


def _sentence(error: ErrorDetails, defaults: Path) -> str:
    """What is wrong with a setting."""
    name, value, context = error["loc"][0], error["input"], error.get("ctx", {})
    if error["type"] == "missing":
        return f"Missing in {defaults}: {name}."
    if error["type"] == "extra_forbidden":
        return f"Unknown setting in {defaults}: {name}. Known: {', '.join(Settings.model_fields)}."
    if "ge" in context:
        return f"The setting {name} must be at least {context['ge']}, not {value}."
    if "gt" in context:
        return f"The setting {name} must be greater than {context['gt']}, not {value}."
    if "le" in context:
        return f"The setting {name} must be at most {context['le']}, not {value}."
    if "error" in context:
        return str(context["error"])
    return f"The setting {name} must be of type {error['type'].split('_')[0]}, not {value!r}."
