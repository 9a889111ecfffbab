"""The networks that a server offers: what is known about each, and which of them are loaded, shared by all users.

A session may have networks of its own beside them (`SessionModels`), which nobody else can see or choose.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from sam2_core.errors import BadPrompt, Busy, Cancelled, ConfigError
from sam2_core.networks import KnownNetwork, is_known, join_name, known_network, split_name
from sam2_core.serving.engine import Engine
from sam2_core.serving.model_choice import UNKNOWN_SPEED, Speed
from sam2_core.serving.model_loader import ModelLoader
from sam2_core.types import Progress


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A network on offer. Strangers read `name` and `title`, so neither tells where files lie on this machine; `model`
    and `checkpoint` are what `build_engine` takes. `network` is None for other weights than the published ones: those
    of the operator, or where it `is_private` those of one session."""

    name: str
    title: str
    model: str
    checkpoint: str = ""
    network: KnownNetwork | None = None
    is_private: bool = False

    @property
    def source(self) -> str:
        """The file of the weights, or the name of the network."""
        return self.checkpoint or split_name(self.model)[0]


BuildEngine: TypeAlias = Callable[[ModelEntry, Progress], Engine]


def model_entries(
    model: str, checkpoint: str = "", others: Iterable[str] = (), image_size: int = 0
) -> list[ModelEntry]:
    """The default network and others by name; raises `ConfigError` for an unknown name.

    A name tells the side of the input if that is not the network's own ("sam2.1_hiera_tiny@512"); `image_size` is that
    of the default network (0: its own, or as the name says).
    """
    model = join_name(model, image_size or None)
    own = Path(checkpoint or split_name(model)[0]).stem
    is_own = checkpoint or not is_known(model)
    default = ModelEntry(own, own, model, checkpoint) if is_own else _entry(known_network(model))
    entries = {default.name: default}
    for network in map(known_network, others):
        entries.setdefault(network.name, _entry(network))
    return list(entries.values())


def _entry(network: KnownNetwork) -> ModelEntry:
    return ModelEntry(network.name, network.title, network.name, network=network)


def _full_name(name: str) -> str:
    """The name of the entry of a known network, for any of its spellings; other names stay."""
    try:
        return known_network(name).name
    except ConfigError:
        return name


@dataclass(eq=False)
class _Slot:
    entry: ModelEntry
    holders: int = 1
    loader: ModelLoader = field(init=False)

    @property
    def failed(self) -> bool:
        return self.loader.status.error is not None

    @property
    def is_idle(self) -> bool:
        """Nobody holds it, and its thread is done with it."""
        return not self.holders and (self.failed or self.loader.status.ready)


class ModelHandle:
    """A hold on a network: it stays loaded, or goes on loading, until `release`."""

    def __init__(self, entry: ModelEntry, loader: ModelLoader, release: Callable[[], None]) -> None:
        self.entry, self.loader = entry, loader
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Let go; repeating it is harmless."""
        release, self._release = self._release, None
        if release is not None:
            release()


class ModelRegistry:
    """Loads networks when they are wanted, at most `max_loaded` at a time. The default is never unloaded; of the
    others, the one that was released longest ago makes room. Any thread may call."""

    def __init__(self, entries: Sequence[ModelEntry], build: BuildEngine, max_loaded: int) -> None:
        self.entries = tuple(entries)
        self._build, self._max_loaded = build, max_loaded
        self._speeds: dict[str, Speed] = {}  # of networks that were unloaded
        self._slots: dict[str, _Slot] = {}  # the most recently released at the end
        self._lock = threading.Lock()
        self.acquire(self.default)

    @property
    def default(self) -> str:
        """Name of the network that every session begins with."""
        return self.entries[0].name

    def acquire(self, name: str, private: Iterable[ModelEntry] = ()) -> ModelHandle:
        """Hold a network, which begins to load if it is not there; one that could not be loaded is tried again.

        A known network may be named in any of its spellings. `private` are the entries that the caller may choose
        beside those on offer; their names are unique. Raises `BadPrompt` for a name that is not offered, and `Busy`
        where there is no room.
        """
        wanted = (name, _full_name(name))
        entry = next((entry for entry in (*self.entries, *private) if entry.name in wanted), None)
        if entry is None:
            raise BadPrompt("This server does not offer that model. Choose one from the list.")
        with self._lock:
            slot = self._slots.get(entry.name)
            if slot is None or slot.failed:
                slot = self._load(entry)
            else:
                slot.holders += 1
        return ModelHandle(entry, slot.loader, lambda: self._release(slot))

    def offer(self, entry: ModelEntry) -> None:
        """Offer one more network to everybody; one that is on offer already stays as it is."""
        with self._lock:
            if all(each.name != entry.name for each in self.entries):
                self.entries = (*self.entries, entry)

    def speed(self, name: str) -> Speed:
        """How fast a network was when it last ran here."""
        slot = self._slots.get(name)
        if slot is not None and slot.loader.status.ready:
            return slot.loader.engine().status().speed
        return self._speeds.get(name, UNKNOWN_SPEED)

    def is_loaded(self, name: str) -> bool:
        """Whether acquiring it needs no loading."""
        slot = self._slots.get(name)
        return slot is not None and slot.loader.status.ready

    def engines(self) -> list[Engine]:
        """Those of all networks that are loaded."""
        loaders = [slot.loader for slot in tuple(self._slots.values())]
        return [loader.engine() for loader in loaders if loader.status.ready]

    @property
    def restarts(self) -> int:
        """How often the networks in memory hung or died and were started again."""
        return sum(engine.status().restarts for engine in self.engines())

    def discard(self, name: str) -> None:
        """Unload a network that nobody will acquire again. One that still loads ends at its next report."""
        with self._lock:
            slot = self._slots.get(name)
            if slot is not None and slot.is_idle:
                self._unload(name)

    def close(self) -> None:
        """Shut every engine down, and end the loading of others at their next report."""
        with self._lock:
            for slot in self._slots.values():
                slot.loader.close()

    def wait(self, timeout: float) -> bool:
        """Wait until no network is loading; False where one still is after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._lock:
            loaders = [slot.loader for slot in self._slots.values()]
        return all(loader.wait(max(0.0, deadline - time.monotonic())) for loader in loaders)

    def _load(self, entry: ModelEntry) -> _Slot:
        self._slots.pop(entry.name, None)
        self._make_room()
        slot = _Slot(entry)
        slot.loader = ModelLoader(lambda progress: self._build(entry, self._while_wanted(slot, progress)))
        self._slots[entry.name] = slot  # complete: other threads may ask about it from now on
        return slot

    def _make_room(self) -> None:
        while len(self._slots) >= self._max_loaded:
            idle = [name for name, slot in self._slots.items() if slot.is_idle and name != self.default]
            if not idle:
                titles = (
                    "a model of another visitor" if slot.entry.is_private else slot.entry.title
                    for slot in self._slots.values()
                )
                there = ", ".join(dict.fromkeys(titles))
                raise Busy(
                    f"No further model fits into this server's memory while others use {there}. Choose one of these, "
                    "or try again later."
                )
            self._unload(idle[0])

    def _unload(self, name: str) -> None:
        self._speeds[name] = self.speed(name)
        self._slots.pop(name).loader.close()

    def _while_wanted(self, slot: _Slot, progress: Progress) -> Progress:
        """Ends the loading at its next report once nobody holds it any more."""

        def report(fraction: float | None, message: str) -> None:
            if not slot.holders and slot.entry.name != self.default:
                raise Cancelled("Loading this model was given up. Load it again.")
            progress(fraction, message)

        return report

    def _release(self, slot: _Slot) -> None:
        with self._lock:
            slot.holders -= 1
            if not slot.holders and self._slots.get(slot.entry.name) is slot:
                self._slots[slot.entry.name] = self._slots.pop(slot.entry.name)


class SessionModels:
    """The networks that one session may choose: those on offer to everybody, and up to `max_own` of its own, which no
    other session can see or choose. Belongs to one thread."""

    def __init__(self, registry: ModelRegistry, max_own: int = 4) -> None:
        self._registry, self._max_own = registry, max_own
        self._own: dict[str, ModelEntry] = {}

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """All of them; those of its own come last."""
        return (*self._registry.entries, *self._own.values())

    @property
    def default(self) -> str:
        """See `ModelRegistry`."""
        return self._registry.default

    def acquire(self, name: str) -> ModelHandle:
        """See `ModelRegistry`."""
        return self._registry.acquire(name, self._own.values())

    def is_loaded(self, name: str) -> bool:
        """See `ModelRegistry`."""
        return self._registry.is_loaded(name)

    def speed(self, name: str) -> Speed:
        """See `ModelRegistry`."""
        return self._registry.speed(name)

    def add(self, title: str, model: str, checkpoint: Path, in_use: str) -> ModelEntry:
        """Offer weights in a file of the session as a network of its own, under a new name that cannot be guessed.

        `model` is what they are weights for. Beyond `max_own` the oldest one other than `in_use` goes, with its file.
        """
        entry = ModelEntry(f"trained-{secrets.token_hex(8)}", title, model, str(checkpoint), is_private=True)
        self._own[entry.name] = entry
        while len(self._own) > self._max_own:
            oldest = next(name for name in self._own if name != in_use)
            Path(self._own.pop(oldest).checkpoint).unlink(missing_ok=True)
            self._registry.discard(oldest)
        return entry

    def weights_of(self, name: str) -> Path | None:
        """The file of a network of its own; None for all others."""
        entry = self._own.get(name)
        return None if entry is None else Path(entry.checkpoint)

    def close(self) -> None:
        """Unload those of its own; the handles have been released."""
        for name in self._own:
            self._registry.discard(name)
        self._own = {}
