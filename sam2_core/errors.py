"""The tree of errors. Every message says what is wrong and what to do next; it may be shown to a visitor as it is.

MaskletError
├── BadPrompt            a prompt that cannot mean anything (outside the frame, no size, unreadable)
├── MediaError           a picture or clip that cannot be used (broken, empty, too large, mislabelled)
├── WeightsError         weights that cannot be found, read or matched to a network
├── DataError            a data set that cannot be used (unknown layout, nothing in it that could be read)
├── ConfigError          a setting or network configuration that makes no sense
├── SessionGone          the session is unknown or has expired: replay its journal
├── SessionChanged       a track call came with a revision from before the last prompt: ask again
├── Busy                 a limit is reached (sessions, queue): try again later
└── Cancelled            long work that nobody waits for any more
"""


class MaskletError(Exception):
    """The root: everything that Masklet itself raises on purpose."""


class BadPrompt(MaskletError, ValueError):
    """The prompt cannot mean anything on this frame."""


class MediaError(MaskletError):
    """The picture or clip cannot be used."""


class WeightsError(MaskletError):
    """The weights cannot be found, read or matched to the network."""


class DataError(MaskletError):
    """A data set cannot be used: its layout is unknown, or nothing in it can be read."""


class ConfigError(MaskletError, ValueError):
    """A setting or a network configuration makes no sense."""


class SessionGone(MaskletError):
    """The session is unknown or has expired; replaying its journal brings it back."""


class SessionChanged(MaskletError):
    """Something was said after the caller's revision; the caller should look again before it goes on."""


class Busy(MaskletError):
    """A limit on number or size is reached; it passes."""


class Cancelled(MaskletError):
    """Whoever wanted this work has given it up; raised where it reports how far it is."""
