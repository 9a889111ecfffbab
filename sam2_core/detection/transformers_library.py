"""Imports the transformers library, which is an extra, and says what to do where that fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from sam2_core.detection.known import EXTRA, EXTRA_MEGABYTES
from sam2_core.errors import ConfigError
from sam2_core.hub import first_line

MIN_PYTHON = (3, 11)


def transformers_class(name: str) -> Any:
    """A class of the transformers library by its name. Raises `ConfigError` where it cannot be had."""
    try:
        return getattr(import_module("transformers"), name)
    except AttributeError as error:
        version = _version("transformers")
        raise ConfigError(f"The transformers library {version} has no {name}. Update it: {EXTRA}") from error
    except Exception as error:  # compiled parts of other libraries that do not fit raise anything
        problem = import_problem(error)
        raise problem or ConfigError(f"The transformers library cannot be imported: {first_line(error)}") from error


def is_installed() -> bool:
    """Whether the library can be found; it is not imported, which takes seconds."""
    try:
        return find_spec("transformers") is not None
    except ValueError:  # its import was prevented
        return False


def missing_library() -> ConfigError:
    """Says what to install."""
    install = f"{EXTRA} ({EXTRA_MEGABYTES} MB)."
    python = "" if sys.version_info >= MIN_PYTHON else " It needs Python 3.11 or newer."
    return ConfigError(f"Text prompts need the transformers library, which is not here: {install}{python}")


def import_problem(error: Exception) -> ConfigError | None:
    """Says what to install where an error comes from an import in the library; None for any other error."""
    if isinstance(error, ModuleNotFoundError) and error.name == "transformers":
        return missing_library()
    texts, torchvision = _chain(error), _version("torchvision")
    if torchvision and "torchvision" in texts:
        return ConfigError(
            f"The transformers library cannot be used, because torchvision {torchvision} does not fit PyTorch "
            f"{_version('torch')}. Install the one that was made for it, or remove it, as nothing here needs it: pip "
            "uninstall torchvision"
        )
    if isinstance(error, ImportError):
        return ConfigError(f"This detector needs another library: {first_line(error)} Most are in {EXTRA}")
    return None


def _chain(error: BaseException | None) -> str:
    """The texts of an error and of those that led to it."""
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def _version(package: str) -> str:
    """The version of an installed package, or an empty text."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


@contextmanager
def quiet_loading() -> Iterator[None]:
    """The library prints no progress bars and reports within."""
    logging = import_module("transformers.utils.logging")
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
