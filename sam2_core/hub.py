"""Files of repositories on the Hugging Face Hub, downloaded into its cache with progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sam2_core.download import check_connection, check_free_space
from sam2_core.errors import Cancelled, WeightsError
from sam2_core.types import Progress


def first_line(error: Exception) -> str:
    """The first line of an error's text, which may be long where it comes from a library."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def check_hub() -> None:
    """Raise `OSError` where the Hub cannot be reached right now, or must not be (`HF_HUB_OFFLINE`)."""
    from huggingface_hub import constants  # deferred: importing it takes a second

    check_online()
    check_connection(constants.ENDPOINT)


def check_online() -> None:
    """Raise `OSError` where downloads are turned off (`HF_HUB_OFFLINE`)."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise OSError("Downloads are turned off (HF_HUB_OFFLINE).")


def find_cached(repository: str, is_complete: Callable[[Path], bool]) -> Path | None:
    """The folder with the files of a repository in the cache, if `is_complete` says so."""
    import huggingface_hub

    cached = huggingface_hub.try_to_load_from_cache(repository, "config.json")
    return Path(cached).parent if isinstance(cached, str) and is_complete(Path(cached).parent) else None


def find_snapshot(
    repository: str,
    select: Callable[[list[str]], list[str]],
    is_complete: Callable[[Path], bool],
    progress: Progress | None = None,
    megabytes: int = 0,
) -> Path:
    """The folder with the files of a repository: in the cache if `is_complete` says so, else downloaded into it.

    `select` gets the names of all files and returns those that are needed; `megabytes` is their size, if it is known,
    for messages. Raises `WeightsError` where they cannot be
    had, and what `progress` raises.
    """
    import huggingface_hub  # deferred: importing it takes a second
    from huggingface_hub.errors import GatedRepoError

    cached = find_cached(repository, is_complete)
    if cached is not None:
        return cached
    title = f"{repository} ({megabytes} MB)" if megabytes else repository
    if progress is not None:
        progress(None, f"Looking for {title}")
    try:
        check_hub()
        info = huggingface_hub.HfApi().model_info(repository, files_metadata=True)
        sizes = {each.rfilename: each.size or 0 for each in info.siblings or ()}
        return _download(repository, info.sha, {name: sizes[name] for name in select([*sizes])}, progress)
    except (Cancelled, WeightsError):
        raise
    except GatedRepoError as error:
        raise WeightsError(
            f"The weights of {title} are for those who have accepted their license. Accept it on "
            f"https://huggingface.co/{repository}, and log in with `hf auth login`."
        ) from error
    except Exception as error:  # the errors of a lost connection depend on the Hub's HTTP library
        raise WeightsError(
            f"{title} cannot be fetched from the Hugging Face Hub: {first_line(error).rstrip('.')}. Check the name and "
            "the connection, or download its files by hand and give the path of their folder."
        ) from error


def _download(repository: str, revision: str | None, sizes: dict[str, int], progress: Progress | None) -> Path:
    from huggingface_hub import constants, hf_hub_download

    total, done, folder = sum(sizes.values()), 0, None
    check_free_space(Path(constants.HF_HUB_CACHE), total)
    for name, size in sizes.items():
        bar = reporting_bar(progress, done, total)
        folder = Path(hf_hub_download(repository, name, revision=revision, tqdm_class=bar)).parent
        done += size
    if folder is None:
        raise WeightsError(f"The repository {repository} has no model that can be loaded here.")
    return folder


def reporting_bar(progress: Progress | None, before: int = 0, total: int | None = None) -> Any:
    """A tqdm class for the Hub's downloader that also calls `progress`.

    For one of several files, `before` are the bytes of those that are there already, and `total` those of all.
    """
    from tqdm.auto import tqdm

    if progress is None:
        return tqdm
    report: Progress = progress

    class ReportingBar(tqdm):  # type: ignore[misc]
        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            size = total or self.total
            if size:
                done = before + self.n
                report(min(1.0, done / size), f"Downloading {done / 1e6:.0f} of {size / 1e6:.0f} MB")
            return shown

    return ReportingBar
