"""What can be set about the page: defaults from configs/app.yaml, then the environment, then command-line flags."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sam2_core.errors import ConfigError
from sam2_core.paths import ROOT

DEFAULTS = ROOT / "configs" / "app.yaml"
ALL_MODELS = ("nano", *(f"sam2.1_hiera_{size}" for size in ("tiny", "small", "base_plus", "large")))
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; configs/app.yaml says what each one means."""

    host: str
    port: int
    root_path: str
    share: bool
    auth: str
    model: str
    checkpoint: str
    models: str
    max_models: int
    device: str
    max_sessions: int
    max_jobs: int
    max_upload_mb: int
    max_pixels: int
    max_pictures: int
    max_album_mb: int
    max_seconds: int
    max_frames: int
    max_clip_side: int
    max_store_mb: int
    max_objects: int
    max_points: int
    messages_per_second: int
    grace_seconds: float
    farewell_seconds: float
    idle_minutes: float

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            least = 1 if field.type == "int" and field.name != "port" else 0
            if not isinstance(value, (str, bool)) and value < least:
                raise ConfigError(f"The setting {field.name} must be at least {least}, not {value}.")
        if self.port > 65535:
            raise ConfigError(f"The setting port must be at most 65535, not {self.port}.")
        if self.auth and self.credentials is None:
            raise ConfigError("The setting auth must read user:password.")

    @property
    def other_models(self) -> list[str]:
        """Names of the networks that visitors may choose beside `model`."""
        if self.models.strip() != "auto":
            return [name.strip() for name in self.models.split(",") if name.strip()]
        alone = self.host in {"127.0.0.1", "::1", "localhost"} and not self.share and not self.root_path
        return list(ALL_MODELS) if alone else []

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password, or None where everybody may come in."""
        user, colon, password = self.auth.partition(":")
        return (user, password) if user and colon and password else None

    @property
    def max_upload_bytes(self) -> int:
        """Largest file that may come in."""
        return self.max_upload_mb * 1_000_000

    @property
    def max_album_bytes(self) -> int:
        """Most that the files of an album may have together."""
        return self.max_album_mb * 1_000_000

    @property
    def max_store_bytes(self) -> int:
        """Most that the frames of a clip may take on disk."""
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
    values = _read_yaml(defaults)
    values |= _from_environment(environment or {})
    values |= {name: value for name, value in vars(_parser(program).parse_args(arguments)).items() if value is not None}
    return Settings(**{name: _read(name, kind, values[name]) for name, kind in _kinds().items()})


def _kinds() -> dict[str, str]:
    """Name of each setting -> name of its type (annotations are text here)."""
    return {field.name: str(field.type) for field in dataclasses.fields(Settings)}


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The settings in {path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"The settings in {path} must be lines of `name: value`.")
    unknown, missing = sorted(values.keys() - _kinds().keys()), sorted(_kinds().keys() - values.keys())
    if unknown:
        raise ConfigError(f"Unknown setting in {path}: {', '.join(map(str, unknown))}. Known: {', '.join(_kinds())}.")
    if missing:
        raise ConfigError(f"Missing in {path}: {', '.join(missing)}.")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """MASKLET_* variables; where they are silent about the address, Gradio's own and those of a hosted Space count."""
    hosted = {"host": "0.0.0.0"} if environment.get("SPACE_ID") else {}  # noqa: S104 - a Space is made to be reached
    gradio = {"host": "GRADIO_SERVER_NAME", "port": "GRADIO_SERVER_PORT", "root_path": "GRADIO_ROOT_PATH"}
    named = {name: environment[variable] for name, variable in gradio.items() if environment.get(variable)}
    ours = {name: f"MASKLET_{name.upper()}" for name in _kinds()}
    return hosted | named | {name: environment[variable] for name, variable in ours.items() if variable in environment}


def _parser(program: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Masklet: segment pictures and clips in the browser.",
        epilog="examples:\n  %(prog)s --port 8080\n  %(prog)s --model sam2.1_hiera_small --device cuda",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, kind in _kinds().items():
        flag = "--" + name.replace("_", "-")
        if kind == "bool":
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(flag, metavar=kind.upper())
    return parser


def _read(name: str, kind: str, value: Any) -> Any:
    """One value as the type its setting has; the environment and the command line hold only text."""
    try:
        if kind == "bool":
            return value if isinstance(value, bool) else _SWITCH[str(value).strip().lower()]
        if isinstance(value, bool) or (kind == "int" and isinstance(value, float)):
            raise ValueError
        return {"str": str, "int": int, "float": float}[kind](value)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"The setting {name} must be of type {kind}, not {value!r}.") from error
