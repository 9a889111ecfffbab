"""The exceptions of Masklet. A message says what is wrong and what to do about it, and may be shown to a user as it is.

MaskletError
├── BadPrompt            an invalid prompt or request (outside of the frame, empty, unreadable)
├── MediaError           an image or clip that cannot be used (broken, empty, too large, mislabeled)
│   └── TooLarge         one of too many pixels that can be opened scaled down
├── WeightsError         weights that cannot be found, read or loaded into a network
├── DataError            a data set that cannot be used (unknown layout, nothing readable)
├── ConfigError          an invalid setting or network configuration
├── SessionGone          the session is unknown or has expired: replay its edit log
├── SessionChanged       a request was based on an outdated revision: repeat it
├── Busy                 a limit is reached (objects, sessions, memory): try again later
│   └── QuotaExceeded    a visitor's share of a hosted GPU is used up: go on with a network on the CPU
└── Cancelled            a job was canceled
"""

from __future__ import annotations

import errno


class MaskletError(Exception):
    """Base class of all exceptions that Masklet raises on purpose."""


class BadPrompt(MaskletError, ValueError):
    """The prompt or request is invalid."""


class MediaError(MaskletError):
    """The image or clip cannot be used."""


class TooLarge(MediaError):
    """The image or clip has too many pixels; it can be opened scaled down (`Limits.scale_down`)."""


class WeightsError(MaskletError):
    """The weights cannot be found, read or loaded into the network."""


class DataError(MaskletError):
    """The data set cannot be used: its layout is unknown, or nothing in it can be read."""


class ConfigError(MaskletError, ValueError):
    """The setting or network configuration is invalid."""


class SessionGone(MaskletError):
    """The session is unknown or has expired; replaying its edit log restores it."""

    def __init__(self, message: str = "This session has expired; replay its edit log.") -> None:
        super().__init__(message)


class SessionChanged(MaskletError):
    """Prompts or objects changed after the revision that the request names; repeat it with the current one."""


class Busy(MaskletError):
    """A limit on number or size is reached, for now."""


class QuotaExceeded(Busy):
    """What a visitor may use of a GPU that others provide is used up, for now; a network on the CPU goes on."""


class Cancelled(MaskletError):
    """The job was canceled; raised by its progress callback."""


_DISK = "The server's disk is full. Try again in a few minutes, or with a smaller file."
_FILES = "The server has too many files and connections open. Try again in a minute."
_SHORTAGES = {errno.ENOSPC: _DISK, errno.EDQUOT: _DISK, errno.EMFILE: _FILES, errno.ENFILE: _FILES}


def shortage(error: BaseException) -> Busy | None:
    """What to raise in place of an error of a system that has no disk or file descriptor left; None for other ones."""
    text = _SHORTAGES.get(error.errno or 0) if isinstance(error, OSError) else None
    return None if text is None else Busy(text)
